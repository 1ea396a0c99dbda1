"""A checkpoint goes on with its own run alone; whatever differs is named, and what is there stays as it is."""

import os
from dataclasses import replace

import numpy as np
import pytest

import chainrule
from chainrule import Checkpoint, RequestError, fit, load, train
from chainrule.checkpoints import as_checkpoint
from chainrule.cli import main
from chainrule.container import read_sealed, seal, unseal
from chainrule.engines.reference import Reference
from chainrule.estimators import MLPRegressor
from chainrule.formulas.optimizers import OPTIMIZERS
from chainrule.model_file import save
from tests.conftest import SMALL
from tests.kept_runs import Cut, Killed, Run, bits, cut, resumed

RUN = Run()


@pytest.fixture(autouse=True)
def no_waiting_for_the_disk(monkeypatch):
    monkeypatch.setattr("os.fsync", lambda descriptor: None)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "run.ckpt"


@pytest.fixture
def kept(path):
    """The checkpoint of a run that was ended in its third epoch."""
    cut(RUN, path, 2 * RUN.per_epoch + 3, steps=4)
    return path


def refusal(path, trained, *given, **named):
    """What is said, after it was seen that nothing in the folder has changed."""
    before = contents(path.parent)
    with pytest.raises(RequestError) as caught:
        trained(*given, **named)
    assert contents(path.parent) == before
    return str(caught.value)


def contents(folder):
    return {file: file.read_bytes() for file in folder.iterdir() if file.is_file()}


def going_on(path, engine, *rows, **more):
    return fit(engine, *rows, checkpoint=Checkpoint(path, resume=True), **more)


# Other data


def changed(examples, name, change):
    """The examples with a copy of one of their arrays, changed in place."""
    array = np.array(getattr(examples, name), order="F")
    change(array)
    return replace(examples, **{name: array})


def swap_rows(array):
    array[[0, 1]] = array[[1, 0]]


def one_bit(array):
    array[5] = np.nextafter(array[5], array.dtype.type(9.0))


DATA = {
    "a value of X": ("X", one_bit),
    "a value of Y": ("Y", one_bit),
    "a weight": ("weight", one_bit),
    "two rows of X in another order": ("X", swap_rows),
    "two rows of Y in another order": ("Y", swap_rows),
    "two weights in another order": ("weight", swap_rows),
}


@pytest.mark.parametrize("which", [0, 1])
@pytest.mark.parametrize("difference", DATA)
def test_other_rows(difference, which, kept):
    engine, *rows = RUN.make()
    rows[which] = changed(rows[which], *DATA[difference])
    said = refusal(kept, going_on, kept, engine, *rows)
    name, other, m = (("training rows", "validation", 46), ("validation rows", "training", 13))[which]
    assert f"'{kept}' belongs to another run: {name}: {m} (sha256 " in said
    assert f"then, {m} (sha256 " in said
    assert other not in said
    assert "Use the same settings, or start over with --force and without --resume (overwrite=True in Python)." in said


def test_rows_more_and_fewer(kept):
    assert "training rows: 46 (sha256 " in refusal(kept, resumed, replace(RUN, rows=47), kept)
    assert "now." in refusal(kept, resumed, replace(RUN, watched=False, rows=46), kept)


def test_no_validation_rows(kept):
    said = refusal(kept, resumed, replace(RUN, watched=False), kept)
    assert "validation rows: 13 (sha256 " in said
    assert "then, None now" in said
    assert "monitor: validation_cost then, training_cost now" in said


# Other settings


OTHER = {
    "optimizer": ("momentum", "optimizer: adam(beta1=0.9, beta2=0.999, eps=1e-08) then, momentum(beta=0.9) now"),
    "learning_rate": (0.02, "learning_rate: 0.01 then, 0.02 now"),
    "schedule": ("exponential", "schedule: constant then, exponential(factor=0.95) now"),
    "batch_size": (9, "batch_size: 8 then, 9 now"),
    "shuffle": (False, "shuffle: True then, False now"),
    "clip_norm": (None, "clip_norm: 1.0 then, None now"),
    "seed": (4, "seed: 3 then, 4 now; initial parameters: "),
    "monitor": ("mae", "monitor: auto then, mae now"),
    "patience": (5, "patience: None then, 5 now"),
    "tol": (0.5, "tol: 0.0001 then, 0.5 now"),
    "averaging": (0.9, "averaging: None then, 0.9 now"),
}


