"""Tables, ours beside the published numbers. Imports `reports.collect`, `reports.paper` and `sweeps.sweep`.

build         a table from the run store, and its files; the file to open first
summary       runs -> cells, differences and totals: frames
stats         intervals, comparisons and ranks
notes         what a reader must know below a table
render        frames -> Markdown or LaTeX
"""
