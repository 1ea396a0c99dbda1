"""Input layers asked for with a table: which columns each takes, what the model answers, and what is refused."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from chainrule import Checkpoint, Model, RequestError, load, plan, train
from chainrule.container import unseal
from chainrule.inputs import Input
from tests.kept_runs import Killed

PENGUINS = Path(__file__).parents[1] / "examples" / "penguins.csv"
ROWS = 90
SITES = ["north", "east", "south"]
GOOD = {"north": 0, "east": 1, "south": 1}
TABLE = {
    "mass": [None if i % 15 == 2 else float(i * 37 % 23) for i in range(ROWS)],
    "site": [SITES[i % 3] for i in range(ROWS)],
    "alive": [i % 4 < 2 for i in range(ROWS)],
    "seen": [f"2024-{1 + i % 12:02d}-{1 + i % 28:02d}" for i in range(ROWS)],
    "ring": [None if i % 9 == 5 else f"r{i}" if i % 11 == 3 else ["red", "blue"][i * i % 5 < 2] for i in range(ROWS)],
    "good": [["no", "yes"][GOOD[SITES[i % 3]]] for i in range(ROWS)],
}
BOTH = {"numeric_inputs": "cosine(5)", "category_inputs": "lookup(3)"}
SHORT = {"hidden": (6,), "epochs": 2, "seed": 4}


def at_random(model: Model, seed: int = 0) -> Model:
    """The model with parameters drawn at random: those at the start hide what is left out."""
    theta = np.random.default_rng(seed).normal(0.0, 0.6, model.network.size).astype(model.network.dtype)
    return replace(model, theta=theta)


@pytest.fixture(scope="module")
def both():
    return at_random(train(TABLE, "good", **BOTH, **SHORT))


# Which columns


def test_amounts_go_through_one_layer_and_each_category_through_its_own(both):
    names = both.encoder.feature_names
    numeric, site, ring = both.network.inputs
    assert [names[j] for j in numeric.columns] == ["mass", "seen year", "seen month", *names[5:7]]
    assert (site, ring) == (Input("lookup(3)", (0,), levels=4), Input("lookup(3)", (1,), levels=4))
    assert [part.column for part in both.encoder.lookups] == ["site", "ring"]
    assert [names[j] for j in both.network.columns.handed_on] == ["mass missing", "alive"]
    assert both.network.n == (5 * 5 + 2 * 3 + 2, 6, 1)


def test_without_them_everything_is_as_it_was():
    planned = plan(TABLE, "good", **SHORT)
    assert planned.network.inputs == ()
    assert planned.network.n[0] == len(planned.encoder.feature_names) == 14
    assert planned.encoder.lookups == ()


@pytest.mark.parametrize(
    ("options", "widths"),
    [
        ({"numeric_inputs": "scale"}, (5, 9)),
        ({"numeric_inputs": "cosine(5, 2.5)"}, (25, 9)),
        ({"category_inputs": "lookup(1)"}, (2, 7)),
        ({"numeric_inputs": "scale", "category_inputs": "lookup(4)"}, (13, 2)),
    ],
)
def test_the_rows_of_A_0_are_those_of_the_layers_and_the_columns_handed_on(options, widths):
    network = plan(TABLE, "good", **options).network
    assert (sum(layer.width for layer in network.inputs), len(network.columns.handed_on)) == widths
    assert network.n[0] == sum(widths)


@pytest.mark.parametrize(
    ("columns", "notes"),
    [
        (("mass", "alive"), ["category_inputs lookup(3) left out: no column of categories is used"]),
        (("site",), ["numeric_inputs cosine(5) left out: no column of numbers or dates is used"]),
        (("mass", "site"), []),
    ],
)
def test_a_layer_without_columns_is_left_out_and_said(columns, notes):
    planned = plan({name: TABLE[name] for name in (*columns, "good")}, "good", **BOTH, **SHORT)
    assert [note for note in planned.notes if "inputs" in note] == notes
    assert 0 < len(planned.network.inputs) == 2 - len(notes)
    assert planned.train().predict(TABLE).shape == (ROWS,)


def test_categories_alone_are_enough_to_learn_from():
    table = {name: TABLE[name] for name in ("site", "good")}
    model = train(table, "good", category_inputs="lookup(2)", hidden=(8,), epochs=200, learning_rate=0.05)
    assert model.network.columns.numbers == 0
    assert model.predict({"site": SITES}).tolist() == ["no", "yes", "yes"]
    assert model.report["scores"]["accuracy"] == 1.0


# What the model answers


def standardised(values, rows):
    """A column of numbers as the encoder's rule says, by hand."""
    values = np.array([np.nan if v is None else v for v in values], float)
    train = values[rows]
    values = np.where(np.isnan(values), np.median(train[~np.isnan(train)]), values)
    return (values - values[rows].mean()) / (values[rows].std() or 1.0)