def test_every_setting_of_the_recipe_is_tried():
    assert {*OTHER, "epochs"} == {*vars(RUN.recipe_of())}


@pytest.mark.parametrize("setting", OTHER)
def test_another_setting_of_the_recipe(setting, kept):
    value, said = OTHER[setting]
    assert said in refusal(kept, resumed, RUN, kept, **{setting: value})


NETWORKS = {
    "n": ((3, 6, 4, 1), "n: [3, 5, 4, 1] then, [3, 6, 4, 1] now"),
    "activation": ("relu", "activation: ['tanh', 'tanh'] then, ['relu', 'relu'] now"),
    "loss": ("absolute_error", "loss: half_squared_error then, absolute_error now"),
    "dropout": (0.3, "dropout: [0.2, 0.2] then, [0.3, 0.3] now"),
    "penalties": ((), "penalties: ['l2(strength=0.01)'] then, [] now"),
    "dtype": ("float64", "dtype: float32 then, float64 now"),
    "engine": ("fused", "engine: Reference then, Fused now"),
}


@pytest.mark.parametrize("setting", NETWORKS)
def test_another_network_or_engine(setting, kept):
    value, said = NETWORKS[setting]
    assert said in refusal(kept, resumed, replace(RUN, **{setting: value}), kept)


def test_another_beginning(kept):
    engine, *rows = RUN.make()
    theta = engine.start().theta
    theta[7] += 1e-6
    assert "another run: initial parameters: " in refusal(kept, going_on, kept, engine, *rows, theta=theta)
    assert "another run: samples: 0 then, 46 now. " in refusal(kept, going_on, kept, engine, *rows, samples=46)
    said = refusal(kept, going_on, kept, engine, *rows, score=lambda theta: 0.0)
    assert "another run: monitor: validation_cost then, score now. " in said


def test_all_that_differs_is_named_at_once(kept):
    said = refusal(kept, resumed, replace(RUN, dtype="float64", rows=40), kept, learning_rate=0.5, tol=0.0)
    for name in ("dtype", "learning_rate", "tol", "initial parameters", "training rows", "validation rows"):
        assert f"{name}: " in said


def test_another_version(kept, monkeypatch):
    monkeypatch.setattr(chainrule, "__version__", "99.0")
    assert "version of chainrule: 0.1.0 then, 99.0 now" in refusal(kept, resumed, RUN, kept)


def test_another_format(kept):
    description, arrays = unseal(read_sealed(kept, "checkpoint"), "it")
    kept.write_bytes(b"".join(seal(description | {"format": 77}, arrays)))
    assert f"'{kept}' has format 77; this version reads format 1." in refusal(kept, resumed, RUN, kept)


@pytest.mark.parametrize(
    ("epochs", "said"),
    [
        (2, "epochs: 5 then, 2 now, and 2 are done and the next is begun"),
        (1, "epochs: 5 then, 1 now, and 2 are done and the next is begun"),
    ],
)
def test_fewer_epochs_than_are_done(epochs, said, kept):
    assert said in refusal(kept, resumed, RUN, kept, epochs=epochs)


def test_fewer_epochs_than_are_done_at_the_end_of_one(path):
    cut(RUN, path, 3 * RUN.per_epoch)
    assert "epochs: 5 then, 2 now, and 3 are done. " in refusal(path, resumed, RUN, path, epochs=2)


@pytest.mark.parametrize(("done", "epochs"), [(2, 2), (2, 4), (2.5, 3), (2.5, 4)])
def test_fewer_epochs_that_are_yet_to_be_done_are_fine(done, epochs, path):
    cut(RUN, path, int(done * RUN.per_epoch))
    assert bits(resumed(RUN, path, epochs=epochs)) == bits(RUN.fit(epochs=epochs))


@pytest.mark.parametrize("schedule", ["cosine", "warm_up_cosine"])
@pytest.mark.parametrize("epochs", [4, 6])
def test_other_epochs_where_the_schedule_looks_at_them(epochs, schedule, path):
    run = replace(RUN, recipe=(("schedule", f"{schedule}(1)" if schedule != "cosine" else schedule),))
    cut(run, path, 2 * run.per_epoch + 3)
    said = refusal(path, resumed, run, path, epochs=epochs)
    assert f"epochs: 5 then, {epochs} now, and the schedule {schedule}" in said
    assert "looks at how many there are" in said
    assert bits(resumed(run, path)) == bits(run.fit())


