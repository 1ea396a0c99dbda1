"""Runs and packs that are killed at random instants and taken up again: do they end with the bits of one left alone?

    python -m benchmarks.kills --kills 50 --seed 0

Each has a process of its own (tests/kept_runs.py, tests/kept_packs.py), which keeps where it stands so often that most
instants are ones of writing. It is ended by SIGKILL, sometimes by SIGTERM or Ctrl-C, also while it still starts; after
each end both files are read, and it is taken up again, until it is done. Then there are runs whose disk is full or
read-only for some of the time, where this process may mount one. Exit code 1 where a bit differs, a file cannot be
read, or nothing is left to go on from.
"""

import json
import random
import signal
import subprocess
import sys
import tempfile
import time
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks import kept, machine
from chainrule.container import read_sealed, unseal
from chainrule.errors import RequestError
from chainrule.files import part_name
from tests.kept_packs import Pack
from tests.kept_runs import ROOT, Run, command, environment, little_room

# What is run, and how often it is kept: after every step or every few, by the clock as often as it goes, and a network
# whose file takes longer to write; a pack after every round or every few.
RUNS: tuple[tuple[Run | Pack, dict[str, Any]], ...] = (
    (Run("fused", recipe=(("epochs", 50),)), {"steps": 1}),
    (Pack(epochs=300, leaves=None, patience=300), {"seconds": 0.0}),
    (Run("fused", 2, dtype="float64", recipe=(("optimizer", "momentum"), ("epochs", 60))), {"steps": 3}),
    (
        Run("reference", weights="some zero", recipe=(("optimizer", "rmsprop"), ("shuffle", False), ("epochs", 40))),
        {"steps": 1},
    ),
    (
        Run("fused", recipe=(("schedule", "adaptive"), ("patience", 2), ("tol", 0.01), ("epochs", 4000))),
        {"seconds": 0.0, "steps": 2},
    ),
    (Pack(folds=3, width=96, epochs=120, leaves=None, patience=120), {"seconds": None, "steps": 150}),
    (
        Run("fused", n=(30, 256, 256, 1), rows=4000, recipe=(("optimizer", "adamw"), ("batch_size", 50))),
        {"seconds": 0.0, "steps": 4},
    ),
)
LIVES = 12  # after so many ends a run is left alone
STARTING = 0.15  # of the ends come at any time from the start of the process on, which takes about SECONDS to begin
SECONDS = 1.0
SIGNALS = {signal.SIGKILL: 0.75, signal.SIGTERM: 0.15, signal.SIGINT: 0.1}


