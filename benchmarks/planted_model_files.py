"""Model files that someone made to do harm, one of each kind, and how long it takes to refuse them.

    python -m benchmarks.planted_model_files

The checksum is right wherever there is a place for one, so that what lies behind it is tried. Exit code 1 where a file
is not refused, or not at once. That they are refused in little memory, with nothing done, is for the tests.
"""

import bz2
import gzip
import io
import os
import pickle
import sys
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np

from benchmarks.fuzz_model_files import MUSEUM, tried
from benchmarks.mutants import Parts, with_checksum
from chainrule.errors import RequestError

GOOD = (MUSEUM / "format-2" / "penguins.model").read_bytes()
SLOW = 0.1  # seconds of the processor's time; a load that takes longer is not refused at once


class Trap:
    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, ("echo trap",)


def zipped(size: int) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as file:
        file.writestr("theta.npy", bytes(size))
    return packed.getvalue()


def behind_the_mark(content: bytes) -> bytes:
    """What begins as a model file does, and goes on with something else."""
    return GOOD[: GOOD.index(b'\\"sha256')] + content


def with_table(change: Callable[[dict[str, Any]], dict[str, Any]]) -> bytes:
    """The good file with another table of arrays."""
    parts = Parts.of(GOOD)
    parts.table = change(parts.table["theta"])
    return parts.joined()


def with_sizes(*sizes: float) -> bytes:
    return with_table(lambda theta: {"theta": theta | {"shape": list(sizes)}})


def with_description(where: list[Any], value: Any) -> bytes:
    """The good file with something else at a place of its description."""
    parts = Parts.of(GOOD)
    inner: Any = parts.description
    for key in where[:-1]:
        inner = inner[key]
    inner[where[-1]] = value
    return parts.joined()


def with_text(old: str, new: str) -> bytes:
    """The good file with another text for its description, JSON or not."""
    text = Parts.of(GOOD).text()
    assert text.count(old) >= 1, old
    return Parts.of(GOOD).joined(text=text.replace(old, new, 1))


def with_head(old: str, new: str) -> bytes:
    """The good file with another header, JSON or not."""
    parts = Parts.of(GOOD)
    head = parts.head(parts.text())
    assert head.count(old) >= 1, old
    return parts.joined(head=head.replace(old, new, 1))


def with_length(length: int) -> bytes:
    return with_checksum(length.to_bytes(8, "little") + GOOD[8:])