def test_a_table_that_has_changed(path):
    options = {"hidden": (4,), "epochs": 3, "checkpoint": path, "resume": True}
    train(SMALL, "y", **options)
    said = refusal(path, train, SMALL | {"x": [9.5, *SMALL["x"][1:]]}, "y", **options)
    assert "training rows: " in said
    assert "hidden" not in said
    said = refusal(path, train, SMALL, "y", **options | {"hidden": (5,)})
    assert "n: [1, 4, 1] then, [1, 5, 1] now" in said
    said = refusal(path, train, SMALL, "y", **options, class_weight={"a": 2.0, "b": 1.0})
    assert "belongs to another run: training rows: " in said


@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
def test_an_estimator_without_a_seed_says_why_it_cannot(path):
    X, y = np.arange(12.0).reshape(6, 2), np.arange(6.0)
    given = {"hidden_layer_sizes": (3,), "max_iter": 2, "checkpoint": path, "resume": True}
    MLPRegressor(**given).fit(X, y)
    assert "seed: " in refusal(path, MLPRegressor(**given).fit, X, y)


# What cannot have one


def test_an_optimizer_that_does_not_expose_its_state(path):
    minimizing = [name for name in OPTIMIZERS if OPTIMIZERS.make(name, np).minimize is not None]
    assert minimizing == ["lbfgs"]
    given = {"optimizer": "lbfgs", "learning_rate": None, "batch_size": "auto", "clip_norm": None}
    run = replace(RUN, dropout=0.0, recipe=tuple(given.items()))
    said = refusal(path, run.fit, Checkpoint(path))
    assert "lbfgs does not expose its state" in said
    assert "leave the checkpoint out, or use another optimizer, such as adam" in said
    assert "does not expose" in refusal(path, train, SMALL, "y", hidden=(2,), optimizer="lbfgs", checkpoint=path)


# Files that are something else


def test_a_model_file_is_no_checkpoint(small, path):
    save(small, path)
    said = refusal(path, resumed, RUN, path)
    assert f"'{path}' is not a checkpoint but another chainrule file, such as a model: name another file." in said
    assert "--force" not in said, "or the model would be lost"
    path.rename(path.with_name("run.ckpt.previous"))
    assert "is not a checkpoint" in refusal(path, resumed, RUN, path)


def test_a_checkpoint_is_no_model(kept, capsys):
    with pytest.raises(RequestError, match=r"run\.ckpt' is a checkpoint.*not a model"):
        load(kept)
    assert main.main(["predict", str(kept), "table.csv"]) == 2
    assert "not a model" in capsys.readouterr().err


@pytest.mark.parametrize("content", [b"", b"x,y\n1,2\n", b"\x80\x04\x95 pickled", bytes(5000)])
def test_a_file_of_something_else(content, path):
    path.write_bytes(content)
    said = refusal(path, resumed, RUN, path)
    assert f"'{path}' is not a chainrule checkpoint" in said


FORGED = {
    "no counts": lambda description, arrays: description.pop("counts"),
    "counts of something else": lambda description, arrays: description["counts"].pop("told"),
    "a count below 0": lambda description, arrays: description["counts"].update(updates=-1),
    "a count that is not whole": lambda description, arrays: description["counts"].update(updates=1.0),
    "no run": lambda description, arrays: description.update(run=None),
    "a run without a recipe": lambda description, arrays: description["run"].pop("recipe"),
    "an array missing": lambda description, arrays: arrays.pop("moment_0"),
    "an array more": lambda description, arrays: arrays.update(more=arrays["theta"]),
    "theta too short": lambda description, arrays: arrays.update(theta=arrays["theta"][1:]),
    "theta of another dtype": lambda description, arrays: arrays.update(theta=arrays["theta"].astype(np.float64)),
    "a curve too short": lambda description, arrays: arrays.update(training_cost=arrays["training_cost"][1:]),
    "reals too few": lambda description, arrays: arrays.update(reals=arrays["reals"][1:]),
    "no costs": lambda description, arrays: arrays.update(training_cost=arrays["training_cost"][:0]),
    "a score that no one watched": lambda description, arrays: arrays.update(score=arrays["training_cost"]),
    "epochs planned that are no integer": lambda description, arrays: description["run"]["recipe"].update(epochs=5.0),
    "a seed that is no integer": lambda description, arrays: description["run"]["recipe"].update(seed=3.0),
}

