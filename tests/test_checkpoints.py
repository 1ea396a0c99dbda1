"""A run that was cut and taken up again ends with the bits of one that was not, wherever it was cut, whatever it is."""

import logging
import random
from itertools import pairwise

import numpy as np
import pytest

from chainrule import Checkpoint, RequestError, checkpoints, fit, load, train
from chainrule.cli import main
from chainrule.container import read_sealed, unseal
from chainrule.engines.fused import threads
from chainrule.estimators import MLPClassifier, MLPRegressor
from chainrule.files import part_name
from chainrule.formulas.metrics import METRICS
from chainrule.formulas.optimizers import OPTIMIZERS
from chainrule.formulas.schedules import SCHEDULES
from chainrule.training import Diverged
from tests.conftest import SMALL
from tests.kept_runs import ANY_WORK, Cut, Killed, Run, bits, cut, resumed

STEPPING = [name for name in OPTIMIZERS if OPTIMIZERS.make(name, np).step is not None]
LOOKS_AT_EPOCHS = ("cosine", "warm_up_cosine")
PLACES = [("reference", 1), ("fused", 1), ("fused", 2)]


@pytest.fixture(autouse=True)
def no_waiting_for_the_disk(monkeypatch):
    monkeypatch.setattr("os.fsync", lambda descriptor: None)
    monkeypatch.setattr(threads, "WORTH", ANY_WORK)
    monkeypatch.setattr(threads, "ADAPTS", False)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "run.ckpt"


def drawn(run, count, seed=0):
    """So many steps of a run, in order, the last in its last epoch."""
    chance = random.Random(f"{run} {seed}")
    return sorted([*chance.sample(range(1, run.steps), count - 1), run.steps - chance.randrange(1, run.per_epoch)])


def counts(path):
    return unseal(read_sealed(path, "checkpoint"), "it")[0]["counts"]


# Wherever it is cut


