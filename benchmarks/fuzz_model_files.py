"""Changed model files by the thousand: each is refused as it should be, or is a model that works.

    python -m benchmarks.fuzz_model_files --count 200000 --seed 0

They are made from the files in tests/museum by the mutators in ``mutants``. A file whose checksum is not right has to
be refused. One that has the right checksum may be a model, another one than before; it is no failure if what saving it
writes is the same file, to the byte, and it answers to rows with numbers (infinite ones where the parameters are that
large) or refuses them. While a file is loaded, nothing may be imported, run or opened but the file. Exit code 1 where
something of this does not hold.
"""

import json
import sys
import tempfile
import warnings
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from random import Random
from time import perf_counter
from typing import Any

import numpy as np

import chainrule
from benchmarks import machine
from benchmarks.kept import keep
from benchmarks.mutants import BLIND, mutant
from chainrule.engines import Engine, make_engine
from chainrule.errors import ChainruleError
from chainrule.model_file import UPGRADES
from chainrule.network import Network
from chainrule.recipe import Recipe
from tests.museum.make import FUNCTIONS

MUSEUM = Path(__file__).resolve().parents[1] / "tests" / "museum"
SLOW = 1.0  # seconds; a load that takes longer counts as one that hangs
MAX_TOLD = 20  # failures of which the bytes are kept


@dataclass(frozen=True)
class Exhibit:
    """A file of the museum, and rows for the model in it."""

    name: str
    content: bytes
    rows: dict[str, list[Any]]


@dataclass
class Tally:
    """What became of the files."""

    made: Counter[str] = field(default_factory=Counter)
    accepted: Counter[str] = field(default_factory=Counter)
    unchanged: int = 0
    answered: int = 0
    slowest: float = 0.0
    failures: list[dict[str, Any]] = field(default_factory=list)


def exhibits() -> list[Exhibit]:
    found = []
    for folder in sorted(MUSEUM.glob("format-*")):
        recorded = json.loads((folder / "answers.json").read_text())
        for name, exhibit in recorded.items():
            content = (folder / f"{name}.model").read_bytes()
            found.append(Exhibit(f"{folder.name}/{name}", content, exhibit["rows"]))
    return found


# --- what Python does meanwhile ---

# What reaches nothing outside: copies and short forms of values ask for it, and reading the signature of a function.
HARMLESS = ("builtins.id", "object.__getattr__")
_seen: list[str] | None = None


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if _seen is not None and event not in HARMLESS:
        _seen.append(f"{event} {arguments[0] if event in ('open', 'import') else ''}".strip())


@contextmanager
def events() -> Iterator[list[str]]:
    """What Python reports to its audit hooks inside: imports, files opened, code compiled, processes, sockets.

    A hook cannot be taken away again: it stays, and looks away.
    """
    global _seen
    if not getattr(sys, "_hooked_by_chainrule", False):
        sys.addaudithook(_hook)
        sys._hooked_by_chainrule = True  # type: ignore[attr-defined]
    _seen = seen = []
    try:
        yield seen
    finally:
        _seen = None


# --- one file ---


@lru_cache(maxsize=200)
def engine(network: Network) -> Engine:
    """Models of one network share what is compiled for it."""
    return make_engine(network, Recipe(), FUNCTIONS)


def tried(path: Path, content: bytes) -> tuple[Any, float, list[str]]:
    """(the model or the error that loading the file ends in, seconds, what was wrong meanwhile)."""
    path.write_bytes(content)
    with events() as seen:
        begun = perf_counter()
        try:
            outcome = chainrule.load(path, functions=FUNCTIONS)
        except BaseException as error:  # whatever it is
            outcome = error
        seconds = perf_counter() - begun
    wrong = [event for event in seen if event != f"open {path}"]
    if isinstance(outcome, BaseException) and not isinstance(outcome, ChainruleError):
        wrong.append(repr(outcome))
    return outcome, seconds, wrong