def expected(model, table, rows):
    """P of the second class by the equations, written out for these columns; levels are looked up by their texts."""
    p = {name: view.astype(float) for name, view in model.parameters.views.items()}
    days = np.array(table["seen"], "M8[D]")
    calendar = {
        "seen year": days.astype("M8[Y]").astype(int) + 1970.0,
        "seen month": days.astype("M8[M]").astype(int) % 12 + 1.0,
        "seen day of week": (days.astype(int) + 3) % 7 + 0.0,
        "seen days since 1970": days.astype(float),
    }
    x = np.array([standardised(table["mass"], rows), *(standardised(V, rows) for V in calendar.values())])
    w, b, alpha, beta = (p[f"inputs[0].{V}"][:, :, 0] for V in ("w", "b", "alpha", "beta"))  # (4, 5)
    e = p["inputs[0].alpha_x"][0] * x + p["inputs[0].beta_x"][0]
    cosines = [
        alpha[u][:, None] * np.cos(2 * np.pi * (w[u][:, None] * x + b[u][:, None])) + beta[u][:, None] for u in range(4)
    ]
    A_0 = [*e, *np.concatenate(cosines)]
    for i, name, levels in ((1, "site", ["east", "north", "south"]), (2, "ring", ["blue", "red", None])):
        E = p[f"inputs[{i}].E"]
        vectors = {level: E[:, k] for k, level in enumerate(levels, 1)}
        other = E[:, 0] + E[:, 1:].mean(axis=1)
        A_0 += [*np.array([vectors.get(level, other) for level in table[name]]).T]
    A_0 += [np.array([v is None for v in table["mass"]], float), standardised(table["alive"], rows)]
    A_1 = np.maximum(p["W[1]"] @ np.array(A_0) + p["b[1]"], 0.0)
    return 1.0 / (1.0 + np.exp(-(p["W[2]"] @ A_1 + p["b[2]"])[0]))


@pytest.mark.parametrize("seed", range(3))
def test_the_answers_are_those_of_the_equations(both, seed):
    model, rows = at_random(both, seed), plan(TABLE, "good", **BOTH, **SHORT).split.train
    P = model.predict_proba(TABLE)[:, 1]
    assert P.std() > 0.05
    np.testing.assert_allclose(P, expected(model, TABLE, rows), atol=2e-4)


def test_a_report_is_on_the_rows_it_says(both):
    """Codes go with their rows."""
    some = np.arange(ROWS)[::-3]
    table = {name: [cells[i] for i in some] for name, cells in TABLE.items()}
    alone = [both.predict_proba({name: [cell] for name, (cell,) in row.items()})[0, 1] for row in one_by_one(table)]
    np.testing.assert_allclose(both.predict_proba(table)[:, 1], alone, rtol=1e-5)
    accuracy = np.mean([(p >= 0.5) == (y == "yes") for p, y in zip(alone, table["good"], strict=True)])
    with_gap = {name: [cells[1], *cells] for name, cells in table.items()} | {"good": [None, *table["good"]]}
    assert both.evaluate(with_gap).scores["accuracy"] == pytest.approx(accuracy)


def one_by_one(table):
    return ({name: (cells[i],) for name, cells in table.items()} for i in range(len(table["good"])))


def test_levels_unseen_and_rare_share_a_vector_and_a_gap_has_its_own(both):
    def with_ring(ring):
        return both.predict_proba({name: [cells[0]] for name, cells in TABLE.items()} | {"ring": [ring]})[0, 1]

    assert with_ring("green") == with_ring("r3") != with_ring(None)
    assert len({with_ring(ring) for ring in ("green", "red", "blue", None)}) == 4


def test_a_level_that_no_row_trains_is_the_mean_of_the_others(both):
    """Gaps too, where training had none; also after training, since nothing moves the vector of code 0 then."""
    model = train(TABLE, "good", **BOTH, **SHORT | {"epochs": 20})
    E = model.parameters.views["inputs[1].E"]
    assert (E[:, 0] == 0.0).all()
    assert (E[:, 1:] != at_the_start(model)["inputs[1].E"][:, 1:]).all()
    assert (model.parameters.views["inputs[2].E"][:, 0] != 0.0).all()  # rare rings train it
    row = {name: [cells[0]] for name, cells in TABLE.items()}
    P = [model.predict_proba(row | {"site": [site]}).tolist() for site in ("west", None)]
    assert P[0] == P[1]
    lines = model.encoder.describe_unseen(model.read(row | {"site": ["west"]}))
    assert lines == ["column 'site': 1 rows with 'west', unseen in training; read as the mean of its levels"]


def at_the_start(model):
    return replace(model, theta=model.network.initial(model.recipe.seed)).parameters.views


