"""A figure for each question that the papers leave open (docs/findings.md), named as the sweep that makes its runs.

Three are drawn as they are for Meta-T (Fig. 4, Fig. 7, the error against time), of other runs.
"""