def faults(model: Any, path: Path, content: bytes, rows: dict[str, list[Any]]) -> Iterator[str]:
    """What is wrong with a model that was loaded from these bytes."""
    again = path.with_name("again.model")
    try:
        model.save(again, overwrite=True)
        if any(f'\\"format\\":{old},'.encode() in content for old in UPGRADES):  # what is written now stays the same
            content = again.read_bytes()
            chainrule.load(again, functions=FUNCTIONS).save(again, overwrite=True)
        if again.read_bytes() != content:
            yield "saving it writes something else"
    except ChainruleError as error:
        yield f"it cannot be written again: {error}"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            if isinstance(model, chainrule.Model):
                vars(model)["engine"] = engine(model.network)
            predict = model.predict if model.target.task == "regression" else model.predict_proba
            if np.isnan(predict(rows)).any():
                yield "its answers are no numbers"
    except ChainruleError:
        pass
    except Exception as error:
        yield f"asked for answers, it ends in {error!r}"


def try_one(number: int, seed: int, found: list[Exhibit], path: Path, tally: Tally) -> None:
    which, name, content = mutant([exhibit.content for exhibit in found], Random(f"{seed} {number}"))
    if any(content == exhibit.content for exhibit in found):
        tally.unchanged += 1
        return
    tally.made[name] += 1
    outcome, seconds, wrong = tried(path, content)
    if seconds > SLOW:  # the machine may have been busy
        seconds = min(seconds, *(tried(path, content)[1] for _ in range(2)))
    tally.slowest = max(tally.slowest, seconds)
    if seconds > SLOW:
        wrong.append(f"took {seconds:.1f} s")
    if not isinstance(outcome, BaseException):
        tally.accepted[name] += 1
        wrong += ["the checksum is not right"] if name in BLIND else faults(outcome, path, content, found[which].rows)
    if wrong:
        kept = content.hex() if len(tally.failures) < MAX_TOLD and len(content) < 100_000 else None
        what = {"number": number, "of": found[which].name, "mutator": name, "what": wrong, "content": kept}
        tally.failures.append(what)


def run(count: int, seed: int = 0, first: int = 0) -> Tally:
    """What becomes of the files ``first``, ``first`` + 1, ... of those that the seed makes."""
    memory = Path("/dev/shm")
    found, tally = exhibits(), Tally()
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        path = Path(folder) / "mutant.model"
        for exhibit in found:  # what is imported and compiled when it is first needed is not of the mutant's doing
            model, _, _ = tried(path, exhibit.content)
            assert not list(faults(model, path, exhibit.content, exhibit.rows)), exhibit.name
        for number in range(first, first + count):
            try_one(number, seed, found, path, tally)
            if (number + 1) % 10_000 == 0:
                print(f"{number + 1 - first} files, {len(tally.failures)} failures", file=sys.stderr, flush=True)
    return tally


def main(words: list[str] | None = None) -> int:
    parser = ArgumentParser("python -m benchmarks.fuzz_model_files", description=__doc__.split("\n", 1)[0])
    parser.add_argument("--count", type=int, default=20_000, help="how many; default %(default)s")
    parser.add_argument("--seed", type=int, default=0, help="of the mutations; default %(default)s")
    parser.add_argument("--first", type=int, default=0, help="number of the first; default %(default)s")
    parser.add_argument("--out", type=Path, help="default: benchmarks/results/<processor>/fuzz_model_files.json")
    arguments = parser.parse_args(words)
    begun = perf_counter()
    tally = run(arguments.count, arguments.seed, arguments.first)
    result = {
        "kind": "fuzz_model_files",
        "machine": machine.describe(),
        "count": arguments.count,
        "seed": arguments.seed,
        "first": arguments.first,
        "seconds": round(perf_counter() - begun, 1),
        "slowest_load_ms": round(1e3 * tally.slowest, 1),
        "unchanged": tally.unchanged,
        "made": dict(tally.made),
        "accepted": dict(tally.accepted),
        "failures": tally.failures,
    }
    print(
        f"{sum(tally.made.values())} changed files, {sum(tally.accepted.values())} of them accepted as other models, "
        f"{len(tally.failures)} failures; the slowest load took {result['slowest_load_ms']} ms"
    )
    keep(result, arguments.out)
    return 1 if tally.failures else 0


if __name__ == "__main__":
    sys.exit(main())
