"""The mistakes of the five documents, as data, with proofs that run; ``markdown()`` is docs/errata.md.

python -m chainrule.notes.errata > docs/errata.md
"""

from chainrule.errors import RequestError, nearest
from chainrule.notes.errata.basics import BASICS
from chainrule.notes.errata.building_blocks import BUILDING_BLOCKS
from chainrule.notes.errata.entry import Erratum, Outcome, Proof, Severity
from chainrule.notes.errata.logistic import LOGISTIC
from chainrule.notes.errata.multi_layer import MULTI_LAYER
from chainrule.notes.errata.page import page
from chainrule.notes.errata.theta import THETA

__all__ = ["DOCUMENTS", "ERRATA", "Erratum", "Outcome", "Proof", "Severity", "erratum"]

ERRATA: tuple[Erratum, ...] = (*MULTI_LAYER, *BUILDING_BLOCKS, *BASICS, *LOGISTIC, *THETA)
DOCUMENTS: tuple[str, ...] = tuple(dict.fromkeys(entry.document for entry in ERRATA))


def errata(document: str | None = None, severity: Severity | None = None) -> tuple[Erratum, ...]:
    """The errata of one document, of one severity, or both. RequestError: no such document or severity.

    >>> [entry.id for entry in errata("Building blocks", "A")][:2]
    ['building-blocks-12', 'building-blocks-13']
    """
    _require("document", document, DOCUMENTS)
    _require("severity", severity, ("A", "B", "C"))
    return tuple(entry for entry in ERRATA if document in (None, entry.document) and severity in (None, entry.severity))


def erratum(id: str) -> Erratum:
    """The erratum with this id. RequestError: no such id.

    >>> entry = erratum("building-blocks-25")
    >>> entry.mistake, entry.proof.printed_fails(), entry.proof.correct_passes()
    ('g-for-g-prime', True, True)
    """
    by_id = {entry.id: entry for entry in ERRATA}
    _require("erratum", id, tuple(by_id))
    return by_id[id]


def markdown() -> str:
    """The whole of docs/errata.md; runs every proof."""
    return page(ERRATA)


def _require(kind: str, name: str | None, names: tuple[str, ...]) -> None:
    if name is not None and name not in names:
        listed = f" There are: {', '.join(names)}." if len(names) < 10 else ""
        raise RequestError(f"no {kind} is called {name!r}{nearest(name, names)}.{listed}")