def several(*places: tuple[int, int]) -> bytes:
    """As many arrays as places."""
    return with_table(
        lambda theta: {
            f"a{i}": theta | {"shape": [(b - a) // 4], "data_offsets": [a, b]} for i, (a, b) in enumerate(places)
        }
    )


def entries(count: int) -> str:
    return ",".join(f'"k{i}":"v"' for i in range(count))


def nested(depth: int) -> str:
    return '{"a":' * depth + "0" + "}" * depth


def numpy_archive() -> bytes:
    packed = io.BytesIO()
    np.savez_compressed(packed, theta=np.array([Trap()], dtype=object))
    return packed.getvalue()


def deep_network() -> bytes:
    """A network of many layers that is one in everything but its outputs."""
    parts, layers = Parts.of(GOOD), 10_001
    hidden = layers - 1
    inner = {"n": [1] * (layers + 1), "activation": ["relu"] * hidden, "dropout": [0.0] * hidden}
    parts.description["network"] |= inner
    parts.raw = bytes(4 * 2 * layers)
    parts.table = {"theta": {"dtype": "F32", "shape": [2 * layers], "data_offsets": [0, len(parts.raw)]}}
    return parts.joined()


DEEP = 100_000
MANY = 100_000
SIZE = len(Parts.of(GOOD).raw)
KINDS: dict[str, Callable[[], bytes]] = {
    "pickle": lambda: pickle.dumps(Trap()),
    "pickle, oldest protocol": lambda: pickle.dumps(Trap(), protocol=0),
    "pickle behind the beginning": lambda: behind_the_mark(pickle.dumps(Trap())),
    "zip bomb": lambda: zipped(100_000_000),
    "gzip bomb": lambda: gzip.compress(bytes(100_000_000)),
    "bzip2 bomb": lambda: bz2.compress(bytes(100_000_000)),
    "zip behind the beginning": lambda: behind_the_mark(zipped(1_000_000)),
    "NumPy archive with objects": numpy_archive,
    "nothing": lambda: b"",
    "zeros": lambda: bytes(1_000_000),
    "header of 0 bytes": lambda: with_length(0),
    "header beyond the end": lambda: with_length(len(GOOD)),
    "header of 2^63 bytes": lambda: with_length(2**63),
    "header of 2^64 - 1 bytes": lambda: with_length(2**64 - 1),
    "header of 100,000 arrays": lambda: with_table(lambda theta: {f"a{i}": theta for i in range(MANY)}),
    "header of 100,000 empty arrays": lambda: several((0, SIZE), *[(SIZE, SIZE)] * MANY),
    "header of 100,000 other entries": lambda: with_head('"},', f'",{entries(MANY)}}},'),
    "header of spaces": lambda: Parts.of(GOOD).joined(
        head=Parts.of(GOOD).head(Parts.of(GOOD).text()) + " " * 1_000_000
    ),
    "description of 10,000 entries": lambda: with_text('"format":2', f'"format":2,{entries(10_000)}'),
    "versions of 10,000 programs": lambda: with_text('"made_with":{', f'"made_with":{{{entries(10_000)},'),
    "size 2^63": lambda: with_sizes(2**63),
    "sizes whose product is 0 again after 2^64": lambda: with_sizes(2**32, 2**32),
    "size 0 beside 2^63": lambda: with_sizes(0, 2**63),
    "size 0 beside 10^18": lambda: with_sizes(0, 10**18),
    "size -1": lambda: with_sizes(-1),
    "size 1.5": lambda: with_sizes(1.5),
    "a thousand sizes": lambda: with_sizes(*[1] * 1000),
    "arrays that overlap": lambda: several((0, SIZE), (0, SIZE)),
    "arrays with a gap": lambda: several((0, 8), (16, SIZE)),
    "arrays out of order": lambda: several((8, SIZE), (0, 8)),
    "array beyond the end": lambda: with_table(lambda theta: {"theta": theta | {"data_offsets": [0, SIZE + 4]}}),
    "array before the beginning": lambda: with_table(lambda theta: {"theta": theta | {"data_offsets": [-8, SIZE]}}),
    "array of objects": lambda: with_table(lambda theta: {"theta": theta | {"dtype": "O"}}),
    "array of 2^63 bytes": lambda: with_table(
        lambda theta: {"theta": theta | {"shape": [2**61], "data_offsets": [0, 2**63]}}
    ),
    "name like a path": lambda: with_table(lambda theta: {"../../theta": theta}),
    "name like a path from the root": lambda: with_table(lambda theta: {"/etc/passwd": theta}),
    "name like a path of Windows": lambda: with_table(lambda theta: {"C:\\theta": theta}),
    "name of a module": lambda: with_table(lambda theta: {"os.system": theta}),
    "empty name": lambda: with_table(lambda theta: {"": theta}),
    "key twice in the header": lambda: with_head('"theta":', '"theta":0,"theta":'),
    "key twice in an array": lambda: with_head('"dtype":', '"dtype":"F64","dtype":'),
    "key twice in the description": lambda: with_text('"format":2', '"format":2,"format":2'),
    "key twice, once with an escape": lambda: with_text('"format":2', '"f\\u006frmat":1,"format":2'),
    "NaN": lambda: with_text('"tol":0.0001', '"tol":NaN'),
    "Infinity": lambda: with_text('"tol":0.0001', '"tol":Infinity'),
    "-Infinity": lambda: with_text('"tol":0.0001', '"tol":-Infinity'),
    "1e999": lambda: with_text('"tol":0.0001', '"tol":1e999'),
    "NaN in the header": lambda: with_head('"data_offsets":[0,', '"data_offsets":[NaN,'),
    "number of 100,000 digits": lambda: with_text('"seed":7', f'"seed":{"9" * 100_000}'),
    "number of 4,000 digits": lambda: with_text('"n":[', f'"n":[{"9" * 4_000},'),
    "lists 100,000 deep": lambda: with_text('"report":', f'"x":{"[" * DEEP}{"]" * DEEP},"report":'),
    "lists 100,000 deep, open": lambda: with_text('"report":', f'"report":{"[" * DEEP}'),
    "records 100,000 deep": lambda: with_text('"report":', f'"x":{nested(DEEP)},"report":'),
    "records 900 deep": lambda: with_text('"report":', f'"x":{nested(900)},"report":'),
    "header 100,000 deep": lambda: with_head('"theta":', f'"x":{nested(DEEP)},"theta":'),
    "10,000 empty lists": lambda: with_text('"report":', f'"x":[{"[]," * 10_000}0],"report":'),
    "half a character": lambda: with_text('"reason":"', '"reason":"\\ud800'),
    "null in the header": lambda: with_head('{"__metadata__', "\x00"),
    "text in UTF-16": lambda: behind_the_mark(Parts.of(GOOD).text().encode("utf-16")),
    "network of 10^18 units": lambda: with_description(["network", "n"], [10**18, 10**18, 10**18]),
    "network of 10,001 layers": deep_network,
    "quantiles by the thousand": lambda: with_description(["network", "loss"], f"quantiles({'0.1,' * 100_000})"),
    "name followed by spaces": lambda: with_description(["network", "activation", 0], "relu" + " " * 100_000 + "!"),
    "name of an optimiser followed by spaces": lambda: with_description(
        ["recipe", "optimizer"], "a" + " " * 100_000 + "!"
    ),
    "column of 50,000 levels that are one": lambda: with_description(["encoder", "parts", 0, "pooled"], ["a"] * 50_000),
    "format true": lambda: with_text('"format":2', '"format":true'),
    "format -1": lambda: with_text('"format":2', '"format":-1'),
    "format 10^18": lambda: with_text('"format":2', f'"format":{10**18}'),
    "no description": lambda: Parts.of(GOOD).joined(text='{"sha256":"' + "0" * 64 + '"}'),
    "a list for a description": lambda: with_text('{"sha256"', '[{"sha256"'),
}


def seconds(path: Path, content: bytes) -> float:
    """The processor's time from the file to the error, the best of five. TypeError: there is none."""
    best = float("inf")
    for _ in range(5):
        begun = process_time()
        outcome, _, _ = tried(path, content)
        best = min(best, process_time() - begun)
        if not isinstance(outcome, RequestError):
            raise TypeError(f"it ends in {outcome!r}")
    return best


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        took = {kind: seconds(Path(folder) / "planted.model", make()) for kind, make in KINDS.items()}
    for kind, time in sorted(took.items(), key=lambda item: -item[1])[:10]:
        print(f"{1e3 * time:>8.1f} ms  {kind}")
    return 1 if max(took.values()) > SLOW else 0


if __name__ == "__main__":
    sys.exit(main())
