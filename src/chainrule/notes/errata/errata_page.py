"""The errata as a page in Markdown."""

from collections.abc import Sequence

from chainrule.notes.errata.errata_entry import Erratum
from chainrule.notes.notations.conventions import CONVENTIONS, Convention

__all__: list[str] = []

_INTRODUCTION = """\
# Errata of the five documents

<!-- Made by `python -m chainrule.notes.errata > docs/errata.md`; do not edit. -->

What the documents print, what is wrong with it, and what it should say, in the order of each document.

- **A**: wrong numbers, or does not run, if done as printed.
- **B**: wrong or contradictory mathematics, which a careful reader repairs.
- **C**: a slip of typing, or damage from copying the page.

*Measured*: the printed form and the correct one were both run on a small fixed problem, and compared with central
differences of J or with a definition. A relative error is ||printed - right|| / ||right||: 1 is as wrong as all zeros,
2 is the wrong sign, m - 1 a forgotten 1/m. Every correct form passed, gradients with a relative error below 1e-7.

The mistakes named in the last column can be switched on, to study what they do to training:

```python
import numpy as np

from chainrule import notes

X = np.random.default_rng(0).uniform(-1, 1, (2, 200))
Y = (X[:1] * X[1:] > 0).astype(int)  # 1 where both have the same sign


def last_cost():
    return notes.L_layer_model(X, Y, (2, 8, 8, 1), 1.0, 1001, initialization="he", rng=0)[1][-1]


print(round(last_cost(), 2))  # 0.0
with notes.mistake("g-for-g-prime"):
    print(round(last_cost(), 2))  # 0.69: no better than guessing
```

## Where the documents differ

Most mistakes come from mixing formulas of documents that mean different things by the same letters. None of these
differences is an error; `chainrule.notes.convert` takes gradients from one document to another.
"""

_AFTER_CONVENTIONS = """\
`dZ[L] = (A[L] - Y)/m` of *Multi-layer networks* with `dW = (1/m) dZ A^T` of *Building blocks* counts 1/m twice;
`dZ[L] = A[L] - Y` with `dW = dZ A^T` not at all. W[l] is Theta(l)[:, 1:] and b[l] is Theta(l)[:, 0:1], and a[l] is
a^(l+1) where the input is layer 1. In the first half of *Theta notation* Theta(l) is W[l]^T. The weights w_j of unit j
are a row in *Multi-layer networks* and *Logistic regression to one hidden layer*, and a column in *Deep learning
basics*, whose W has the rows w_j^T.
"""


def page(entries: Sequence[Erratum]) -> str:
    """Introduction, conventions, and one table for each document."""
    documents = dict.fromkeys(entry.document for entry in entries)
    parts = [_INTRODUCTION, _conventions(), _AFTER_CONVENTIONS]
    parts += [_table(document, [entry for entry in entries if entry.document == document]) for document in documents]
    return "\n".join(parts)


def _conventions() -> str:
    rows = [["", "1/m stands in", "J is", "dA, dZ, delta are", "the input is", "parameters", "examples are"]]
    rows += [["---"] * len(rows[0])]
    rows += [_convention(convention) for convention in CONVENTIONS.values()]
    return "\n".join([*(_row(cells) for cells in rows), ""])


def _convention(convention: Convention) -> list[str]:
    return [
        f"*{convention.title}*",
        convention.one_over_m,
        "a sum" if convention.summed else "a mean",
        "of each example's loss" if convention.per_example else "dJ/dA, dJ/dZ",
        "layer 1" if convention.counts_input else "layer 0",
        convention.parameters,
        "rows" if convention.rows else "columns",
    ]


def _table(document: str, entries: Sequence[Erratum]) -> str:
    count = {severity: sum(entry.severity == severity for entry in entries) for severity in "ABC"}
    lines = [
        f"## {document}",
        "",
        f"{len(entries)} entries: " + ", ".join(f"{number} {severity}" for severity, number in count.items()) + ".",
        "",
        _row(["Id", "", "Printed", "Wrong", "Correct", "Measured", "Mistake"]),
        _row(["---"] * 7),
        *(_row(_erratum(entry)) for entry in entries),
    ]
    return "\n".join([*lines, ""])


def _erratum(entry: Erratum) -> list[str]:
    return [
        f'<a id="{entry.id}"></a>{entry.id}',
        f"**{entry.severity}**" if entry.severity == "A" else entry.severity,
        f"`{' '.join(entry.quote.split())}`",
        entry.wrong,
        entry.correct,
        entry.measured,
        f"`{entry.mistake}`" if entry.mistake else "",
    ]


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"
