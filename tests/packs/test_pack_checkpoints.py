"""A pack that was cut and taken up again ends with the bits of one that was not, wherever and however it was cut."""

import copy
import gc
import json
import logging
import os
import random
import signal
import threading
import time
import weakref
from contextlib import suppress
from dataclasses import replace

import numpy as np
import pytest

from chainrule import Checkpoint, Diverged, RequestError, fit
from chainrule.container import read_sealed, seal, unseal
from chainrule.data.folds import parts
from chainrule.model_file import save
from chainrule.packs import Observer, fit_many
from chainrule.packs.ensemble_fit import fit_ensemble
from chainrule.packs.presets import Settings
from chainrule.sources import Examples
from tests.kept_packs import Pack, Stopped
from tests.kept_runs import Killed, Run
from tests.test_checkpoints_failing import outcome, process

PACK = Pack()
ENDS = Pack(patience=1, epochs=1000)
FOLDS = Pack(folds=3, patience=2)


@pytest.fixture(autouse=True)
def no_waiting_for_the_disk(monkeypatch):
    monkeypatch.setattr("os.fsync", lambda descriptor: None)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "pack.ckpt"


def resumed(pack, path, **how):
    return pack.bits(Checkpoint(path, resume=True), **how)


def killed(pack, path, rounds, **how):
    """After so many rounds, the last of which is kept."""
    with suppress(Killed):
        pack.fit(Stopped(path, rounds, Killed()), **how)


def cut(pack, path, member, step, **how):
    """By Ctrl-C when that member has done so many steps."""
    members, ensemble = pack.make()
    engine = members[member].engine
    run = engine.run

    def until(state, source, first, last):
        if not first <= step <= last:
            return run(state, source, first, last)
        state = run(state, source, first, step) if first < step else state
        return state._replace(interrupted=True)

    engine.run = until
    given = {"threads": pack.threads, "checkpoint": Checkpoint(path, seconds=None, resume=True)} | how
    done = fit_many(members, observer=ensemble if pack.observed else None, **given)
    assert done[member].history.stopped == "interrupted"
    return done


# Wherever it is cut


@pytest.mark.parametrize("pack", [PACK, ENDS, FOLDS, replace(FOLDS, observed=False)])
def test_killed_after_any_round(pack, tmp_path):
    whole = pack.bits()
    rounds = max(one["training_cost"][0] for one in whole["members"])
    assert len({one["stopped"] for one in whole["members"]}) > 1
    for end in range(rounds + 1):
        path = tmp_path / str(end)
        killed(pack, path, end)
        assert resumed(pack, path) == whole, end


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("pack", [PACK, ENDS, FOLDS])
def test_cut_in_the_middle_of_an_epoch(pack, threads, tmp_path):
    """Some members have done it then, some are at it, and some have not begun."""
    whole, chance = pack.bits(), random.Random(threads)
    running = [i for i, one in enumerate(whole["members"]) if one["training_cost"][0] > 4]
    for k in range(12):
        path, member = tmp_path / str(k), chance.choice(running)
        per_epoch = pack.make()[0][member].engine.recipe.steps_per_epoch(45 if pack.folds == 1 else 40)
        step = chance.randrange(1, 4 * per_epoch + 1) if k else per_epoch
        done = cut(pack, path, member, step, threads=threads)
        assert done[member].state.step == step
        assert resumed(pack, path, threads=3 - threads) == whole, (member, step)


def test_cut_in_turn_again_and_again(path):
    whole = PACK.bits()
    for step in range(1, 40, 3):
        cut(PACK, path, 1, step, threads=1 + step % 2)
    for end in (9, 10, 11):
        killed(PACK, path, end)
    assert resumed(PACK, path) == whole
    assert resumed(PACK, path) == whole, "and once more, when all is done"


@pytest.mark.parametrize("member", [1, 3])
def test_stopped_when_the_last_member_has_ended_its_last_epoch(member, path):
    """The observer has a last look at that round, of which the file knows nothing: a resumed pack looks for itself."""
    pack = replace(PACK, epochs=3)
    members, ensemble = pack.make()
    score = members[member].score

    def scored(theta):
        value = score(theta)
        if len(calls) == 2:
            signal.raise_signal(signal.SIGINT)
        calls.append(value)
        return value

    calls = []
    members[member] = replace(members[member], score=scored)
    fit_many(members, threads=1, observer=ensemble, checkpoint=Checkpoint(path))
    assert ensemble.rounds == 3
    assert resumed(pack, path) == pack.bits()


