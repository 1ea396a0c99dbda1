"""Packs: many networks trained side by side, and the ensemble that is chosen of them as they go.

pack           threads take members from a queue, an epoch at a time
selection      a greedy choice after each round
presets        what a pack is made of, by one dial and the size of the table
ensemble_fit   from rows to an ensemble
"""

from chainrule.packs.ensemble_fit import EnsembleFit, TrainedNetwork, fit_ensemble, mean_outputs
from chainrule.packs.pack import Member, Observer, Pack, fit_many
from chainrule.packs.selection import GreedyEnsemble, Watched, measure_by, measure_of

__all__ = [
    "EnsembleFit",
    "GreedyEnsemble",
    "Member",
    "Observer",
    "Pack",
    "TrainedNetwork",
    "Watched",
    "fit_ensemble",
    "fit_many",
    "mean_outputs",
    "measure_by",
    "measure_of",
]
