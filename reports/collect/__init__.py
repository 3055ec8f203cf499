"""Runs of the store -> data frames. Imports `sweeps.sweep`, `benchmarks.store` and settings; nothing of `reports`.

frames        a sweep -> a frame with a line per run; the file to open first
read          one run's directory -> what it says; nothing in it is trusted
"""
