"""A figure for each question that the papers leave open (docs/findings.md), named as the sweep that makes its runs.

Two are drawn as the paper's own (Fig. 7 and the error against time), of other runs.
"""
