"""All errata, in the order of the documents; how to find one, and all of them as a page."""

from chainrule.errors import RequestError, nearest
from chainrule.notes.errata.basics_errata import BASICS
from chainrule.notes.errata.building_blocks_errata import BUILDING_BLOCKS
from chainrule.notes.errata.errata_entry import Erratum, Severity
from chainrule.notes.errata.errata_page import page
from chainrule.notes.errata.logistic_errata import LOGISTIC
from chainrule.notes.errata.multi_layer_errata import MULTI_LAYER
from chainrule.notes.errata.theta_errata import THETA

__all__ = ["DOCUMENTS", "ERRATA", "errata_markdown", "erratum", "find_errata"]

ERRATA: tuple[Erratum, ...] = (*MULTI_LAYER, *BUILDING_BLOCKS, *BASICS, *LOGISTIC, *THETA)
DOCUMENTS: tuple[str, ...] = tuple(dict.fromkeys(entry.document for entry in ERRATA))


def find_errata(document: str | None = None, severity: Severity | None = None) -> tuple[Erratum, ...]:
    """The errata of one document, of one severity, or both. RequestError: no such document or severity.

    >>> [entry.id for entry in find_errata("Building blocks", "A")][:2]
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


def errata_markdown() -> str:
    """The whole of docs/errata.md; runs every proof.

    >>> errata_markdown().splitlines()[0]
    '# Errata of the five documents'
    """
    return page(ERRATA)


def _require(kind: str, name: str | None, names: tuple[str, ...]) -> None:
    if name is not None and name not in names:
        listed = f" There are: {', '.join(names)}." if len(names) < 10 else ""
        raise RequestError(f"no {kind} is called {name!r}{nearest(name, names)}.{listed}")
