"""One page of HTML with everything, and a page per run. Imports the other wings of `reports`, and is imported by none.

build         the page, written; the file to open first
views         what it shows of each table and figure
run           the page about one run; charts: how it learned
words         headings
templates     HTML and CSS
"""
