"""Model files made to do harm: the checksum is right, the content is not. Nothing of it is run or imported."""

import contextlib
import hashlib
import json
import sys

import pytest

from chainrule import RequestError, load
from tests.conftest import SMALL


def forged(content, change):
    """The file with another description, and the checksum that belongs to it."""
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    description = json.loads(header["__metadata__"]["chainrule"])
    changed = change(description)
    if isinstance(changed, dict):
        changed = {"sha256": "0" * 64} | {k: v for k, v in changed.items() if k != "sha256"}
    header["__metadata__"] = {"chainrule": json.dumps(changed, separators=(",", ":"))}
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    content = len(text).to_bytes(8, "little") + text + content[8 + length :]
    return content.replace(b"0" * 64, hashlib.sha256(content).hexdigest().encode(), 1)


def leaves(value, where=()):
    if isinstance(value, dict) or (isinstance(value, list) and value):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from leaves(inner, (*where, key))
    yield where


def with_leaf(description, where, value):
    if not where:
        return value
    copy = json.loads(json.dumps(description))
    inner = copy
    for key in where[:-1]:
        inner = inner[key]
    inner[where[-1]] = value
    return copy


def test_a_forged_file_with_the_same_description_loads(path):
    path.write_bytes(forged(path.read_bytes(), lambda description: description))
    assert load(path).target.name == "y"


@pytest.mark.parametrize("value", ["trap", "trap.run()", "__import__('trap')", None, -1, 10**30, [], {}, [[1]], 0.5])
def test_whatever_stands_in_a_file_nothing_of_it_is_run_or_imported(path, monkeypatch, value):
    (path.parent / "trap.py").write_text("raise SystemExit('code from a model file was run')")
    monkeypatch.syspath_prepend(path.parent)
    content = path.read_bytes()
    found = {}
    forged(content, lambda description: found.update(description) or description)
    for where in leaves(found):
        path.write_bytes(forged(content, lambda d, where=where: with_leaf(d, where, value)))
        try:
            model = load(path)
        except RequestError:
            continue
        except Exception as error:
            raise AssertionError(f"{where} = {value!r} ends in {error!r}") from error
        with contextlib.suppress(Exception):  # the checksum is right, so someone wrote this: it may fail, not run code
            model.predict(SMALL)
    assert "trap" not in sys.modules


def test_a_file_of_a_later_version_says_so(path):
    path.write_bytes(forged(path.read_bytes(), lambda d: d | {"format": 99, "made_with": {"chainrule": "9.0"}}))
    with pytest.raises(RequestError, match=r"format 99.*9\.0"):
        load(path)
