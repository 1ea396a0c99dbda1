"""Packs: many networks trained side by side, and the ensemble that is chosen of them as they go.

pack        threads take members from a queue, an epoch at a time
ensemble    a greedy choice after each round
"""

from chainrule.packs.pack import Member, Observer, Pack, fit_many
from chainrule.packs.selection import GreedyEnsemble, Watched, measure_by, measure_of

__all__ = ["GreedyEnsemble", "Member", "Observer", "Pack", "Watched", "fit_many", "measure_by", "measure_of"]
