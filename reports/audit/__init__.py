"""What the papers' own tables say about the papers' sentences. Imports `reports.paper`, and reads no run.

judge         every claim with its verdict, and the page that lists them; the file to open first
claims        the sentences and marks that can be checked
checks        what a claim can be checked by
"""
