"""Tables, figures and pages from what the run store holds. No training code, and no torch, is imported here.

Each of the first four is a command, too: `python -m reports.table meta_t/table1 scale=demo`.

table         tables beside the published numbers; `table/build.py` is the file to open first
figure        figures, by paper
page          one page of HTML with everything, and a page per run
confusion     one run's test set, class by class
audit         what the papers' own tables say about the papers' sentences
collect       runs -> data frames, for all of these
paper         the published numbers, verbatim, and their errata
measured      the small files of runs on real images, kept as evidence; `freeze` adds to them
speed         pictures of what the benchmark of speed has measured

Imports go one way: `paper` and `collect` know nothing of the others, `table`, `figure` and `audit` nothing of each
other, and `page` knows them all. What is written goes to the folder that SSL_REPORTS names (reports/out).
"""
