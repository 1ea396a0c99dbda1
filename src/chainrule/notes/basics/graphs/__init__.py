"""Computation graphs, as *Deep learning basics* draws them."""