@pytest.mark.parametrize("pack", [PACK, ENDS, FOLDS])
def test_a_pack_that_has_ended_is_the_same_at_once(pack, path):
    whole = pack.bits(Checkpoint(path))
    content = path.read_bytes()
    members, ensemble = pack.make()
    for member in members:
        member.engine.run = None
    fit_many(members, observer=ensemble, checkpoint=Checkpoint(path, resume=True))
    assert path.read_bytes() == content
    assert resumed(pack, path) == whole


def test_a_pack_that_is_kept_is_the_pack_that_is_not(path):
    assert (
        PACK.bits(Checkpoint(path, seconds=0.0)) == PACK.bits(Checkpoint(path, steps=3, overwrite=True)) == PACK.bits()
    )


def test_all_members_diverge_after_the_cut_too(path):
    pack = Pack(groups=1, folds=3, of_last="float32")
    with pytest.raises(Diverged) as whole:
        pack.fit()
    for end in (1, 2, 3, 3):
        with pytest.raises((Diverged, Killed)):
            pack.fit(Stopped(path, end, Killed()))
    with pytest.raises(Diverged) as error:
        pack.fit(Checkpoint(path, resume=True))
    assert str(error.value) == str(whole.value)
    assert error.value.theta.tobytes() == whole.value.theta.tobytes()


def test_a_time_limit_and_then_the_rest(path):
    pack = Pack(width=64, rows=12_000, epochs=8)
    done, _ = pack.fit(Checkpoint(path), max_time=0.1)
    assert "time limit" in {one.history.stopped for one in done}
    assert resumed(pack, path, threads=1) == pack.bits()


def test_ten_epochs_and_ten_are_twenty_where_no_one_observes(path):
    pack = replace(PACK, observed=False)
    pack.fit(Checkpoint(path))
    longer = replace(pack, epochs=20)
    assert resumed(longer, path) == longer.bits()
    with pytest.raises(RequestError, match=r"members\[1\]: epochs: 20 then, 10 now, and 20 are done"):
        resumed(replace(pack, epochs=10), path)


def test_many_members_in_few_arrays(path):
    pack = Pack(groups=30, folds=3, epochs=2, width=2)
    killed(pack, path, 1)
    assert list(unseal(read_sealed(path, "checkpoint"), "it")[1]) == ["float32", "float64"]
    assert resumed(pack, path) == pack.bits()


def test_an_ensemble_of_rows_goes_on_to_the_same(path):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(90, 3))
    rows = Examples(X, X[:, :1] * X[:, 1:2], np.ones(90))
    of = Settings(members=3, width=8, units=1, epochs=8, batch_size=16, patience=2, ensemble_patience=2)
    given = rows, lambda numeric: (3, ()), "half_squared_error", of, parts(np.zeros(90, int), 3, 0.0, seed=0)
    whole = fit_ensemble(*given)
    for end in (2, 4):
        with pytest.raises(Killed):
            fit_ensemble(*given, checkpoint=Stopped(path, end, Killed()))
    found = fit_ensemble(*given, checkpoint=Checkpoint(path, resume=True))
    assert (found.loss, found.rounds, found.why) == (whole.loss, whole.rounds, whole.why)
    assert found.predictions.tobytes() == whole.predictions.tobytes()
    for one, other in zip(found.networks, whole.networks, strict=True):
        assert (one.theta.tobytes(), one.history, one.share) == (other.theta.tobytes(), other.history, other.share)


# Observers


class Seen(Observer):
    """Ends a pack when the mean of the last costs has not fallen; goes on by what it says of itself."""

    def __init__(self, rounds=6):
        self.rounds, self.means = rounds, np.zeros(0)

    def has_seen_enough(self, pack):
        mean = np.mean([run.history.training_cost[-1] for run in pack.runs if len(run.history)])
        self.means = np.append(self.means, mean)
        return len(self.means) == self.rounds

    def identity(self):
        return {"rounds": self.rounds}

    def state(self):
        return {"rounds": len(self.means)}, [self.means]

    def go_on(self, pack, seen, vectors):
        (self.means,) = (vector.copy() for vector in vectors)
        if len(self.means) != seen["rounds"] or seen["rounds"] != pack.rounds:
            raise ValueError("not as many as there were rounds")


class Silent(Observer):
    """Cannot go on."""

    def has_seen_enough(self, pack):
        return False


def test_an_observer_of_the_callers_own(path):
    whole = Seen()
    expected = PACK.bits(observer=whole)
    killed(PACK, path, 3, observer=Seen())
    rest = Seen()
    assert resumed(PACK, path, observer=rest) == expected
    assert rest.means.tobytes() == whole.means.tobytes()
    with pytest.raises(RequestError, match=r"belongs to another pack: observer: rounds: 6 then, 9 now\. "):
        resumed(PACK, path, observer=Seen(9))


