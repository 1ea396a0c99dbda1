"""The order of rows in an epoch: ``formulas.draws.permutation``, made in memory that is kept."""

from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule.engines.fused.data_movement import MAX_AHEAD, WORDS
from chainrule.engines.fused.gate import at
from chainrule.engines.fused.ir_builder import WHOLE
from chainrule.engines.fused.program import as_argument
from chainrule.engines.fused.signatures import Given
from chainrule.formulas import draws
from chainrule.recipe import Recipe


class Shuffling:
    """Orders of the rows, one after the other in the same memory."""

    def __init__(self, recipe: Recipe, draw_words: Callable[[int, int, int, int], None]) -> None:
        self._recipe = recipe
        self._draw_words = draw_words
        self._epoch = np.zeros(1, np.int64)
        self._words: Any = np.zeros(0, np.uint64)

    def prepare(self, m: int) -> Any:
        """Room for the orders of m rows: the array that ``order`` fills."""
        if len(self._words) != m or not self._words.size:
            self._index = np.arange(m, dtype=np.uint64)
            # words are drawn in fours; and who gathers rows looks ahead, also at the end
            self._room = np.zeros(m + 4 + MAX_AHEAD, np.uint64)
            self._words = self._room[:m]
            self._low = draws.low_bits(m)
            given: dict[str, Given] = {
                "into": at(self._room),
                "key_0": as_argument(self._recipe.seed),
                "key_1": int(draws.Stream.SHUFFLE),
                "first": 0,
                "rows": m,
                "per_row": 1,
                "step": at(self._epoch),
                "place": 0,
            }
            self._arguments = np.array(WORDS.packed(given)[0], np.int64)
            self._where = at(self._arguments).address
        return self._words

    def order(self, epoch: int) -> None:
        """Fill the array with the rows in the order of an epoch."""
        words = self._words
        if not self._recipe.shuffle:
            words[...] = self._index
            return
        self._epoch[0] = epoch
        self._draw_words(self._where, 0, WHOLE, 0)
        np.bitwise_and(words, ~self._low, out=words)
        np.bitwise_or(words, self._index, out=words)
        words.sort()
        np.bitwise_and(words, self._low, out=words)
