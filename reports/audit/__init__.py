"""What the papers' own tables say about the papers' sentences, and whether the run store is whole.

Imports `reports.paper` and, for the store, `reports.collect`.

judge         every claim with its verdict, and the page that lists them; the file to open first
claims        the sentences and marks that can be checked
checks        what a claim can be checked by
store         is each run of the store whole, and its result what its evaluations give?
"""