def test_an_observer_that_cannot_go_on_is_refused_by_name(path):
    with pytest.raises(RequestError, match=r"Silent does not say what it has seen, .* leave the checkpoint out, or"):
        PACK.fit(Checkpoint(path), observer=Silent())
    assert not path.exists()


# What is refused


OTHER = {
    "members: 4 then, 5 now": replace(PACK, groups=5),
    "observer: groups: ": replace(PACK, groups=2, folds=2),
    "members[1]: training rows: 45 (sha256 ": replace(PACK, rows=80),
    "members[3]: dtype: float64 then, float32 now": replace(PACK, of_last="float32"),
    "members[3]: learning_rate: 0.01 then, 0.02 now": replace(PACK, learning_rate=0.02),
    "members[2]: seed: 2 then, 3 now": replace(PACK, seed=1),
    "members[1]: n: [3, 6, 1] then, [3, 7, 1] now": replace(PACK, width=7),
    "observer: patience: 30 then, 31 now": replace(PACK, patience=31),
    "observer: kind: GreedyEnsemble then, Observer now": replace(PACK, observed=False),
    "every member: epochs: 14 then, 15 now, and the observer sees who has ended": replace(PACK, epochs=15),
}


def contents(folder):
    return {file: file.read_bytes() for file in folder.iterdir()}


def refusal(path, going_on):
    """What is said, after it was seen that nothing in the folder has changed."""
    before = contents(path.parent)
    with pytest.raises(RequestError) as caught:
        going_on()
    assert contents(path.parent) == before
    return str(caught.value)


@pytest.mark.parametrize("said", OTHER)
def test_another_pack(said, path):
    killed(PACK, path, 2)
    message = refusal(path, lambda: resumed(OTHER[said], path))
    assert f"'{path}' belongs to another pack: " in message
    assert said in message
    assert "Use the same settings, or start over with --force" in message


def test_not_all_that_differs_is_said(path):
    pack = Pack(groups=20)
    killed(pack, path, 1)
    message = refusal(path, lambda: resumed(replace(pack, seed=100), path))
    assert message.count("then, ") == 6
    assert "; and " in message
    assert " more. Use the same settings" in message


def test_a_run_is_no_pack_a_pack_no_run_and_a_model_neither(path, small):
    Run().fit(Checkpoint(path))
    said = f"'{path}' is the checkpoint of a single run, which fit goes on with, and not of a pack: name another file."
    assert refusal(path, lambda: resumed(PACK, path)) == said
    killed(PACK, path.with_name("other"), 1)
    path = path.with_name("other")
    said = f"'{path}' is the checkpoint of a pack, which fit_many goes on with, and not of a run: name another file."
    assert refusal(path, lambda: Run().fit(Checkpoint(path, resume=True))) == said
    save(small, path.with_name("t.model"))
    path = path.with_name("t.model")
    assert "is not a checkpoint but another chainrule file" in refusal(path, lambda: resumed(PACK, path))


def test_a_pack_that_is_there_is_not_replaced_unasked(path):
    killed(PACK, path, 1)
    assert "already holds a run. To resume it, use" in refusal(path, lambda: PACK.fit(Checkpoint(path)))


def test_where_the_newer_one_is_damaged_the_one_before_it_is_used_and_said(path, caplog):
    killed(PACK, path, 4)
    content = bytearray(path.read_bytes())
    content[-100] ^= 4
    path.write_bytes(content)
    with caplog.at_level(logging.WARNING, "chainrule"):
        assert resumed(PACK, path) == PACK.bits()
    assert "is damaged: its bytes are not those that were written" in caplog.text
    assert "Resuming from the one before it" in caplog.text


def change(*names, to):
    def forge(description, arrays):
        for name in names[:-1]:
            description = description[name]
        description[names[-1]] = to

    return forge


FORGED = {
    "rounds below 0": change("rounds", to=-1),
    "fewer rounds than epochs": change("rounds", to=1),
    "rounds that are no integer": change("rounds", to="3"),
    "in a round that is none": change("in_round", to=2),
    "no counts": change("counts", to=[]),
    "a count that is impossible": change("counts", 2, "step", to=10**6),
    "a member without a recipe": change("pack", "members", 1, to={}),
    "no members": change("pack", to=None),
    "one that diverged that is none": change("diverged", to=[9]),
    "a vector too long": change("vectors", 0, 2, to=10**9),
    "a vector too short": change("vectors", 0, 2, to=1),
    "a vector of another name": change("vectors", 0, 0, to="9.theta"),
    "a vector of no member": change("vectors", -1, 0, to="9.theta"),
    "a vector twice": change("vectors", 1, 0, to="0.theta"),
    "a vector of another dtype": change("vectors", 0, 1, to="int8"),
    "an array more": lambda description, arrays: arrays.update(more=arrays["float32"]),
    "chosen of no group": change("observer", "chosen", 0, 0, to=7),
    "chosen of an epoch that is to come": change("observer", "chosen", 0, 1, to=99),
    "fewer chosen than vectors": change("observer", "chosen", to=[]),
    "a best round that is to come": change("observer", "best_round", to=50),
    "nothing of the observer": change("observer", to={}),
    "format": change("format", to=77),
}


