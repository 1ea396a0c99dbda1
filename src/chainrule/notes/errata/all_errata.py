"""All errata, out of one TOML file for each document; how to find one, and all of them as a page."""

import tomllib
from collections.abc import Iterator
from pathlib import Path

from chainrule.errors import RequestError, nearest
from chainrule.notes.errata.errata_entry import Erratum, Severity
from chainrule.notes.errata.errata_page import page

__all__ = ["DOCUMENTS", "ERRATA", "errata_markdown", "erratum", "find_errata"]


def _read(file: str) -> Iterator[Erratum]:
    written = tomllib.loads(Path(__file__).with_name(file).read_text(encoding="utf-8"))
    yield from (Erratum(document=written["document"], **entry) for entry in written["errata"])


_FILES = ("multi_layer.toml", "building_blocks.toml", "basics.toml", "logistic.toml", "theta.toml")
ERRATA: tuple[Erratum, ...] = tuple(entry for file in _FILES for entry in _read(file))
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
    >>> entry.severity, entry.mistake
    ('A', 'g-for-g-prime')
    """
    by_id = {entry.id: entry for entry in ERRATA}
    _require("erratum", id, tuple(by_id))
    return by_id[id]


def errata_markdown() -> str:
    """The whole of docs/errata.md.

    >>> errata_markdown().splitlines()[0]
    '# Errata of the five documents'
    """
    return page(ERRATA)


def _require(kind: str, name: str | None, names: tuple[str, ...]) -> None:
    if name is not None and name not in names:
        listed = f" There are: {', '.join(names)}." if len(names) < 10 else ""
        raise RequestError(f"no {kind} is called {name!r}{nearest(name, names)}.{listed}")
