"""Packs: every member has the bits that it has alone, whatever the others do and however many threads take them."""

import signal
import threading
from dataclasses import replace
from threading import Timer

import numpy as np
import pytest

from chainrule import Diverged, Input, Network, Recipe, RequestError, fit, make_engine
from chainrule.packs import Member, Observer, Pack, fit_many


def rows(m=300, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(m, 3))
    return X, (X[:, :1] * X[:, 1:2] + X[:, 2:3])


def member(network, recipe, seed=0, validation=True):
    engine = make_engine(network, recipe, threads=1)
    X, Y = rows(seed=seed)
    return Member(engine, engine.examples(X, Y), engine.examples(*rows(80, seed=9)) if validation else None)


def mixed():
    """Members of different shapes and recipes, over different rows; one of them in float64."""
    return [
        member(Network((3, 16, 1)), Recipe(epochs=8, seed=1)),
        member(Network((3, 8, 8, 1), "tanh", dropout=0.3), Recipe("adamw(weight_decay=0.1)", epochs=5, seed=2)),
        member(Network((3, 4, 1), dtype="float64"), Recipe("momentum", epochs=12, batch_size=32, patience=2), seed=3),
        member(
            Network((12, 8, 1), inputs=Input("cosine(4)", (0, 1, 2))),
            Recipe("lamb", epochs=7, schedule="cosine", averaging=0.9),
        ),
        member(Network((3, 1)), Recipe("gradient_descent", learning_rate=0.1, epochs=9), validation=False),
    ]


def alone(each):
    return [fit(m.engine, m.training, m.validation, score=m.score) for m in each]


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_each_member_has_the_bits_that_it_has_alone(threads):
    for one, of_pack in zip(alone(mixed()), fit_many(mixed(), threads=threads), strict=True):
        assert of_pack.theta.tobytes() == one.theta.tobytes()
        assert of_pack.history == one.history
        assert of_pack.waited == one.waited
        assert of_pack.state.step == one.state.step


def test_a_member_that_diverges_leaves_with_its_last_good_theta():
    wild = member(Network((3, 4, 1)), Recipe("gradient_descent", learning_rate=1e30, epochs=5), validation=False)
    tame = member(Network((3, 4, 1)), Recipe(epochs=5))
    lost, kept = fit_many([wild, tame], threads=2)
    with pytest.raises(Diverged) as error:
        fit(wild.engine, wild.training)
    assert lost.theta.tobytes() == error.value.theta.tobytes()
    assert lost.history.stopped == error.value.history.stopped == "diverged in epoch 1"
    assert len(kept.history) == 5


def test_a_pack_whose_members_all_diverge_says_so():
    wild = member(Network((3, 4, 1)), Recipe("gradient_descent", learning_rate=1e30, epochs=5))
    with pytest.raises(Diverged, match=r"all 2 members: the cost stopped being finite in epoch 1 .* lower"):
        fit_many([wild, wild])


class EndsAfter(Observer):
    def __init__(self, rounds):
        self.rounds, self.seen = rounds, []

    def has_seen_enough(self, pack: Pack) -> bool:
        self.seen.append([run.now.epochs for run in pack.runs])
        return pack.rounds == self.rounds


def test_an_observer_looks_after_each_round_and_may_end_the_pack():
    observer = EndsAfter(3)
    done = fit_many(mixed(), observer=observer, threads=2)
    assert observer.seen == [[1] * 5, [2] * 5, [3] * 5]
    assert {one.history.stopped for one in done} == {"the pack has ended"}
    ended = [Recipe(**{**vars(m.engine.recipe), "epochs": 3}) for m in mixed()]
    first = mixed()[1]
    engine = make_engine(first.engine.network, ended[1], threads=1)
    assert done[1].theta.tobytes() == fit(engine, first.training, first.validation).theta.tobytes()


def long(seed):
    return member(Network((3, 64, 64, 1)), Recipe(epochs=10**6, patience=None, seed=seed), validation=False)


