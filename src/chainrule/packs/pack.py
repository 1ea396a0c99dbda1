"""Packs: many networks trained side by side, each to the bits that it has alone.

The members of a pack share nothing but the rows they read, so threads need no barrier within an epoch: each takes the
next member from a queue, and does one epoch of it. A round is one epoch of every member that still runs. A member that
has stopped, or has diverged, leaves; after each round an ``Observer`` may look at all of them, and end the pack.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from threading import Timer
from typing import Any

from chainrule.arguments import instance, integer, listed, number
from chainrule.engines import Engine
from chainrule.engines.signals import ctrl_c_answered, ctrl_c_noted, noted_by, sigterm_as_ctrl_c
from chainrule.errors import RequestError
from chainrule.formulas.optimizers import OPTIMIZERS
from chainrule.sources import Examples
from chainrule.training import Diverged, Fit, Run

INTERRUPTED, OUT_OF_TIME = "interrupted", "time limit"


@dataclass(frozen=True, eq=False)
class Member:
    """What ``fit`` takes, of one network of a pack.

    engine       ``make_engine(network, recipe, threads=1)``: the threads of a pack take members, not parts of a step
    training     the rows it learns from; members may share them
    validation   the rows it is watched on, or None
    theta        what it begins with, or None for the network's own start
    score        a function of theta to watch in place of the recipe's monitor; more is better
    """

    engine: Engine
    training: Examples
    validation: Examples | None = None
    theta: Any | None = None
    score: Callable[[Any], float] | None = None


class Observer:
    """Looks at a pack after each of its rounds; this one has seen enough only when all members have stopped."""

    def has_seen_enough(self, pack: "Pack") -> bool:
        """After a round, on the thread that called ``fit_many``: whether the pack ends here."""
        return False


class PackKeeper:
    """Keeps nothing of a pack: see ``chainrule.Checkpoint`` for one that keeps it."""

    def begin_pack(self, pack: "Pack") -> None:
        """Before the first round: bring the pack to where one before it stood, or keep where it begins."""

    def round_ended(self, pack: "Pack") -> None:
        """Between two rounds: keep where the pack stands, if it is time to."""

    def keep_pack(self, pack: "Pack") -> None:
        """Keep where the pack stands."""


def fit_many(
    members: Sequence[Member],
    *,
    threads: int | None = None,
    max_time: float | None = None,
    observer: Observer | None = None,
    checkpoint: PackKeeper | None = None,
) -> list[Fit]:
    """Train every member as ``fit`` would, and give what ``fit`` would have given of each, in their order.

    threads      how many members are trained at once; None for as many as this process may use. It changes no bit
    max_time     seconds after which all end where they stand, at a step; None for no limit
    observer     looks at all of them after each round, and may end them
    checkpoint   a ``Checkpoint``, where the pack is kept between rounds, and from where it goes on

    A member that diverges leaves with its last good theta, and its history says so. Ctrl-C ends all where they stand.

    Diverged: every member has. RequestError: no members; what ``fit`` refuses of one, which is named; one whose
    optimizer drives itself over the whole cost, such as lbfgs.

    >>> from chainrule import Network, Recipe, make_engine
    >>> engines = [make_engine(Network((1, 3, 1)), Recipe(seed=seed, epochs=5), threads=1) for seed in range(3)]
    >>> rows = engines[0].examples([[-1.0], [1.0]], [[1.0], [5.0]])
    >>> [len(done.history) for done in fit_many([Member(engine, rows) for engine in engines])]
    [5, 5, 5]
    """
    each = listed(members)
    if not each or not all(isinstance(member, Member) for member in each):
        raise RequestError("members are a list of Member(engine, training, ...), at least one.")
    if max_time is not None and not number("max_time", max_time, "seconds, a number above 0") > 0.0:
        raise RequestError(f"max_time is seconds, a number above 0, not {max_time!r}.")
    instance("observer", observer or Observer(), Observer, "an Observer")
    instance("checkpoint", checkpoint or PackKeeper(), PackKeeper, "a Checkpoint, such as Checkpoint('pack.ckpt')")
    from chainrule.engines.fused.threads import allowed

    threads = allowed(None if threads is None else integer("threads", threads, 1))
    pack = Pack([_run(i, member) for i, member in enumerate(each)], each, observer or Observer())
    pack.train(threads, max_time, checkpoint or PackKeeper())
    return pack.outcomes()


def _run(i: int, member: Member) -> Run:
    """The run of a member. RequestError: as ``fit``, with which member it is."""
    try:
        run = Run.of(member.engine, member.training, member.validation, (), member.theta, member.score)
        if member.engine.optimizer.minimize is not None:
            name = OPTIMIZERS.name(member.engine.recipe.optimizer)
            raise RequestError(f"{name} takes the whole cost at once, without epochs: train it by fit.")
    except RequestError as error:
        raise RequestError(f"members[{i}]: {error}") from error
    return run


class Pack:
    """Networks that are trained side by side.

    members   what each is made of
    runs      where each stands; ``runs[i].history.stopped`` says why it has left, and is "" while it runs
    rounds    how many have ended
    """

    def __init__(self, runs: list[Run], members: Sequence[Member], observer: Observer) -> None:
        self.runs = runs
        self.members = members
        self.observer = observer
        self.rounds = 0
        self._diverged: dict[int, Diverged] = {}

    @property
    def running(self) -> list[Run]:
        """Those that have not left."""
        return [run for run in self.runs if not run.history.stopped]

    def train(self, threads: int, max_time: float | None, keeper: PackKeeper) -> None:
        """Rounds until no member runs, the observer has seen enough, time is up or Ctrl-C comes."""
        keeps = type(keeper) is not PackKeeper
        with ctrl_c_answered(), sigterm_as_ctrl_c() if keeps else nullcontext(), ctrl_c_noted() as stop:
            timer = Timer(max_time, stop.append, [OUT_OF_TIME]) if max_time is not None else None
            if timer:
                timer.daemon = True
                timer.start()
            try:
                self._rounds(threads, keeper, stop)
            finally:
                if timer:
                    timer.cancel()
            if stop:
                reason = OUT_OF_TIME if stop[0] == OUT_OF_TIME else INTERRUPTED
                for run in self.running:
                    run.interrupt()
                    run.history.stopped = reason
            keeper.keep_pack(self)

    def _rounds(self, threads: int, keeper: PackKeeper, stop: list[Any]) -> None:
        keeper.begin_pack(self)
        for run in self.running:
            run.is_over()
        with ThreadPoolExecutor(threads - 1) if threads > 1 else nullcontext() as helpers:
            while self.running and not stop:
                # the longest first, so that threads end together
                queue: SimpleQueue[Run] = SimpleQueue()
                for run in sorted(self.running, key=_length, reverse=True):
                    queue.put(run)
                others = [helpers.submit(self._take, queue, stop) for _ in range(threads - 1)] if helpers else []
                try:
                    self._take(queue, stop)
                finally:
                    for other in others:
                        other.result()
                if stop:
                    return
                self.rounds += 1
                enough = self.observer.has_seen_enough(self)
                for run in self.running if enough else ():
                    run.history.stopped = "the pack has ended"
                keeper.round_ended(self)

    def _take(self, queue: "SimpleQueue[Run]", stop: list[Any]) -> None:
        """Epochs of members from the queue, until it is empty."""
        with noted_by(stop):
            while not stop:
                try:
                    run = queue.get_nowait()
                except Empty:
                    return
                try:
                    run.epoch()
                    run.is_over()
                except KeyboardInterrupt:
                    return
                except Diverged as error:
                    self._diverged[self.runs.index(run)] = error

    def outcomes(self) -> list[Fit]:
        """Of each member. Diverged: every one has."""
        if len(self._diverged) == len(self.runs):
            first = self._diverged[0]
            raise Diverged(f"all {len(self.runs)} members: {first}", first.theta, first.epochs, first.history)
        return [self._outcome(i, run) for i, run in enumerate(self.runs)]

    def _outcome(self, i: int, run: Run) -> Fit:
        error = self._diverged.get(i)
        return run.outcome() if error is None else Fit(error.theta, run.history, run.now.state, run.now.waited)


def _length(run: Run) -> float:
    """How long an epoch of it takes, beside those of others."""
    return float(run.engine.network.size) * run.training.m
