"""The published numbers, verbatim, each with its source. Imports nothing of the project.

published     reads them: published("meta_t/table1") is a frame
meta_t        the tables of the Meta-T paper, and the sentences that they can check (claims.yaml)
meta_semi     the same for Meta-Semi
errata.csv    what is wrong or open in the two papers, and what is done about it
"""
