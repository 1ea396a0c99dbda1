"""The mistakes of the five documents, as data: a TOML file for each document, of which docs/errata.md is made.

What an erratum says is measured, the tests run: the printed form and the correct one, on a small fixed problem.
``python -m chainrule.notes.errata`` prints the page.
"""