@pytest.mark.parametrize("threads", [1, 2])
def test_ctrl_c_ends_every_member_where_it_stands(threads):
    before = signal.getsignal(signal.SIGINT)
    timer = Timer(0.5, signal.raise_signal, [signal.SIGINT])
    timer.start()
    done = fit_many([long(0), long(1), long(2)], threads=threads)
    timer.join()
    assert [one.history.stopped for one in done] == ["interrupted"] * 3
    assert signal.getsignal(signal.SIGINT) is before
    for one in done:
        assert len(one.history) > 0
        epochs = one.state.step / 2  # 300 rows in batches of 200
        assert len(one.history) <= epochs <= len(one.history) + 1


def test_a_time_limit_ends_every_member_where_it_stands():
    done = fit_many([long(0), long(1)], max_time=0.3, threads=2)
    assert [one.history.stopped for one in done] == ["time limit"] * 2
    steps = Recipe(epochs=len(done[0].history), patience=None)
    engine = make_engine(Network((3, 64, 64, 1)), steps, threads=1)
    one = fit(engine, long(0).training)
    assert done[0].history.training_cost == one.history.training_cost


class Trouble(Exception):
    """What is raised in a thread."""


def scored(one, number, error):
    """The member whose score raises when it is asked for the so many-th time."""
    asked = []

    def score(theta):
        asked.append(theta)
        if len(asked) == number:
            raise error
        return 0.0

    return replace(one, score=score)


@pytest.mark.parametrize("error", [Trouble, MemoryError, SystemExit])
@pytest.mark.parametrize("threads", [1, 2, 4])
@pytest.mark.parametrize("which", [[0], [3], [0, 1, 2, 3]])
def test_what_is_raised_in_a_thread_reaches_the_caller_when_all_threads_have_ended(which, threads, error):
    before = threading.active_count()
    each = [long(seed) for seed in range(4)]
    for i in which:
        each[i] = scored(each[i], 3, error)
    with pytest.raises(error):
        fit_many(each, threads=threads)
    assert threading.active_count() == before


def test_what_an_observer_raises_reaches_the_caller():
    class Raises(Observer):
        def has_seen_enough(self, pack):
            raise Trouble

    before = threading.active_count()
    with pytest.raises(Trouble):
        fit_many([long(0), long(1)], threads=2, observer=Raises())
    assert threading.active_count() == before


@pytest.mark.parametrize("threads", [1, 3])
def test_a_score_that_interrupts_ends_every_member(threads):
    done = fit_many([scored(long(0), 5, KeyboardInterrupt), long(1), long(2)], threads=threads)
    assert [one.history.stopped for one in done] == ["interrupted"] * 3
    assert [len(one.history) for one in done[:1]] == [4]


def test_one_member_may_be_there_twice():
    """Its engine has one workspace, for which threads take turns."""
    one = member(Network((3, 8, 1)), Recipe(epochs=30))
    first, second, third = fit_many([one, one, one], threads=3)
    assert first.theta.tobytes() == second.theta.tobytes() == third.theta.tobytes()


@pytest.mark.parametrize("threads", [1, 3])
def test_off_the_main_thread_a_time_limit_holds_too(threads):
    found = []
    thread = threading.Thread(target=lambda: found.extend(fit_many([long(0), long(1)], max_time=0.2, threads=threads)))
    thread.start()
    thread.join(20)
    assert [one.history.stopped for one in found] == ["time limit"] * 2


WRONG = {
    "members must be a list": lambda: fit_many([]),
    "at least one": lambda: fit_many([make_engine(Network((3, 1)), Recipe())]),
    r"members\[1\]: monitor 'validation_cost' needs": lambda: fit_many(
        [long(0), member(Network((3, 1)), Recipe(monitor="validation_cost"), validation=False)]
    ),
    r"members\[0\]: lbfgs takes the whole cost": lambda: fit_many([member(Network((3, 1)), Recipe("lbfgs"))]),
    "max_time must be seconds, a number above 0, not -1": lambda: fit_many([long(0)], max_time=-1),
    "threads must be an integer of at least 1": lambda: fit_many([long(0)], threads=0),
    "observer must be an Observer": lambda: fit_many([long(0)], observer=print),
    "checkpoint must be a Checkpoint": lambda: fit_many([long(0)], checkpoint="pack.ckpt"),
}


@pytest.mark.parametrize("said", WRONG)
def test_what_cannot_be_right_is_refused(said):
    with pytest.raises(RequestError, match=said):
        WRONG[said]()