class Ended:
    """Of a process: how it ended (its exit status), and what it said."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        out, err = process.communicate(timeout=600)
        self.status, self.last_words = process.returncode, err[-300:]
        lines = out.splitlines()
        self.told = json.loads(lines[-1]) if lines and lines[-1].startswith("{") else None

    @property
    def is_done(self) -> bool:
        """It came to its own end."""
        return self.told is not None and self.told["bits"]["stopped"] != "interrupted"


class Round:
    """One run from its beginning to its end, through all its lives; ``faults`` says what went wrong."""

    def __init__(self, run: Run | Pack, keep: dict[str, Any], path: Path, chance: random.Random) -> None:
        self.run, self.keep, self.path, self.chance = run, keep, path, chance
        self.ends: Counter[str] = Counter()
        self.found: Counter[str] = Counter()
        self.warned: set[str] = set()
        self.faults: list[str] = []
        self._expected = json.loads(json.dumps(run.bits()))
        path.parent.mkdir(exist_ok=True)

    def start(self, path: Path | None = None) -> subprocess.Popen[str]:
        """A process that goes on with it."""
        given = command(path or self.path, self.run, **self.keep)
        return subprocess.Popen(given, cwd=ROOT, env=environment(), stdout=-1, stderr=-1, text=True)

    def begin(self, path: Path | None = None) -> subprocess.Popen[str]:
        """One that stands where it goes on from."""
        process = self.start(path)
        assert process.stdout is not None
        process.stdout.readline()
        return process

    def alone(self) -> float:
        """The seconds of a run that is kept and left alone."""
        process = self.begin(self.path.with_name("alone.ckpt"))
        since = time.perf_counter()
        self.hear(Ended(process))
        return time.perf_counter() - since

    def live(self, wanted: int, span: float) -> None:
        """Until it is done, by lives of some quarter of ``span`` seconds; ``wanted`` ends by SIGKILL are enough."""
        done = None
        for _ in range(LIVES):
            if self.ends["SIGKILL"] < wanted and not (done and done.is_done):
                done = self._cut_short(span)
        self.hear(done if done and done.is_done else Ended(self.start()))

    def _cut_short(self, span: float) -> Ended:
        sent = self.chance.choices([*SIGNALS], [*SIGNALS.values()])[0]
        starting = self.chance.random() < STARTING
        process = self.start() if starting else self.begin()
        time.sleep(self.chance.uniform(0.0, SECONDS if starting else span / 4.0))
        process.send_signal(sent)
        done = Ended(process)
        self.look(writes=not starting)
        if not done.is_done:
            self.ends[sent.name] += 1
            self.found["while it started"] += starting
            handed_back = sent is signal.SIGINT and (starting or (done.status == 0 and done.told))
            if done.status != -sent and not handed_back:
                self.faults.append(f"{sent.name} gave status {done.status}: {done.last_words}")
        return done

    def look(self, writes: bool = True) -> None:
        """What is there: each file has to be whole, and once there is one, there has to be one for ever.

        ``writes``: what a writing has left is of the process that has ended, and not of one before it.
        """
        previous = self.path.with_name(f"{self.path.name}.previous")
        there = [file for file in (self.path, previous) if file.exists()]
        for file in there:
            try:
                unseal(read_sealed(file, "checkpoint"), file.name)
                self.found["files read"] += 1
            except RequestError as error:
                self.faults.append(str(error))
        if self.found["files read"] and not there:
            self.faults.append("nothing is there")
        parts = len(list(self.path.parent.glob(f"{part_name(self.path).rpartition('-')[0]}-*.part")))
        self.found["in the middle of writing"] += writes and parts > 0
        self.found["between the two names"] += writes and there == [previous]
        if parts > 1:
            self.faults.append(f"{parts} unfinished files are left")

    def hear(self, done: Ended) -> None:
        """A process that was left alone has to end with the bits that are expected."""
        self.found["outcomes compared"] += 1
        if done.told is None:
            self.faults.append(f"it ended by itself, with status {done.status}: {done.last_words}")
            return
        self.warned.update(said.replace(str(self.path), self.path.name) for said in done.told["warned"])
        other = [name for name, value in self._expected.items() if done.told["bits"][name] != value]
        if other:
            self.faults.append(f"other bits: {', '.join(other)}")

    def describe(self) -> dict[str, Any]:
        """Plain JSON."""
        return {
            "run": asdict(self.run),
            "keep": self.keep,
            "ends": dict(self.ends),
            "found": dict(self.found),
            "warned": sorted(self.warned),
            "faults": self.faults,
        }


def killed(kills: int, seed: int, folder: Path) -> list[Round]:
    """Runs one after the other, until so many processes have been killed."""
    chance, rounds = random.Random(seed), []
    while (left := kills - sum(r.ends["SIGKILL"] for r in rounds)) > 0:
        run, keep = RUNS[len(rounds) % len(RUNS)]
        one = Round(run, keep, folder / str(len(rounds)) / "run.ckpt", chance)
        one.live(left, one.alone())
        rounds.append(one)
        print(f"run {len(rounds)}: {dict(one.ends)}, {dict(one.found)}", file=sys.stderr, flush=True)
        for fault in one.faults:
            print(f"run {len(rounds)}: {fault}", flush=True)
    return rounds


# Disks that refuse


SMALL = Run("fused", n=(3, 300, 1), recipe=(("epochs", 600),))  # of 26 kB; 32 kB with the best parameters


def always_full(folder: Path, one: Round) -> None:
    """There is room for two checkpoints and not for a third beside them."""
    since = time.perf_counter()
    one.run.fit()
    one.live(3, time.perf_counter() - since)


def full_at_times(folder: Path, one: Round) -> None:
    """Something else fills the disk, and goes away, again and again."""
    filler = folder / "filler"

    def fill() -> None:
        with suppress(OSError):
            filler.write_bytes(bytes(10_000_000))

    _changing(one, fill, lambda: filler.unlink(missing_ok=True))


def read_only_at_times(folder: Path, one: Round) -> None:
    """The disk may be written to, and may not, again and again."""

    def mount(how: str) -> None:
        # refused while a file is open for writing
        while subprocess.run(["mount", "-o", f"remount,{how}", folder], capture_output=True).returncode:
            time.sleep(0.001)

    _changing(one, lambda: mount("ro"), lambda: mount("rw"))


def _changing(one: Round, close: Callable[[], object], open: Callable[[], object]) -> None:
    """Some lives beside a disk that changes, all but the last killed, and then one that is left alone."""
    for killed in (True, True, False):
        process = one.begin()
        end = time.monotonic() + one.chance.uniform(0.2, 0.5)
        while process.poll() is None and time.monotonic() < end:
            close()
            time.sleep(one.chance.uniform(0.0, 0.03))
            open()
            time.sleep(one.chance.uniform(0.0, 0.03))
        if killed:
            process.kill()
            one.ends["SIGKILL"] += process.wait() == -signal.SIGKILL
            one.look()
        done = Ended(process)
    one.hear(done)
    one.hear(Ended(one.start()))


DISKS = {
    "always full": (always_full, "64k", {"steps": 2}),
    "full at times": (full_at_times, "256k", {"steps": 1}),
    "read-only at times": (read_only_at_times, "256k", {"steps": 1}),
}


def refused(seed: int, folder: Path) -> dict[str, Any]:
    """What came of each disk; None where it could not be mounted."""
    outcomes: dict[str, Any] = {}
    for name, (trouble, size, keep) in DISKS.items():
        with little_room(folder / name, size) as mounted:
            outcomes[name] = None
            if not mounted:
                print(f"{name}: not tried, since no disk may be mounted here", file=sys.stderr)
                continue
            one = Round(SMALL, keep, folder / name / "run.ckpt", random.Random(seed))
            trouble(folder / name, one)
            outcomes[name] = one.describe()
            print(f"{name}: {dict(one.ends)}, {sorted(one.warned)}", file=sys.stderr, flush=True)
            for fault in one.faults:
                print(f"{name}: {fault}", flush=True)
    return outcomes


def run(kills: int, seed: int) -> dict[str, Any]:
    """All of it."""
    since = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="chainrule-kills-") as folder:
        rounds = killed(kills, seed, Path(folder))
        disks = refused(seed, Path(folder))
    ends, found = Counter[str](), Counter[str]()
    for one in rounds:
        ends.update(one.ends)
        found.update(one.found)
    tried = [outcome for outcome in disks.values() if outcome]
    return {
        "kind": "kills",
        "machine": machine.describe(),
        "kills": kills,
        "seed": seed,
        "ends": dict(ends),
        "found": dict(found),
        "faults": [fault for outcome in (*(r.describe() for r in rounds), *tried) for fault in outcome["faults"]],
        "seconds": round(time.perf_counter() - since, 1),
        "runs": [one.describe() for one in rounds],
        "disks": disks,
    }


def main(words: list[str] | None = None) -> int:
    parser = ArgumentParser("python -m benchmarks.kills", description=__doc__.split("\n", 1)[0])
    parser.add_argument("--kills", type=int, default=50, help="how many by SIGKILL; default %(default)s")
    parser.add_argument("--seed", type=int, default=0, help="of the instants; default %(default)s")
    parser.add_argument("--out", type=Path, help="default: benchmarks/results/<processor>/kills.json")
    arguments = parser.parse_args(words)
    result = run(arguments.kills, arguments.seed)
    count = len(result["faults"])
    print(f"{len(result['runs'])} runs ended by {result['ends']}; {result['found']}; {count} faults")
    for name, outcome in result["disks"].items():
        print(f"disk {name}: {'not tried' if outcome is None else outcome['faults'] or 'no fault'}")
    kept.keep(result, arguments.out)
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main())
