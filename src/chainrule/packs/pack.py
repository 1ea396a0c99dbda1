"""Packs: many networks trained side by side, each to the bits that it has alone.

The members of a pack share nothing but the rows they read, so threads need no barrier within an epoch: each takes the
next member from a queue, and does one epoch of it. A round is one epoch of every member that still runs. A member that
has stopped, or has diverged, leaves; after each round an ``Observer`` may look at all of them, and end the pack.
"""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor, wait
from contextlib import nullcontext
from dataclasses import dataclass
from threading import Timer
from typing import Any

from numpy.typing import NDArray

from chainrule.arguments import instance, integer, listed, number
from chainrule.engines import Engine
from chainrule.engines.signals import ctrl_c_answered, ctrl_c_noted, noted_by, sigterm_as_ctrl_c
from chainrule.errors import RequestError
from chainrule.formulas.optimizers import OPTIMIZERS
from chainrule.sources import Examples
from chainrule.training import Diverged, Fit, Keeper, Run

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
    """Looks at a pack after each of its rounds; this one has seen enough only when all members have stopped.

    One that is to go on with a pack from a checkpoint says what it is (``identity``) and what it has seen (``state``),
    and takes that back (``go_on``).
    """

    def has_seen_enough(self, pack: "Pack") -> bool:
        """After a round, on the thread that called ``fit_many``: whether the pack ends here."""
        return False

    def identity(self) -> Mapping[str, Any]:
        """All that decides what it does, in plain JSON. RequestError: it has not been taught to go on."""
        if type(self) is not Observer:
            raise RequestError(
                f"{type(self).__name__} does not say what it has seen, so a pack that it looks at cannot be resumed: "
                "leave the checkpoint out, or give it identity(), state() and go_on() (chainrule.packs.Observer)."
            )
        return {}

    def state(self) -> tuple[Mapping[str, Any], Sequence[NDArray[Any]]]:
        """What it has seen: plain JSON, and vectors of float32 or float64."""
        return {}, ()

    def go_on(self, pack: "Pack", seen: Mapping[str, Any], vectors: Sequence[NDArray[Any]]) -> None:
        """Take back what ``state`` gave, with copies of the vectors, when the members stand where they did.

        LookupError, TypeError, ValueError: it cannot have given that.
        """