# Of a run of 5 epochs of 6 steps on 46 rows, cut short after 15 steps.
IMPOSSIBLE = [
    ("step", [0, 11, 19, 31, 2**63, 10**400]),
    ("updates", [16, 2**63, 10**400]),
    ("samples", [0, 115, 117, 2**63]),
    ("epochs", [0, 1, 3, 5, 2**63]),
    *((name, [3, 2**63]) for name in ("told", "waited", "best_epoch", "good_epochs")),
]
REALS = ("rate_scale", "cost_sum", "weight_sum", "rate", "best_value")


def forge(path, change):
    """Change the description and the arrays of the one checkpoint that is left, and seal it anew."""
    path.with_name("run.ckpt.previous").unlink()
    description, arrays = unseal(read_sealed(path, "checkpoint"), "it")
    arrays = {name: array.copy() for name, array in arrays.items()}
    change(description, arrays)
    path.write_bytes(b"".join(seal(description, arrays)))


@pytest.mark.parametrize(
    "name", ["step", "updates", "samples", "epochs", "told", "waited", "best_epoch", "good_epochs"]
)
def test_counts_beyond_what_is_possible(name, kept):
    counts = unseal(read_sealed(kept, "checkpoint"), "it")[0]["counts"]
    assert (counts["step"], counts["epochs"], counts["samples"]) == (15, 2, 2 * 46 + 3 * 8)
    for value in (*dict(IMPOSSIBLE)[name], -1, -(2**63), True, None, "1"):
        cut(RUN, kept, 2 * RUN.per_epoch + 3, steps=4, resume=False, overwrite=True)
        forge(kept, lambda description, arrays, value=value: description["counts"].update({name: value}))
        assert "is not a checkpoint that this version understands" in refusal(kept, resumed, RUN, kept), value


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, -1.0])
@pytest.mark.parametrize("name", REALS)
def test_sums_and_rates_beyond_what_is_possible(name, value, kept):
    possible = {("cost_sum", -1.0), ("best_value", np.inf), ("best_value", -np.inf), ("best_value", -1.0)}
    forge(kept, lambda description, arrays: arrays["reals"].__setitem__(REALS.index(name), value))
    if (name, value) in possible:  # a cost may be negative, and a score endless
        resumed(RUN, kept)
    else:
        assert "is not a checkpoint that this version understands" in refusal(kept, resumed, RUN, kept)


def test_a_forged_checkpoint_does_not_give_way_to_the_one_before(kept):
    description, arrays = unseal(read_sealed(kept, "checkpoint"), "it")
    description["counts"]["updates"] = 2**63
    kept.write_bytes(b"".join(seal(description, arrays)))
    assert "updates are more than 15 steps" in refusal(kept, resumed, RUN, kept)


@pytest.mark.parametrize("forgery", FORGED)
def test_what_is_sealed_and_still_makes_no_sense(forgery, kept):
    kept.with_name("run.ckpt.previous").unlink()
    description, arrays = unseal(read_sealed(kept, "checkpoint"), "it")
    FORGED[forgery](description, arrays)
    kept.write_bytes(b"".join(seal(description, arrays)))
    said = refusal(kept, resumed, RUN, kept)
    assert "is not a checkpoint that this version understands" in said or "then, " in said


# Requests that cannot be right


@pytest.mark.parametrize("seconds", [-1, -0.5, float("nan"), float("inf"), "60", [60], 1j])
def test_seconds_that_make_no_sense(seconds, path):
    said = refusal(path, Checkpoint, path, seconds=seconds)
    assert said == f"a checkpoint is written every so many seconds, a number from 0 on, not {seconds!r}."


@pytest.mark.parametrize("steps", [0, -1, 2.5, "10", True, [10]])
def test_steps_that_make_no_sense(steps, path):
    said = refusal(path, Checkpoint, path, steps=steps)
    assert said == f"a checkpoint is written every so many steps, an integer from 1 on, not {steps!r}."


@pytest.mark.parametrize("seconds", [0, 0.5, 60, np.float32(0.5), np.int64(3), None])
def test_seconds_that_do(seconds, path):
    assert bits(RUN.fit(Checkpoint(path, seconds=seconds, steps=np.int64(7)))) == bits(RUN.fit())


def test_a_folder_that_is_not_there(tmp_path):
    path = tmp_path / "nowhere" / "run.ckpt"
    for checkpoint in (Checkpoint(path), Checkpoint(path, resume=True), Checkpoint(path, overwrite=True)):
        said = refusal(tmp_path / "x", RUN.fit, checkpoint)
        assert said == f"cannot write '{path}': there is no folder '{path.parent}'. Create it first."