@pytest.mark.parametrize(("engine", "count"), PLACES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("optimizer", STEPPING)
def test_every_optimizer_on_every_engine(optimizer, dtype, engine, count, path):
    run = Run(engine, count, dtype=dtype, recipe=(("optimizer", optimizer),))
    for at, by in zip(drawn(run, 4), (KeyboardInterrupt, Killed, KeyboardInterrupt, Killed), strict=True):
        cut(run, path, at, by, steps=2)
    assert bits(resumed(run, path)) == bits(run.fit())


def test_at_every_step(tmp_path):
    """Ended by Ctrl-C there, or killed there with the last checkpoint up to four steps ago."""
    run = Run(recipe=(("schedule", "warm_up(2)"), ("epochs", 2)))
    whole = bits(run.fit())
    for at in range(1, run.steps):
        for by in (KeyboardInterrupt, Killed):
            path = tmp_path / f"{at} {by.__name__}"
            cut(run, path, at, by, steps=5)
            assert counts(path)["step"] == (at if by is KeyboardInterrupt else at - at % 5)
            assert bits(resumed(run, path)) == whole, (at, by)


def test_after_every_step_in_turn(path):
    run = Run(recipe=(("epochs", 3),))
    for at in range(1, run.steps):
        cut(run, path, at)
    assert bits(resumed(run, path)) == bits(run.fit())


def test_a_run_that_is_kept_is_the_run_that_is_not(path):
    for engine, count in PLACES:
        run = Run(engine, count)
        kept = run.fit(Checkpoint(path, steps=1, seconds=0.0, overwrite=True))
        assert bits(kept) == bits(run.fit())


def test_threads_may_be_others_when_a_run_goes_on(path):
    one, two = Run("fused", 1), Run("fused", 2)
    for run, at in zip((one, two, one), drawn(one, 3), strict=True):
        cut(run, path, at)
    assert bits(resumed(two, path)) == bits(one.fit())


# Whatever it is


SETTINGS = {
    "no validation rows": Run(watched=False),
    "no dropout, no penalty, no clipping": Run(dropout=0.0, penalties=(), recipe=(("clip_norm", None),)),
    "both penalties": Run(penalties=("l2(0.1)", "l1(0.01)")),
    "averaging": Run(recipe=(("averaging", 0.9),)),
    "averaging of an optimizer that needs blocks": Run("fused", 2, recipe=(("averaging", 0.9), ("optimizer", "lamb"))),
    "an optimizer that keeps a mean": Run(
        recipe=(("optimizer", "schedule_free_adamw"), ("schedule", "warm_up_cosine(1)"))
    ),
    "averaging where the training cost is watched": Run(watched=False, recipe=(("averaging", 0.9),)),
    "weights of ones": Run(weights="ones"),
    "steps whose weights are all zero": Run(weights="some zero", recipe=(("shuffle", False),)),
    "one step an epoch": Run(recipe=(("batch_size", "auto"), ("epochs", 20))),
    "one row a step": Run(rows=9, recipe=(("batch_size", 1),)),
    "no hidden layer": Run(n=(4, 3), loss="cross_entropy"),
    "several outputs": Run(n=(2, 9, 3), activation="relu", loss="huber", dropout=0.5),
    "the training cost is watched": Run(recipe=(("monitor", "training_cost"),)),
    "a metric is watched": Run(recipe=(("monitor", "mae"),)),
    "a metric of the training rows": Run(watched=False, recipe=(("monitor", "r2"),)),
}


@pytest.mark.parametrize("engine", ["reference", "fused"])
@pytest.mark.parametrize("setting", SETTINGS)
def test_every_setting(setting, engine, path):
    given = SETTINGS[setting]
    run = Run(**vars(given) | {"engine": engine})
    assert vars(run) != vars(Run(engine))
    per_epoch = run.per_epoch
    for at in (run.steps // 3, run.steps // 3 + per_epoch, run.steps - 1):
        cut(run, path, at)
    assert bits(resumed(run, path)) == bits(run.fit())


@pytest.mark.parametrize("engine", ["reference", "fused"])
@pytest.mark.parametrize("schedule", SCHEDULES)
def test_ten_epochs_and_ten_are_twenty(schedule, engine, path):
    run = Run(engine, recipe=(("schedule", schedule), ("epochs", 20)))
    half = run.fit(Checkpoint(path), epochs=10)
    assert half.history.stopped == "all epochs done"
    assert len(half.history) == 10
    if schedule in LOOKS_AT_EPOCHS:
        with pytest.raises(RequestError, match=rf"epochs: 10 then, 20 now, and the schedule {schedule}.* looks at how"):
            resumed(run, path)
        path.unlink()
        cut(run, path, 10 * run.per_epoch)
    assert bits(resumed(run, path)) == bits(run.fit())


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_every_schedule_cut_inside_epochs(schedule, path):
    run = Run(recipe=(("schedule", schedule), ("epochs", 8)))
    for at in drawn(run, 3):
        cut(run, path, at)
    assert bits(resumed(run, path)) == bits(run.fit())


def test_more_epochs_from_the_middle_of_one(path):
    run = Run(recipe=(("epochs", 9),))
    with pytest.raises(Killed):
        run.fit(Cut(path, 3 * run.per_epoch + 2, Killed, steps=1), epochs=5)
    assert bits(resumed(run, path)) == bits(run.fit())


def test_a_warm_up_does_not_look_at_the_epochs_that_come_after_it(path):
    run = Run(recipe=(("schedule", "warm_up_cosine(4)"), ("epochs", 12)))
    with pytest.raises(Killed):
        run.fit(Cut(path, 2 * run.per_epoch + 3, Killed, steps=1), epochs=7)
    assert bits(resumed(run, path)) == bits(run.fit())


@pytest.mark.parametrize("watched", [True, False])
def test_patience_counts_across_the_cut(watched, tmp_path):
    run = Run(watched=watched, recipe=(("patience", 3), ("tol", 0.02), ("epochs", 40), ("learning_rate", 0.02)))
    whole = run.fit()
    assert "did not improve" in whole.history.stopped
    ended = len(whole.history)
    assert 5 < ended < 40
    for at in range(run.per_epoch, ended * run.per_epoch, 7):
        cut(run, tmp_path / str(at), at)
        assert bits(resumed(run, tmp_path / str(at))) == bits(whole), at


def test_stalls_of_the_adaptive_schedule_count_across_the_cut(tmp_path):
    recipe = {"schedule": "adaptive(0.1, 1e-4)", "patience": 1, "tol": 0.05, "epochs": 40}
    run = Run(recipe=tuple(recipe.items()))
    whole = run.fit()
    rates = whole.history.learning_rate
    assert len(set(rates)) == 4
    assert "did not improve" in whole.history.stopped
    at_stalls = {epoch * run.per_epoch for epoch, (one, next) in enumerate(pairwise(rates), start=1) if one != next}
    for at in sorted({*at_stalls, *range(4, len(rates) * run.per_epoch, 7)}):
        cut(run, tmp_path / str(at), at)
        assert bits(resumed(run, tmp_path / str(at))) == bits(whole), at


@pytest.mark.parametrize("made_by", [1, 4, 11])
def test_a_score_of_the_callers_own(made_by, path):
    run = Run()

    def trained(checkpoint=None):
        engine, training, validation = run.make()
        score = lambda theta: -float(np.abs(engine.predict(theta, validation.X) - validation.Y).max())  # noqa: E731
        return fit(engine, training, validation, score=score, samples=made_by, checkpoint=checkpoint)

    trained(Cut(path, 17))
    assert bits(trained(Checkpoint(path, resume=True))) == bits(trained())


def test_a_run_from_a_theta_of_the_callers(path):
    run = Run()
    theta = run.fit(epochs=1).theta

    def trained(checkpoint=None):
        engine, *rows = run.make()
        return fit(engine, *rows, theta=theta, checkpoint=checkpoint)

    trained(Cut(path, 17))
    assert bits(trained(Checkpoint(path, resume=True))) == bits(trained())


# Where an epoch ends


class Raises:
    """A callback that does, the first time it hears of an epoch."""

    def __init__(self, epoch, error=KeyboardInterrupt):
        self.epoch, self.error = epoch, error
        self.heard = []

    def on_epoch_end(self, history, parameters):
        self.heard.append(len(history))
        if len(history) == self.epoch:
            raise self.error


class Hears:
    def __init__(self, stops_after=None):
        self.stops_after = stops_after
        self.heard = []

    def on_epoch_end(self, history, parameters):
        self.heard.append((len(history), history.training_cost[-1], parameters.theta.tobytes()))
        return len(history) == self.stops_after


def test_interrupted_in_a_callback_its_epoch_is_told_again(path):
    run, whole = Run(), Hears()
    expected = bits(run.fit(callbacks=[whole]))
    half = run.fit(Checkpoint(path), [Raises(3)])
    assert (half.history.stopped, len(half.history)) == ("interrupted", 3)
    rest = Hears()
    assert bits(run.fit(Checkpoint(path, resume=True), [rest])) == expected
    assert rest.heard == whole.heard[2:]


def test_killed_in_a_callback_no_epoch_is_missed(path):
    run, whole = Run(), Hears()
    expected = bits(run.fit(callbacks=[whole]))
    with pytest.raises(Killed):
        run.fit(Checkpoint(path, steps=1), [Raises(3, Killed)])
    rest = Hears()
    assert bits(run.fit(Checkpoint(path, resume=True), [rest])) == expected
    assert rest.heard == whole.heard[2:]


def test_a_run_that_a_callback_stopped_stays_so_while_the_callback_says_so(path):
    run = Run()
    whole = bits(run.fit(Checkpoint(path), [Hears(stops_after=3)]))
    assert whole["stopped"] == "a callback stopped it"
    before = path.read_bytes()
    again = Hears(stops_after=3)
    assert bits(run.fit(Checkpoint(path, resume=True), [again])) == whole
    assert len(again.heard) == 1
    assert path.read_bytes() == before
    assert bits(resumed(run, path)) == bits(run.fit()), "without it the run goes on"


def test_killed_when_a_callback_had_stopped_it(path):
    run = Run()
    with pytest.raises(Killed):
        run.fit(Cut(path, 3 * run.per_epoch, Killed, steps=1), [Hears(stops_after=3)])
    stopped = bits(run.fit(Checkpoint(path, resume=True), [Hears(stops_after=3)]))
    assert stopped == bits(run.fit(callbacks=[Hears(stops_after=3)]))


@pytest.mark.parametrize("by", [KeyboardInterrupt, Killed])
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("called", ["cost", "predict"])
def test_cut_while_the_validation_rows_are_looked_at(called, when, by, path):
    run = Run(recipe=(("monitor", "rmse"),))
    engine, *rows = run.make()
    usual, calls = getattr(engine, called), []

    def interrupted(*given):
        calls.append(given)
        value = usual(*given) if when == "after" else None
        if len(calls) == 3:
            raise by
        return value if when == "after" else usual(*given)

    setattr(engine, called, interrupted)
    try:
        half = fit(engine, *rows, checkpoint=Checkpoint(path, steps=2))
        assert [len(curve) for curve in (half.history.validation_cost, half.history.score)] == [2, 2]
        assert counts(path)["step"] == 3 * run.per_epoch
    except Killed:
        assert counts(path)["step"] == 3 * run.per_epoch - 2
    assert counts(path)["epochs"] == 2
    assert bits(resumed(run, path)) == bits(run.fit())


# What is there at the end


STALLS = {"patience": 1, "tol": 1.0}


@pytest.mark.parametrize("recipe", [{}, STALLS, STALLS | {"schedule": "adaptive"}])
def test_a_finished_run_that_is_taken_up_is_the_same_at_once(recipe, path, monkeypatch):
    run = Run(recipe=tuple({"epochs": 30, **recipe}.items()))
    whole = bits(run.fit(Checkpoint(path)))
    files = {file: (file.read_bytes(), file.stat().st_mtime_ns) for file in path.parent.iterdir()}
    engine, *rows = run.make()
    monkeypatch.setattr(engine, "run", None)
    monkeypatch.setattr(engine, "cost", None)
    assert bits(fit(engine, *rows, checkpoint=Checkpoint(path, resume=True))) == whole
    assert files == {file: (file.read_bytes(), file.stat().st_mtime_ns) for file in path.parent.iterdir()}


@pytest.mark.parametrize("watched", [True, False])
@pytest.mark.parametrize("engine", ["reference", "fused"])
def test_a_run_that_diverges_does_so_after_the_cut_too(engine, watched, tmp_path):
    recipe = {"learning_rate": 1.5, "optimizer": "gradient_descent", "clip_norm": None, "epochs": 50}
    run = Run(engine, activation="identity", dropout=0.0, watched=watched, recipe=tuple(recipe.items()))
    expected = failure(run, Checkpoint(tmp_path / "whole", seconds=None, steps=1))
    assert len(expected["history"]["training_cost"]) >= 3
    assert expected["epochs"] > 0
    assert expected == failure(run)
    last = counts(tmp_path / "whole")["step"]
    for at in (*range(1, last - 8, 6), *range(last - 8, last + 1)):
        cut(run, tmp_path / str(at), at)
        assert failure(run, Checkpoint(tmp_path / str(at), seconds=None, resume=True)) == expected, at


def failure(run, checkpoint=None):
    """How it fails, and what is left of it."""
    with pytest.raises(Diverged) as caught:
        run.fit(checkpoint)
    error = caught.value
    assert np.isfinite(error.theta).all()
    return {"theta": error.theta.tobytes(), "epochs": error.epochs, "said": str(error), "history": vars(error.history)}


def test_theta_that_is_not_finite_at_the_very_end_of_an_epoch_is_found_after_the_cut_too(path):
    recipe = {"learning_rate": 1e42, "optimizer": "gradient_descent", "clip_norm": None, "batch_size": "auto"}
    run = Run(recipe=tuple(recipe.items()))
    expected = failure(run)
    assert "in epoch 1 " in expected["said"]
    engine, *rows = run.make()
    usual = engine.run
    engine.run = lambda *given: usual(*given)._replace(interrupted=True)  # as by Ctrl-C in the last step
    assert fit(engine, *rows, checkpoint=Checkpoint(path)).history.stopped == "interrupted"
    assert counts(path)["step"] == 1
    assert failure(run, Checkpoint(path, resume=True)) == expected


# When it is written, and what is there


def test_written_by_steps_and_the_last_two_are_kept(path):
    previous = path.with_name("run.ckpt.previous")
    for at in range(1, 15):
        cut(Run(), path, at, Killed, steps=4, resume=False, overwrite=True)
        kept = at - at % 4
        assert counts(path)["step"] == kept
        assert previous.exists() == (kept > 0)
        assert not previous.exists() or counts(previous)["step"] == kept - 4
    assert {*path.parent.iterdir()} == {path, previous}


def test_each_of_the_last_two_can_be_gone_on_from(path):
    run = Run()
    cut(run, path, 17, Killed, steps=4)
    previous = path.with_name("run.ckpt.previous")
    older = path.with_name("older.ckpt")
    older.write_bytes(previous.read_bytes())
    assert (counts(path)["step"], counts(older)["step"]) == (16, 12)
    assert bits(resumed(run, older)) == bits(resumed(run, path)) == bits(run.fit())


class Clock:
    """Time passes with the steps of an engine."""

    def __init__(self, seconds_a_step, monkeypatch):
        self.now, self.written, self.pauses = 1000.0, [], 0
        self._seconds = seconds_a_step
        monkeypatch.setattr(checkpoints.time, "monotonic", lambda: self.now)
        part = checkpoints.PartialFile
        monkeypatch.setattr(checkpoints, "PartialFile", lambda path: (self.written.append(self.now), part(path))[1])

    def ticking(self, engine):
        run = engine.run

        def ticks(state, examples, first, last):
            state = run(state, examples, first, last)
            self.now += (last - first) * self._seconds
            self.pauses += 1
            return state

        engine.run = ticks
        return engine


@pytest.mark.parametrize("seconds_a_step", [0.001, 0.1, 3.0])
def test_written_by_the_clock(seconds_a_step, path, monkeypatch):
    clock = Clock(seconds_a_step, monkeypatch)
    run = Run(rows=800, n=(3, 1), dropout=0.0, watched=False, recipe=(("epochs", 4),))
    engine, training, _ = run.make()
    every = 50 * seconds_a_step
    fit(clock.ticking(engine), training, checkpoint=Checkpoint(path, seconds=every))
    between = [b - a for a, b in pairwise(clock.written)][:-1]  # the last is written because the run ends
    assert len(between) >= 2
    latest = every + max(checkpoints.LOOK, seconds_a_step) + seconds_a_step
    assert all(every <= gap + 1e-9 <= latest for gap in between), between
    assert counts(path)["step"] == run.steps
    assert seconds_a_step >= checkpoints.LOOK or clock.pauses <= 20 + 2 * run.steps * seconds_a_step / checkpoints.LOOK


def test_steps_between_two_looks_at_the_clock_double_at_most(path, monkeypatch):
    """However fast the first steps were: the next ones may be slow."""
    clock = Clock(0.0, monkeypatch)
    run = Run(rows=800, n=(3, 1), dropout=0.0, watched=False, recipe=(("epochs", 1),))
    engine, training, _ = run.make()
    steps, ticks = [], clock.ticking(engine).run

    def noted(state, examples, first, last):
        steps.append(last - first)
        return ticks(state, examples, first, last)

    engine.run = noted
    fit(engine, training, checkpoint=Checkpoint(path, seconds=60.0))
    assert steps[:5] == [1, 2, 4, 8, 16]


def test_seconds_and_steps_together(path, monkeypatch):
    clock = Clock(1.0, monkeypatch)
    run = Run(rows=800, n=(3, 1), dropout=0.0, watched=False, recipe=(("epochs", 1),))
    engine, training, _ = run.make()
    fit(clock.ticking(engine), training, checkpoint=Checkpoint(path, seconds=30.0, steps=7))
    assert {b - a for a, b in pairwise(clock.written)} <= {7.0, 2.0}


def test_a_disk_that_refuses_is_asked_again_when_it_is_time_again(path, monkeypatch):
    run = Run(rows=800, n=(3, 1), dropout=0.0, watched=False, recipe=(("epochs", 1),))
    engine, training, _ = run.make()
    asked, part = [], checkpoints.PartialFile

    def full_after_the_first(path):
        asked.append(path)
        if len(asked) > 1:
            raise OSError(28, "No space left on device")
        return part(path)

    monkeypatch.setattr(checkpoints, "PartialFile", full_after_the_first)
    with pytest.warns(checkpoints.CheckpointNotWritten, match="No space left"):
        fit(engine, training, checkpoint=Checkpoint(path, seconds=None, steps=10))
    assert run.steps == 100
    assert len(asked) == 1 + 10 + 1  # at the beginning, every 10 steps, and at the end


def test_neither_seconds_nor_steps_keeps_the_beginning_and_the_end(path, monkeypatch):
    clock = Clock(1.0, monkeypatch)
    run = Run()
    engine, *rows = run.make()
    fit(clock.ticking(engine), *rows, checkpoint=Checkpoint(path, seconds=None))
    assert len(clock.written) == 2
    assert counts(path)["step"] == run.steps
    assert counts(path.with_name("run.ckpt.previous"))["step"] == 0


class KeepsGood(Checkpoint):
    def begin(self, run, *rows):
        super().begin(run, *rows)
        self.good = run.now.good


def test_the_vectors_of_a_resumed_run_are_its_own_and_let_go_of_the_file(path):
    run = Run()
    resumed(run, path)
    checkpoint = KeepsGood(path, resume=True)
    done = run.fit(checkpoint)
    # theta is the best, as it was kept
    for vector in (done.theta, done.state.theta, *done.state.moments, checkpoint.good):
        assert vector.flags.owndata
        assert vector.flags.writeable


def test_resuming_where_nothing_is_there_begins_and_says_so(path, caplog):
    run = Run()
    with caplog.at_level(logging.INFO, "chainrule"):
        assert bits(resumed(run, path)) == bits(run.fit())
        assert f"no checkpoint {path} yet: starting from the beginning" in caplog.messages
        caplog.clear()
        resumed(run, path)
        assert caplog.messages == [f"resuming from {path}: {run.steps} steps, 5 epochs done"]


def test_overwriting_begins_anew(path):
    run, other = Run(), Run(recipe=(("seed", 9),))
    run.fit(Checkpoint(path, steps=4))
    cut(other, path, 3, Killed, resume=False, overwrite=True)
    assert counts(path)["step"] == 0
    assert not path.with_name("run.ckpt.previous").exists(), "nothing of the run before is left"
    assert bits(resumed(other, path)) == bits(other.fit())


def test_a_checkpoint_may_be_used_for_one_run_after_another(tmp_path):
    run = Run()
    twice = Checkpoint(tmp_path / "run.ckpt", steps=5, overwrite=True)
    assert bits(run.fit(twice)) == bits(run.fit(twice)) == bits(run.fit())


# Damage


DAMAGE = {
    "empty": lambda content: b"",
    "cut short": lambda content: content[:-7],
    "its head alone": lambda content: content[:100],
    "a bit flipped in the middle": lambda content: flipped(content, len(content) // 2),
    "a bit flipped at the beginning": lambda content: flipped(content, 1),
    "a bit flipped at the end": lambda content: flipped(content, len(content) - 1),
    "zeros in its place": lambda content: bytes(len(content)),
    "text": lambda content: b"column,another\n1,2\n",
}


def flipped(content, place):
    return content[:place] + bytes([content[place] ^ 4]) + content[place + 1 :]


@pytest.fixture
def kept(path):
    """A run that was killed at step 17: kept at step 16, and at step 12."""
    run = Run()
    cut(run, path, 17, Killed, steps=4)
    return run, path, path.with_name("run.ckpt.previous")


@pytest.mark.parametrize("damage", DAMAGE)
def test_where_the_newer_one_is_damaged_the_one_before_it_is_used_and_said(damage, kept, caplog):
    run, path, previous = kept
    path.write_bytes(DAMAGE[damage](path.read_bytes()))
    assert bits(resumed(run, path)) == bits(run.fit())
    said = "\n".join(caplog.messages)
    assert repr(str(path)) in said
    assert "damaged" in said
    assert f"Resuming from the one before it, {previous}." in said


def test_a_damaged_one_never_takes_the_place_of_a_whole_one(kept, monkeypatch):
    """Or there would be an instant with no whole file at all."""
    run, path, previous = kept
    path.write_bytes(b"")
    replace, whole = type(path).replace, []

    def watched(self, target):
        replace(self, target)
        whole.append([_is_whole(path), _is_whole(previous)])

    monkeypatch.setattr(type(path), "replace", watched)
    run.fit(Checkpoint(path, seconds=None, steps=3, resume=True))
    assert whole[0] == [True, True]
    assert all(any(pair) for pair in whole)
    assert all(_is_whole(file) for file in (path, previous))


def _is_whole(file):
    try:
        unseal(read_sealed(file, "checkpoint"), "it")
    except RequestError:
        return False
    return True


def test_where_both_are_damaged_it_says_so_and_what_to_do(kept):
    run, path, previous = kept
    for file in (path, previous):
        file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(RequestError) as caught:
        resumed(run, path)
    said = str(caught.value)
    assert repr(str(path)) in said
    assert repr(str(previous)) in said
    assert "To start over, use --force without --resume (overwrite=True in Python)" in said
    assert bits(run.fit(Checkpoint(path, overwrite=True))) == bits(run.fit())


def test_a_process_that_was_killed_between_the_two_names_left_the_older_one(kept):
    run, path, _ = kept
    path.unlink()
    with pytest.raises(RequestError, match="already holds a run"):
        run.fit(Checkpoint(path))
    assert bits(resumed(run, path)) == bits(run.fit())
    assert counts(path)["step"] == run.steps


def test_what_killed_processes_left_is_removed_and_nothing_else(kept):
    run, path, previous = kept
    left = [path.with_name(part_name(path)) for _ in range(2)]
    of_a_longer_name, longer = part_name(path.with_name("run.ckpt.7")), f"{part_name(path)}.part"
    others = [path.with_name(name) for name in (of_a_longer_name, longer, longer[1:], ".run.ckpt.7.part", "notes.part")]
    for file in (*left, *others):
        file.write_bytes(b"half")
    resumed(run, path)
    assert {*path.parent.iterdir()} == {path, previous, *others}


def test_a_name_with_signs_of_patterns_in_it(tmp_path):
    run, path = Run(), tmp_path / "run [1]*(?).ckpt"
    left = tmp_path / part_name(path)
    cut(run, path, 9)
    left.write_bytes(b"half")
    assert bits(resumed(run, path)) == bits(run.fit())
    assert not left.exists()


# The same from a table, from the command line, and from an estimator


OPTIONS = {"hidden": (4,), "dropout": 0.1, "batch_size": 3, "epochs": 12, "test_fraction": 0.25, "seed": 5}


def same_model(one, other, folder):
    for name, model in (("one", one), ("other", other)):
        model.save(folder / name, overwrite=True)
    return (folder / "one").read_bytes() == (folder / "other").read_bytes()


@pytest.mark.parametrize("loss", ["auto", "half_squared_error"])
def test_train_goes_on_to_the_same_model_file(loss, tmp_path, path):
    table = SMALL if loss == "auto" else SMALL | {"y": [0.1, 0.25, 1.0, 2.5] * 4}
    given = OPTIONS | {"loss": loss, "class_weight": "balanced" if loss == "auto" else None}
    whole = train(table, "y", **given)
    half = train(table, "y", **given, checkpoint=Checkpoint(path, steps=1), callbacks=[Raises(5)])
    assert half.history.stopped == "interrupted"
    assert same_model(train(table, "y", **given, checkpoint=path, resume=True), whole, tmp_path)
    assert same_model(train(table, "y", **given, checkpoint=str(path), resume=True), whole, tmp_path)


def test_train_with_more_epochs(tmp_path, path):
    train(SMALL, "y", **OPTIONS, checkpoint=path)
    more = OPTIONS | {"epochs": 24}
    assert same_model(train(SMALL, "y", **more, checkpoint=path, resume=True), train(SMALL, "y", **more), tmp_path)


def test_the_command_line_goes_on_to_the_same_model_file(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    lines = ["x,y", *(f"{x},{y}" for x, y in zip(*SMALL.values(), strict=True))]
    (tmp_path / "t.csv").write_text("\n".join(lines) + "\n")

    def ran(*options):
        code = main.main(["train", "t.csv", "--target", "y", "--hidden", "4", "--batch-size", "3", "--quiet", *options])
        return code, capsys.readouterr().err

    assert ran("--epochs", "20", "--out", "whole") == (0, "")
    assert ran("--epochs", "10", "--checkpoint", "run.ckpt", "--checkpoint-steps", "4") == (0, "")
    assert counts(tmp_path / "run.ckpt")["epochs"] == 10
    code, err = ran("--epochs", "20", "--checkpoint", "run.ckpt", "--resume")
    assert code == 2
    assert "'t.model' exists" in err
    assert ran("--epochs", "20", "--checkpoint", "run.ckpt", "--resume", "--force") == (0, "")
    assert (tmp_path / "t.model").read_bytes() == (tmp_path / "whole").read_bytes()
    assert load("t.model").history.stopped == "all epochs done"


def test_the_command_line_says_what_it_goes_on_from(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "t.csv").write_text("x,y\n" + "1,a\n2,b\n" * 8)
    given = ["train", "t.csv", "--target", "y", "--epochs", "4", "--checkpoint", "run.ckpt", "--resume"]
    assert main.main(given) == 0
    assert "chainrule: no checkpoint run.ckpt yet: starting from the beginning\n" in capsys.readouterr().err
    assert main.main([*given, "--force"]) == 0
    assert "chainrule: resuming from run.ckpt: 4 steps, 4 epochs done\n" in capsys.readouterr().err


NUMBERS = np.random.default_rng(8)
X = NUMBERS.normal(size=(60, 3))
Y = X[:, 0] * X[:, 1] + 0.1 * NUMBERS.normal(size=60)

FITTED = {
    "classifier": (MLPClassifier, {}),
    "regressor": (MLPRegressor, {}),
    "early stopping": (MLPClassifier, {"early_stopping": True, "n_iter_no_change": 4}),
    "early stopping on the cost": (MLPRegressor, {"early_stopping": True, "scoring": "loss", "n_iter_no_change": 4}),
    "early stopping on a scorer": (MLPRegressor, {"early_stopping": True, "scoring": "neg_mean_absolute_error"}),
    "adaptive": (MLPRegressor, {"solver": "sgd", "learning_rate": "adaptive", "tol": 0.02, "n_iter_no_change": 2}),
    "invscaling": (MLPClassifier, {"solver": "sgd", "learning_rate": "invscaling", "momentum": 0.5}),
}


@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
@pytest.mark.filterwarnings("ignore:Training interrupted")
@pytest.mark.parametrize("which", FITTED)
def test_an_estimator_goes_on_to_the_same_attributes(which, path):
    kind, parameters = FITTED[which]
    y = Y > 0.0 if kind is MLPClassifier else Y
    weight = np.linspace(0.5, 2.0, len(y))
    usual = {"hidden_layer_sizes": (5,), "batch_size": 16, "max_iter": 12, "learning_rate_init": 0.02}

    def fitted(**more):
        return kind(random_state=1, **usual | parameters | more).fit(X, y, sample_weight=weight)

    whole = fitted()
    assert fitted(checkpoint=path, callbacks=Raises(5)).n_iter_ == 5
    for _ in range(2):  # the second finds it finished
        again = fitted(checkpoint=str(path), resume=True)
        assert all(map(np.array_equal, again.coefs_ + again.intercepts_, whole.coefs_ + whole.intercepts_))
        for name in ("loss_curve_", "validation_scores_", "n_iter_", "t_", "best_loss_", "loss_"):
            assert getattr(again, name) == getattr(whole, name), name
        assert vars(again.history_) == vars(whole.history_)


def test_the_metrics_that_are_watched_are_kept(path):
    """Each that fits the target, cut where the best is not the last."""
    for metric in METRICS:
        loss = "half_squared_error" if METRICS.make(metric).task == "regression" else "binary_cross_entropy"
        run = Run(loss=loss, recipe=(("monitor", metric), ("learning_rate", 0.05)))
        cut(run, path, run.steps - 3, resume=False, overwrite=True)
        assert bits(resumed(run, path)) == bits(run.fit()), metric