def fit_many(
    members: Sequence[Member],
    *,
    threads: int | None = None,
    max_time: float | None = None,
    observer: Observer | None = None,
    checkpoint: Keeper | None = None,
) -> list[Fit]:
    """Train every member as ``fit`` would, and give what ``fit`` would have given of each, in their order.

    threads      how many members are trained at once; None for as many as this process may use. It changes no bit
    max_time     seconds after which all end where they stand, at a step; None for no limit
    observer     looks at all of them after each round, and may end them
    checkpoint   a ``Checkpoint``, where the pack is kept, all members in one file, and from where it goes on. It is
                 written between rounds, and where the pack ends, by Ctrl-C, SIGTERM and the time limit too

    A member that diverges leaves with its last good theta, and its history and its state say so. Ctrl-C ends all where
    they stand; with a checkpoint SIGTERM does the same, and then ends the process.

    Diverged: every member has. RequestError: no members; what ``fit`` refuses of one, which is named; one whose
    optimizer drives itself over the whole cost, such as lbfgs; with a checkpoint, an observer that cannot go on.

    >>> from chainrule import Network, Recipe, make_engine
    >>> engines = [make_engine(Network((1, 3, 1)), Recipe(seed=seed, epochs=5), threads=1) for seed in range(3)]
    >>> rows = engines[0].examples([[-1.0], [1.0]], [[1.0], [5.0]])
    >>> [len(done.history) for done in fit_many([Member(engine, rows) for engine in engines])]
    [5, 5, 5]
    """
    each = listed(members)
    if not each or not all(isinstance(member, Member) for member in each):
        raise RequestError("members must be a list of Member(engine, training, ...), at least one.")
    if max_time is not None and not number("max_time", max_time, "seconds, a number above 0") > 0.0:
        raise RequestError(f"max_time must be seconds, a number above 0, not {max_time!r}.")
    instance("observer", observer or Observer(), Observer, "an Observer")
    instance("checkpoint", checkpoint or Keeper(), Keeper, "a Checkpoint, such as Checkpoint('pack.ckpt')")
    from chainrule.engines.fused.threads import allowed

    threads = allowed(None if threads is None else integer("threads", threads, 1))
    pack = Pack([_run(i, member) for i, member in enumerate(each)], observer or Observer())
    pack.train(threads, max_time, checkpoint)
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

    runs        where each stands; ``runs[i].history.stopped`` says why it has left, and is "" while it runs
    rounds      how many have ended; ``in_round``: another one has begun
    has_ended   the observer has seen enough
    """

    def __init__(self, runs: list[Run], observer: Observer) -> None:
        self.runs = runs
        self.observer = observer
        self.rounds = 0
        self.in_round = self.has_ended = False

    @property
    def running(self) -> list[Run]:
        """Those that have not left."""
        return [run for run in self.runs if not run.history.stopped]

    @property
    def step(self) -> int:
        """Steps that are done, of all together."""
        return sum(run.step for run in self.runs)

    @property
    def position(self) -> tuple[Any, ...]:
        """The objects that are others as soon as it stands elsewhere."""
        return (self.rounds, *(run.now for run in self.runs))

    def train(self, threads: int, max_time: float | None, keeper: Keeper | None) -> None:
        """Rounds until no member runs, the observer has seen enough, time is up or Ctrl-C comes."""
        with ctrl_c_answered(), sigterm_as_ctrl_c() if keeper else nullcontext(), ctrl_c_noted() as stop:
            timer = Timer(max_time, stop.append, [OUT_OF_TIME]) if max_time is not None else None
            if timer:
                timer.daemon = True
                timer.start()
            try:
                self._rounds(threads, keeper or Keeper(), stop)
            finally:
                if timer:
                    timer.cancel()
            if stop:
                reason = OUT_OF_TIME if stop[0] == OUT_OF_TIME else INTERRUPTED
                for run in self.running:
                    run.interrupt()
                    run.history.stopped = reason
            if keeper:
                keeper.keep(self)
            if self.in_round:  # a last look, after what a resumed pack has to find as it was
                self.observer.has_seen_enough(self)

    def _rounds(self, threads: int, keeper: Keeper, stop: list[Any]) -> None:
        keeper.begin(self)
        for run in self.running:
            run.is_over()
        self._end_where_seen()
        with ThreadPoolExecutor(threads - 1) if threads > 1 else nullcontext() as helpers:
            while (self.running or self.in_round) and not stop:
                self.in_round = True
                self._round(helpers, threads, stop)
                if stop:
                    return
                self.rounds += 1
                self.in_round = False
                self.has_ended = self.observer.has_seen_enough(self)
                self._end_where_seen()
                keeper.paused(self)

    def _end_where_seen(self) -> None:
        for run in self.running if self.has_ended else ():
            run.history.stopped = "the pack has ended"

    def _round(self, helpers: Executor | None, threads: int, stop: list[Any]) -> None:
        """An epoch of every member that runs, or what is left of them where the pack was cut in this round.

        Whatever is raised in a thread comes from here, when the others have ended the epoch that they are at.
        """
        # the longest first, so that threads end together
        queue = deque(sorted((run for run in self.running if run.now.epochs <= self.rounds), key=_length, reverse=True))
        others = [helpers.submit(_take, queue, stop) for _ in range(threads - 1)] if helpers else []
        try:
            _take(queue, stop)
        finally:
            wait(others)
        for other in others:
            other.result()

    def outcomes(self) -> list[Fit]:
        """Of each member. Diverged: every one has."""
        if all(run.now.state.diverged for run in self.runs):
            first = self.runs[0].diverge()
            raise Diverged(f"all {len(self.runs)} members: {first}", first.theta, first.epochs, first.history)
        return [_outcome(run) for run in self.runs]


def _take(queue: "deque[Run]", stop: list[Any]) -> None:
    """Epochs of members from the queue, until it is empty."""
    with noted_by(stop):
        while not stop:
            try:
                run = queue.popleft()
            except IndexError:
                return
            try:
                run.epoch()
                run.is_over()
            except KeyboardInterrupt:
                stop.append(INTERRUPTED)
            except Diverged:
                run.diverge()
            except BaseException:
                queue.clear()
                raise


def _outcome(run: Run) -> Fit:
    if not run.now.state.diverged:
        return run.outcome()
    return Fit(run.diverge().theta, run.history, run.now.state, run.now.waited)


def _length(run: Run) -> float:
    """How long an epoch of it takes, beside those of others."""
    return float(run.engine.network.size) * run.training.m
