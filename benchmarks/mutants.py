"""Model files that are not what was written: a good one, changed at random, or where it would hurt.

A mutator makes other bytes of a file's. Those in BLIND leave the checksum as it was, so that it is all that can tell.
Those in KNOWING put the right one in, as someone would who makes a file on purpose.
"""

import hashlib
import json
import math
import re
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from random import Random
from typing import Any

SHA256 = rb"{\"sha256\":\""  # in the header, where the description is JSON inside JSON
ZEROS = b"0" * 64

# What may stand where something else was expected.
STRANGE: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 2, 3, 100, 2**31, 2**53 + 1, 2**63, 2**64, 10**18, 10**400, -(2**63), 0.0, -0.0, 0.5,
    1.0, -1.5, 5e-324, 1e-300, 1e16, 1e100, 1e308, -1e308, "", " ", "0", "x", "relu", "softmax", "auto", "category",
    "date",
    "number", "text", "trap", "trap.run()", "__import__('trap')", "../../etc/passwd", "\x00", "\x1b[2J", "\ud800",
    "\u202e", "a" * 70_000, "a" + " " * 5_000 + "!", "quantiles(" + "0.1," * 5_000 + ")", "huber(delta=1e999)", [], {},
    [[]], [None], {"": 0}, [0] * 3_000, {"kind": "category"},
)  # fmt: skip
# What may stand in a text of JSON where something else was expected; some of it is no JSON.
LITERALS = (
    "NaN", "-Infinity", "1e999", "-0", "1E5", "0x10", "01", "1_0", "1.", "+1", "'x'", '"\\u0041"', '"\\ud800"', "//",
    " ", "[" * 3_000, "[" * 3_000 + "]" * 3_000, '{"a":' * 2_000, "\ufeff", "\u0661", "9" * 5_000, "\n", ",", '"', "}",
    ":0",
)  # fmt: skip
NUMBERS = (math.nan, -math.nan, math.inf, -math.inf, 3e38, -1e30, 1e-42, -0.0, 1e6)
TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[^\s"\[\]{},:]+|[\[\]{},:]')

Mutator = Callable[[bytes, list[bytes], Random], bytes]


@dataclass
class Parts:
    """A model file taken apart: what it says, what it says of its arrays, and their bytes."""

    description: Any
    table: Any
    raw: bytes

    @classmethod
    def of(cls, content: bytes) -> "Parts":
        start = 8 + int.from_bytes(content[:8], "little")
        table = json.loads(content[8:start])
        return cls(json.loads(table.pop("__metadata__")["chainrule"]), table, content[start:])

    def text(self) -> str:
        """The description as the file has it, with no checksum yet."""
        rest = {name: value for name, value in self.description.items() if name != "sha256"}
        return dumps({"sha256": ZEROS.decode(), **rest})

    def head(self, text: str) -> str:
        """The header as the file has it, with ``text`` for the description."""
        return dumps({"__metadata__": {"chainrule": text}, **self.table})

    def joined(self, text: str | None = None, head: str | None = None) -> bytes:
        """The file, with the right checksum; ``text`` and ``head`` in place of what belongs there."""
        text = self.text() if text is None else text
        header = (self.head(text) if head is None else head).encode("utf-8", "surrogatepass")
        header += b" " * (-len(header) % 8)
        return with_checksum(len(header).to_bytes(8, "little") + header + self.raw)


def dumps(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


def with_checksum(content: bytes) -> bytes:
    """The same bytes with the checksum that belongs to them, where there is a place for it."""
    place = content.find(SHA256) + len(SHA256)
    if place < len(SHA256) or place + 64 > len(content):
        return content
    blank = content[:place] + ZEROS + content[place + 64 :]
    return blank[:place] + hashlib.sha256(blank).hexdigest().encode() + blank[place + 64 :]


# --- bytes ---


def some_bytes(content: bytes, files: list[bytes], random: Random) -> bytes:
    """One to four changes, most of them in the header."""
    for _ in range(random.choice((1, 1, 1, 2, 4))):
        if len(content) < 16:
            break
        head = 8 + int.from_bytes(content[:8], "little")
        begin = random.randrange(len(content) if random.random() < 0.3 else min(len(content), head))
        end = begin + random.choice((1, 1, 2, 8, 64, 500))
        before, here, after = content[:begin], content[begin:end], content[end:]
        other = random.choice(files)
        new = random.choice((
            bytes([here[0] ^ 1 << random.randrange(8)]) + here[1:],
            random.randbytes(len(here)),
            random.choice((b'"', b"{", b"9" * 20, b"\x00", b"\xff" * 8, b",", b"\\")),
            here + here,
            b"",
            other[begin:end],
        ))  # fmt: skip
        content = before + new + after
        if random.random() < 0.1:
            content = random.choice((before, before + other[begin:], content + here)) or content
    return content


def the_checksum(content: bytes, files: list[bytes], random: Random) -> bytes:
    """Another checksum, and no other change."""
    place = content.find(SHA256) + len(SHA256)
    digits = random.choice((random.randbytes(32).hex().encode(), ZEROS, content[place : place + 64].upper()))
    return content[:place] + digits + content[place + 64 :]


# --- what the description says ---


def places(value: Any) -> list[tuple[Any, Any]]:
    """Every container in it with every key."""

    def inside(value: Any) -> Iterator[tuple[Any, Any]]:
        if isinstance(value, (dict, list)):
            for key in value if isinstance(value, dict) else range(len(value)):
                yield value, key
                yield from inside(value[key])

    return list(inside(value))


def of_description(change: Callable[[Any, list[bytes], Random], None]) -> Mutator:
    """The mutator that changes the description in place."""

    def mutator(content: bytes, files: list[bytes], random: Random) -> bytes:
        parts = Parts.of(content)
        for _ in range(random.choice((1, 1, 1, 2))):
            change(parts.description, files, random)
        return parts.joined()

    return mutator


def replaced(description: Any, files: list[bytes], random: Random) -> None:
    container, key = random.choice(places(description))
    container[key] = json.loads(dumps(random.choice(STRANGE)))


def swapped(description: Any, files: list[bytes], random: Random) -> None:
    """A value in place of another, of this file or one of the others."""
    source, from_there = random.choice(places(Parts.of(random.choice(files)).description))
    container, key = random.choice(places(description))
    container[key] = source[from_there]


def nudged(description: Any, files: list[bytes], random: Random) -> None:
    """A leaf that is a little or much of what it was."""
    leaves = [(c, k) for c, k in places(description) if not isinstance(c[k], (dict, list)) and k != "sha256"]
    container, key = random.choice(leaves)
    value = container[key]
    if isinstance(value, bool) or value is None:
        container[key] = random.choice((not value, 0, 1, 0.5, "x"))
    elif isinstance(value, str):
        container[key] = random.choice((value + "x", value[:-1], value.upper(), value + " ", value * 2, value[::-1]))
    else:
        far = value * 10.0 ** random.randint(-320, 308)
        near = math.nextafter(value, random.choice((-math.inf, math.inf)))
        more = (value + 1, value - 1, -value, 2 * value, near, far if math.isfinite(far) else 1e308)
        container[key] = random.choice((*more, *((float(value),) if isinstance(value, int) else (int(value),))))


def reshaped(description: Any, files: list[bytes], random: Random) -> None:
    """A key or an entry less, more, twice, under another name, in another order; a list emptied."""
    container, key = random.choice(places(description))
    value = container[key]
    how = random.choice(("remove", "add", "twice", "rename", "reverse", "shuffle", "empty"))
    if how == "remove":
        del container[key]
    elif how == "empty":
        container[key] = type(value)() if value is not None else []
    elif isinstance(container, list):
        if how == "shuffle":
            random.shuffle(container)
        elif how == "reverse":
            container.reverse()
        else:
            container.insert(key, value if how == "twice" else random.choice(STRANGE))
    else:
        items = list(container.items())
        new = random.choice(("x", "", f"{key} ", "__class__", "../x", "\ud800"))
        if how in ("shuffle", "reverse"):
            items = items[::-1] if how == "reverse" else random.sample(items, len(items))
        elif how == "rename":
            items = [(new if name == key else name, value) for name, value in items]
        else:
            items.append((new, value if how == "twice" else random.choice(STRANGE)))
        container.clear()
        container.update(items)


# --- how it is written ---


def written(text: str, random: Random) -> str:
    """JSON written otherwise, or what is none: a token replaced, one more, a key twice, a space, an escape."""
    tokens = list(TOKEN.finditer(text))
    token = random.choice(tokens)
    before, here, after = text[: token.start()], token[0], text[token.end() :]
    how = random.choice(("replace", "insert", "remove", "twice", "space", "escape"))
    if how == "twice":
        value = re.compile(r'"(?:[^"\\]|\\.)*":(?:"(?:[^"\\]|\\.)*"|[^\s"\[\]{},:]+)').search(text, token.start())
        if value:
            return text[: value.start()] + value[0] + "," + text[value.start() :]
    if how == "escape" and here[0] == '"' and len(here) > 2 and "\\" not in here:
        return f'{before}"\\u{ord(here[1]):04x}{here[2:]}{after}'
    new = {"insert": random.choice(LITERALS) + here, "space": f"{here} ", "remove": ""}
    return before + new.get(how, random.choice(LITERALS)) + after


def description_written(content: bytes, files: list[bytes], random: Random) -> bytes:
    parts = Parts.of(content)
    return parts.joined(text=written(parts.text(), random))


def header_written(content: bytes, files: list[bytes], random: Random) -> bytes:
    parts = Parts.of(content)
    head = parts.head(parts.text())
    if random.random() < 0.2:
        return parts.joined(head=head + random.choice((" ", "\n", "\t", "\x00")) * random.choice((1, 8, 10_000)))
    if random.random() < 0.2:
        more = dumps({random.choice(("a", "chainrule", "format", "")): random.choice(("x", "pt", ""))})[1:-1]
        return parts.joined(head=head.replace('"},', f'",{more}}},', 1))
    return parts.joined(head=written(head, random))


# --- arrays ---


def table_of_arrays(content: bytes, files: list[bytes], random: Random) -> bytes:
    """Other names, types, sizes and places of the arrays; more of them."""
    parts = Parts.of(content)
    theta = parts.table["theta"]
    how = random.randrange(5)
    if how == 0:
        container, key = random.choice(places(parts.table))
        container[key] = random.choice(STRANGE)
    elif how == 1:
        theta["dtype"] = random.choice(("F32", "F64", "F16", "BF16", "I64", "U8", "BOOL", "f32", "O", "<f4"))
    elif how == 2:
        size = theta["shape"][0]
        theta["shape"] = random.choice(
            ([1, size], [size, 1], [size, 2**63], [0, 2**63], [0, 10**19], [-size, -1], [size] * 70)
        )
    elif how == 3:
        begin, end = theta["data_offsets"]
        theta["data_offsets"] = random.choice(
            ([begin + 4, end], [begin, end - 4], [end, begin], [-4, end], [0, 2**63], [begin])
        )
    else:
        name = random.choice(("a", "theta2", "../x", "", "__metadata__", "a" * 65, "\u00e9"))
        parts.table = {**parts.table, **{f"{name}{i or ''}": theta for i in range(random.choice((1, 2, 200)))}}
    return parts.joined()


def raw_arrays(content: bytes, files: list[bytes], random: Random) -> bytes:
    """Numbers that are none, or extreme; bytes too many or too few, and a table that says so or does not."""
    parts = Parts.of(content)
    theta, raw = parts.table["theta"], bytearray(parts.raw)
    code, size = ("<f", 4) if theta["dtype"] == "F32" else ("<d", 8)
    for _ in range(random.choice((1, 1, 3))):
        place = size * random.randrange(len(raw) // size)
        new = random.choice((struct.pack(code, random.choice(NUMBERS)), random.randbytes(size), bytes(size)))
        raw[place : place + size] = new
    if random.random() < 0.4:
        count = random.choice((-1, 1, 5, 100))
        raw = raw[: count * size] if count < 0 else raw + bytes(count * size)
        if random.random() < 0.7:
            theta["shape"], theta["data_offsets"] = [len(raw) // size], [0, len(raw)]
    parts.raw = bytes(raw)
    return parts.joined()


def other_network(content: bytes, files: list[bytes], random: Random) -> bytes:
    """Another number of units in some layer, and as many parameters as that takes."""
    parts = Parts.of(content)
    each = parts.description.get("networks") or [parts.description]  # of an ensemble one is changed
    n, theta = random.choice(each)["network"]["n"], parts.table["theta"]
    n[random.randrange(len(n))] += random.choice((-1, 1, 2, 1000))
    size = {"F32": 4, "F64": 8}[theta["dtype"]]
    count = sum(k * (j + 1) for j, k in pairwise(n))
    parts.raw = (parts.raw * (1 + count * size // len(parts.raw)))[: count * size]
    theta["shape"], theta["data_offsets"] = [count], [0, count * size]
    return parts.joined()


def grafted(content: bytes, files: list[bytes], random: Random) -> bytes:
    """What one file says, with the arrays of another."""
    other = Parts.of(random.choice(files))
    return Parts(Parts.of(content).description, other.table, other.raw).joined()


BLIND: dict[str, Mutator] = {"bytes": some_bytes, "the checksum": the_checksum}
KNOWING: dict[str, Mutator] = {
    "bytes, right checksum": lambda content, files, random: with_checksum(some_bytes(content, files, random)),
    "a value replaced": of_description(replaced),
    "a value from elsewhere": of_description(swapped),
    "a value nudged": of_description(nudged),
    "entries and keys": of_description(reshaped),
    "the description written otherwise": description_written,
    "the header written otherwise": header_written,
    "the table of arrays": table_of_arrays,
    "the bytes of arrays": raw_arrays,
    "another network": other_network,
    "another file's arrays": grafted,
}


def mutant(files: list[bytes], random: Random) -> tuple[int, str, bytes]:
    """(which of the files it is made from, the name of the mutator, its bytes)."""
    which = random.randrange(len(files))
    name = random.choice([*BLIND, *KNOWING])
    return which, name, (BLIND | KNOWING)[name](files[which], files, random)