def test_the_codes_reach_training():
    """The target follows from the category alone: without its codes nothing could be learnt."""
    model = train(TABLE, "good", **BOTH, hidden=(8,), epochs=150, learning_rate=0.03, seed=1)
    assert model.report["scores"]["accuracy"] == 1.0
    rows = model.read(TABLE)
    X, codes = model.rows(rows)
    Y = model.outputs.encode(model.target, model.target.codes(rows.column("good")))
    kept = model.engine.cost(model.theta, model.engine.examples(X, Y, codes=codes))
    mixed = model.engine.cost(model.theta, model.engine.examples(X, Y, codes=codes[:, ::-1]))
    assert kept < 0.2 < mixed


# What is refused


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            {"numeric_inputs": "lookup(4)"},
            r"numeric_inputs needs a layer for numbers, but lookup\(4\) takes categories",
        ),
        ({"numeric_inputs": "lookup(4)"}, r"pass it as category_inputs, or leave it out\.$"),
        (
            {"category_inputs": "scale"},
            r"category_inputs needs a layer for categories, but scale takes numbers: ",
        ),
        ({"numeric_inputs": "cosin(8)"}, r"input layer 'cosin' is not known.*did you mean 'cosine'\?"),
        ({"numeric_inputs": "cosine"}, r"input layer 'cosine' needs its number: 'cosine\(d=\.\.\.\)'"),
        ({"numeric_inputs": "cosine(1)"}, r"cosine.*d is an integer from 2 to"),
        ({"category_inputs": "lookup(2.5)"}, r"lookup.*d is an integer from 1 to"),
        ({"category_inputs": "lookup(3"}, r"'lookup\(3' could not be read"),
        ({"category_inputs": ""}, r"'' could not be read"),
        ({"category_inputs": 4}, r"input layer is a name .*not 4"),
        ({"numeric_inputs": ["scale"]}, r"input layer is a name .*not \['scale'\]"),
    ],
)
def test_what_makes_no_sense_is_said_before_anything_is_read(options, said):
    with pytest.raises(RequestError, match=said):
        plan("there is no such file.csv", "good", **options)


def test_a_column_that_is_looked_up_must_be_there(both):
    with pytest.raises(RequestError, match="column 'ring' is missing: the model was trained on it"):
        both.predict({name: cells for name, cells in TABLE.items() if name != "ring"})


# Files


@pytest.mark.parametrize("options", [BOTH, {"numeric_inputs": "scale"}, {"category_inputs": "lookup(2)"}, {}])
def test_a_model_comes_back_from_its_file(tmp_path, options):
    model = at_random(train(TABLE, "good", **options, **SHORT))
    model.save(tmp_path / "m.model")
    again = load(tmp_path / "m.model")
    for name in ("network", "encoder", "report"):
        assert getattr(again, name) == getattr(model, name)
    assert again.predict_proba(TABLE).tobytes() == model.predict_proba(TABLE).tobytes()
    description, _ = unseal((tmp_path / "m.model").read_bytes(), "it")
    assert description["format"] == (4 if options else 3)
    assert ("inputs" in description["network"]) == bool(options)
    assert ("lookups" in description["encoder"]) == ("category_inputs" in options)
    again.save(tmp_path / "again.model")
    assert (tmp_path / "again.model").read_bytes() == (tmp_path / "m.model").read_bytes()


# Checkpoints


class Ends:
    def __init__(self, epoch):
        self.epoch = epoch

    def on_epoch_end(self, history, parameters):
        if len(history) == self.epoch:
            raise Killed


LONG = {"hidden": (6,), "epochs": 6, "batch_size": 8, "seed": 4}


@pytest.mark.parametrize("options", [BOTH, {"numeric_inputs": "scale"}, {"category_inputs": "lookup(2)"}])
def test_a_run_that_was_cut_ends_with_the_same_bits(tmp_path, options):
    path = tmp_path / "run.ckpt"
    with pytest.raises(Killed):
        train(TABLE, "good", **options, **LONG, callbacks=[Ends(3)], checkpoint=Checkpoint(path, steps=5, seconds=0))
    resumed = train(TABLE, "good", **options, **LONG, checkpoint=path, resume=True)
    whole = train(TABLE, "good", **options, **LONG)
    assert resumed.theta.tobytes() == whole.theta.tobytes()
    assert resumed.history.to_dict() == whole.history.to_dict()


@pytest.mark.parametrize(
    ("table", "options", "differs"),
    [
        (TABLE, {}, "inputs: "),
        (TABLE, BOTH | {"category_inputs": "lookup(4)"}, "inputs: "),
        (TABLE | {"site": [*TABLE["site"][1:], "north"]}, BOTH, "training rows: "),
    ],
)
def test_a_checkpoint_of_other_input_layers_or_codes_is_refused(tmp_path, table, options, differs):
    path = tmp_path / "run.ckpt"
    train(TABLE, "good", **BOTH, **LONG, checkpoint=path)
    with pytest.raises(RequestError, match=f"belongs to another run: .*{differs}"):
        train(table, "good", **options, **LONG, checkpoint=path, resume=True)
