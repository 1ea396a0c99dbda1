"""Seeing inside: every number of the forward and backward pass of a network on rows of one's own."""

from chainrule.explain.trace import Trace, trace

__all__ = ["Trace", "trace"]
