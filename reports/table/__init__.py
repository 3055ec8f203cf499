"""Tables, ours beside the published numbers. Imports `reports.collect`, `reports.paper` and `sweeps.sweep`.

build         a table from the run store, and its files; the file to open first
summary       runs -> the cells of a table, its totals and its times: frames
compare       what is compared with what: row with row seed by seed, ours with the published numbers
tails         more of a run under a long tail: recall by class and by the classes' sizes
stats         intervals, differences and ranks
notes         what a reader must know below a table
markdown      frames -> Markdown; latex: the same as LaTeX; text: the cells of both
"""
