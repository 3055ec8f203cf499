"""Figures of the Meta-Semi paper, a module each. Imports `reports.figure.bands` and `reports.figure.style`."""
