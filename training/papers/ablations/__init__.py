"""Ablations: the papers' tables again, at a small budget of ours, one command each.

tables   the table of tables: variants, what they change, what the papers print
trials   train every variant for equal steps from one seed and one pool, sample, measure on held-out mixes
judge    medians, intervals, and where our order differs from the paper's
pages    one table, and all of them, as Markdown
command  ``python -m training ablate``
"""