@pytest.mark.parametrize("forgery", FORGED)
def test_what_is_sealed_and_still_makes_no_sense(forgery, path):
    killed(PACK, path, 3)
    path.with_name("pack.ckpt.previous").unlink()
    description, arrays = unseal(read_sealed(path, "checkpoint"), "it")
    FORGED[forgery](description, arrays)
    path.write_bytes(b"".join(seal(description, arrays)))
    said = refusal(path, lambda: resumed(PACK, path))
    assert "is not a checkpoint that this version understands" in said or "format 77" in said


# Ended from outside


LONG = Pack(epochs=900, leaves=None, patience=1000)  # two seconds, and much longer where each round is kept


@pytest.fixture(scope="module")
def whole():
    return json.loads(json.dumps(LONG.bits()))


def rounds_kept(path):
    """Of the newer file and the one before it, where they are there; RequestError: one is not whole."""
    files = [file for file in (path, path.with_name(f"{path.name}.previous")) if file.exists()]
    return [unseal(read_sealed(file, "checkpoint"), str(file))[0]["rounds"] for file in files]


def test_killed_ten_times(path, whole):
    """While it keeps every round, so that much of its time it is writing."""
    chance = random.Random(0)
    for _ in range(10):
        with process(path, LONG, seconds=0.0) as child:
            time.sleep(chance.uniform(0.0, 0.2))
            child.kill()
            assert child.wait(10) == -signal.SIGKILL
        assert rounds_kept(path)
    assert 0 < rounds_kept(path)[0] < LONG.epochs
    assert outcome(path, LONG) == whole


@pytest.mark.parametrize("by", [signal.SIGTERM, signal.SIGINT])
def test_told_to_end_it_keeps_where_it_stands(by, path, whole):
    """With nothing else kept but the beginning and the end; SIGTERM then ends the process."""
    reached = [0]
    for threads in (1, 2):
        with process(path, replace(LONG, threads=threads)) as child:
            time.sleep(0.15)
            child.send_signal(by)
            out, err = child.communicate(timeout=10)
        assert (child.returncode, err) == (-by if by == signal.SIGTERM else 0, "")
        assert by == signal.SIGTERM or json.loads(out)["bits"]["stopped"] == "interrupted"
        reached.append(rounds_kept(path)[0])
    assert 0 < reached[-1] < LONG.epochs
    assert reached == sorted(reached)
    assert outcome(path, replace(LONG, threads=1)) == whole


def test_a_second_ctrl_c_does_not_keep_it_from_being_kept(path, monkeypatch):
    members, _ = PACK.make()
    checkpoint = Checkpoint(path)
    begin = checkpoint.begin

    def begun(run):
        begin(run)
        signal.raise_signal(signal.SIGINT)
        monkeypatch.setattr(os, "fsync", lambda descriptor: signal.raise_signal(signal.SIGINT))

    checkpoint.begin = begun
    before = path.parent.stat().st_mtime_ns
    done = fit_many(members, checkpoint=checkpoint)
    assert {one.history.stopped for one in done} == {"interrupted"}
    assert path.parent.stat().st_mtime_ns > before
    monkeypatch.undo()
    assert json.dumps(resumed(replace(PACK, observed=False), path)) == json.dumps(replace(PACK, observed=False).bits())
    assert not [thread for thread in threading.enumerate() if "ThreadPool" in thread.name]


def test_a_checkpoint_lets_go_of_the_pack_and_can_be_copied(path):
    checkpoint = Checkpoint(path)
    members = PACK.make()[0]
    rows, engine = (weakref.ref(of) for of in (members[0].training, members[0].engine))
    fit_many(members, checkpoint=checkpoint)
    del members
    gc.collect()
    assert rows() is engine() is None
    assert copy.deepcopy(checkpoint).path == path


def test_single_runs_and_packs_may_take_turns_with_one_checkpoint(tmp_path):
    members, _ = PACK.make()
    checkpoint = Checkpoint(tmp_path / "any.ckpt", overwrite=True)
    one = fit_many(members[1:2], checkpoint=checkpoint)[0]
    m = members[1]
    assert fit(m.engine, m.training, m.validation, score=m.score, checkpoint=checkpoint).theta.tobytes() == (
        one.theta.tobytes()
    )