@pytest.mark.parametrize("how", [{}, {"resume": True}, {"overwrite": True}])
def test_a_path_that_is_a_folder(how, tmp_path):
    said = refusal(tmp_path, RUN.fit, Checkpoint(tmp_path, **how))
    assert said == f"cannot write '{tmp_path}': it is a folder. Name a file in it."
    for nameless in ("", ".", "/"):
        assert "name a file in that folder" in refusal(tmp_path, Checkpoint, nameless, **how)


def test_a_run_that_is_there_is_not_replaced_unasked(kept):
    said = refusal(kept, RUN.fit, Checkpoint(kept))
    assert f"'{kept}' already holds a run. To resume it, use --resume (resume=True in Python)" in said
    assert "to start over and replace it, --force (overwrite=True)" in said
    kept.unlink()
    assert refusal(kept, RUN.fit, Checkpoint(kept)) == said, "the one before it is a run too"


def test_resume_without_a_checkpoint(path):
    assert "give checkpoint too" in refusal(path, train, SMALL, "y", resume=True)
    assert "give checkpoint too" in refusal(path, MLPRegressor(resume=True).fit, [[1.0]], [1.0])
    assert "Checkpoint(path, resume=True)" in refusal(path, as_checkpoint, Checkpoint(path), True)
    assert as_checkpoint(Checkpoint(path, resume=True), True).resume
    assert as_checkpoint(None, False) is None


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--resume"], "--resume needs --checkpoint FILE"),
        (["--checkpoint-steps", "5"], "--checkpoint-steps needs --checkpoint FILE"),
        (["--checkpoint-seconds", "5"], "--checkpoint-seconds needs --checkpoint FILE"),
        (["--checkpoint", "run.ckpt", "--checkpoint-steps", "0"], "every so many steps"),
        (["--checkpoint", "run.ckpt", "--checkpoint-seconds", "-1"], "every so many seconds"),
        (["--checkpoint", "nowhere/run.ckpt"], "there is no folder 'nowhere'"),
        (["--checkpoint", "."], "name a file in that folder"),
        (["--checkpoint", "run.ckpt", "--optimizer", "lbfgs"], "lbfgs does not expose its state"),
        (["--checkpoint", "t.model"], "'t.model' cannot hold both the model and the checkpoint"),
        (["--checkpoint", "./t", "--out", "t.previous"], "'t.previous' cannot hold both"),
    ],
)
def test_the_command_line_refuses_with_2(options, said, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "t.csv").write_text("x,y\n" + "1,a\n2,b\n" * 8)
    assert main.main(["train", "t.csv", "--target", "y", "--hidden", "3", "--quiet", *options]) == 2
    assert said in capsys.readouterr().err
    assert [file.name for file in tmp_path.iterdir()] == ["t.csv"]


def test_it_is_refused_before_the_table_is_read(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "run.ckpt").touch()
    assert main.main(["train", "no.csv", "--target", "y", "--checkpoint", "run.ckpt"]) == 2
    assert "already holds a run" in capsys.readouterr().err


def test_the_engine_of_another_kind_is_named(path):
    """The bits of the two differ, so neither goes on with a run of the other."""
    with pytest.raises(Killed):
        replace(RUN, engine="fused").fit(Cut(path, 4, Killed, steps=1))
    engine, *rows = RUN.make()
    assert isinstance(engine, Reference)
    assert "engine: Fused then, Reference now" in refusal(path, going_on, path, engine, *rows)


@pytest.mark.parametrize("device", ["/dev/null", "/dev/stdout", "a FIFO"])
def test_a_checkpoint_never_takes_the_place_of_a_device(device, tmp_path):
    path = device
    if device == "a FIFO":
        path = tmp_path / "run.ckpt"
        os.mkfifo(path)
    kind = os.stat(path).st_mode
    for how in ({}, {"resume": True}, {"overwrite": True}):
        with pytest.raises(RequestError, match="device or a pipe"):
            RUN.fit(Checkpoint(path, **how))
    assert os.stat(path).st_mode == kind


def test_a_name_that_has_no_room_for_the_one_before_it(tmp_path):
    for length in (247, 256):
        with pytest.raises(RequestError, match="File name too long"):
            RUN.fit(Checkpoint(tmp_path / ("a" * length)))
    assert not list(tmp_path.iterdir())
    RUN.fit(Checkpoint(tmp_path / ("a" * 246)))
