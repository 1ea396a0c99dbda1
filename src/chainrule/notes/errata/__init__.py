"""The mistakes of the five documents, as data, with proofs that run; docs/errata.md is made from them.

all_errata      ERRATA, and how to find one
..._errata      the errata of one document
proofs          the printed form and the correct one, for each that can be run
errata_entry    what an erratum and its proof are
errata_page     how the page is written; ``python -m chainrule.notes.errata`` prints it
"""
