"""Figures of the Meta-T paper, a module each. Imports `reports.figure.bands` and `reports.figure.style`."""
