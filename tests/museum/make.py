"""Make the model files of the formats that are written, each with rows and what the model answers to them.

    python -m tests.museum.make

A file that is there is never made again: later versions have to load it as it is.
"""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa

import chainrule
from chainrule.container import unseal
from chainrule.data import Encoder
from chainrule.formulas.activations import ACTIVATIONS
from chainrule.formulas.losses import LOSSES
from chainrule.packs import TrainedNetwork

HERE = Path(__file__).parent
EXAMPLES = Path(__file__).parents[2] / "examples"
SHORT = {"epochs": 3, "hidden": (4,), "seed": 7}

# What the exhibit "own" names, and whoever loads it hands in again.
FUNCTIONS = {"swoosh": lambda xp: ACTIVATIONS["tanh"](xp), "my_loss": lambda xp: LOSSES["cross_entropy"](xp)}

Exhibit = tuple[Any, dict[str, list[Any]]]  # a model, and rows by column


def penguins() -> Exhibit:
    """Three classes; categories, gaps, a level that training did not have."""
    rows = {
        "island": ["Biscoe", "Dream", "Torgersen", "Atlantis", None],
        "bill_length_mm": [39.1, 46.5, None, 50.0, 33.25],
        "bill_depth_mm": [18.7, 17.9, 20.0, None, 15.5],
        "flipper_length_mm": [181, 192, 195, 230, None],
        "body_mass_g": [3750, 3500, None, 5700, 2700],
        "sex": ["male", "female", None, "male", "unknown"],
        "year": [2007, 2008, 2009, 2007, 2012],
    }
    return chainrule.train(EXAMPLES / "penguins.csv", "species", **SHORT), rows


def cars() -> Exhibit:
    """A number, in float64, with most of what a recipe and a cost can have."""
    rows = {
        "cylinders": [4, 8, 6],
        "displacement": [97.0, 350.0, 231.5],
        "horsepower": [70, None, 110],
        "weight": [2100, 4200, 3300],
        "acceleration": [16.0, 11.25, 14.5],
        "model_year": [1980, 1970, 1976],
        "origin": ["japan", "usa", "europe"],
    }
    model = chainrule.train(
        EXAMPLES / "auto_mpg.csv",
        "mpg",
        hidden=(5, 3),
        activation=("silu", "leaky_relu(0.2)"),
        loss="huber(delta=0.5)",
        optimizer="adamw(weight_decay=0.01)",
        schedule="cosine",
        learning_rate=0.01,
        epochs=4,
        batch_size=32,
        l2=1e-3,
        dropout=(0.1, 0.0),
        clip_norm=1.0,
        initializer="he_normal",
        monitor="rmse",
        patience=None,
        seed=1,
        dtype="float64",
    )
    return model, rows


def tides() -> Exhibit:
    """True or false, from dates, truth values and numbers, with gaps among them."""
    days = [f"2024-{1 + i % 12:02d}-{1 + i % 28:02d} {i % 24:02d}:30" for i in range(90)]
    table = {
        "at": [None if i % 20 == 7 else day for i, day in enumerate(days)],
        "full moon": [None if i % 15 == 4 else i % 3 == 0 for i in range(90)],
        "wind": [float(i * 37 % 23) for i in range(90)],
        "high": [(i * 7 % 11) + 3 * (i % 3 == 0) > 6 for i in range(90)],
    }
    rows = {
        "at": ["2024-02-29 12:00", "1999-12-31 23:59", None],
        "full moon": [True, None, False],
        "wind": [0.0, 22.5, -3.0],
    }
    return chainrule.train(table, "high", **SHORT), rows


def counts() -> Exhibit:
    """Whole numbers under an exponential link, without a report."""
    table = {"x": [i / 10 for i in range(60)], "n": [i * i // 90 for i in range(60)]}
    model = chainrule.train(table, "n", task="regression", loss="poisson", test_fraction=0.0, **SHORT)
    return model, {"x": [0.0, 3.05, 5.9, 12.0]}


def linear() -> Exhibit:
    """No hidden layer, a quantile, an optimiser that drives itself."""
    table = {"x": [i / 7 for i in range(50)], "y": [(i % 5) + i / 9 for i in range(50)]}
    model = chainrule.train(table, "y", hidden=(), loss="quantile(q=0.9)", optimizer="lbfgs", epochs=5, seed=7)
    return model, {"x": [0.0, 1.5, -20.0]}


def own() -> Exhibit:
    """An activation and a loss that the file has by their names alone."""
    table = {"x": [float(i % 13) for i in range(60)], "y": ["low" if i % 13 < 6 else "high" for i in range(60)]}
    model = chainrule.train(table, "y", activation="swoosh", loss="my_loss", functions=FUNCTIONS, **SHORT)
    return model, {"x": [0.0, 5.5, 6.5, 12.0]}


def names() -> Exhibit:
    """Columns and classes whose names look like parts of the file."""
    level = ['"sha256":"', '\\"sha256\\":\\"' + "0" * 64, "\x00\n\x1b[2J", "../../etc/passwd"]
    table = {
        '"}}': [float(i % 5) for i in range(60)],
        "ünï ☃ \U0001f600": [level[i % 4] for i in range(60)],
        "__metadata__": [["NaN", "1e999", "null"][i % 3] + "?" for i in range(60)],
        "theta": [level[i % 4 < 2] for i in range(60)],
    }
    return chainrule.train(table, "theta", **SHORT), {name: table[name][:5] for name in list(table)[:3]}


def grades() -> Exhibit:
    """Numbers that are not whole as classes, under sigmoids that do not exclude each other."""
    table = {"x": [i / 10 for i in range(60)], "grade": [[1.5, 2.25, -3.0][i % 3] for i in range(60)]}
    options = {"task": "classification", "loss": "binary_cross_entropy", "class_weight": "balanced"}
    return chainrule.train(table, "grade", **options, **SHORT), {"x": [0.0, 3.0, 5.9]}


def estimator() -> Exhibit:
    """A fitted estimator, which takes numbers as they are, and no gaps."""
    rows = {"dose": [i / 7 for i in range(60)], "sex": [i % 2 for i in range(60)]}
    X, y = list(zip(*rows.values(), strict=True)), [["no", "yes"][i % 7 > 3] for i in range(60)]
    fitted = chainrule.MLPClassifier((4,), solver="lbfgs", max_iter=30, random_state=0).fit(X, y)
    return fitted.to_model("cured", columns=list(rows), y=y), {name: cells[10:14] for name, cells in rows.items()}


def gaps() -> Exhibit:
    """Texts and numbers that mean a missing value, and a category of integers."""
    power = ["?" if i % 9 == 4 else "-9" if i % 11 == 3 else str(50 + i * 7 % 90) for i in range(60)]
    table = {
        "power": power,
        "fuel": [" ?" if i % 13 == 2 else ["none", "diesel", "-9"][i % 3] for i in range(60)],
        "doors": pa.array([2 + i % 3 for i in range(60)]).dictionary_encode(),
        "price": ["n/a" if i % 17 == 5 else f"{i * 37 % 41}.5" for i in range(60)],
    }
    rows = {
        "power": ["?", "-9", "77", "None", None],
        "fuel": [" ?", "-9", "none", "?", "coal"],
        "doors": [2, 3, 4, 5, None],
    }
    return chainrule.train(table, "price", missing=["-9"], **SHORT), rows


def averaged() -> Exhibit:
    """Parameters that are the mean over the steps."""
    table = {"x": [i / 10 for i in range(60)], "y": [(i % 7) + i / 9 for i in range(60)]}
    return chainrule.train(table, "y", optimizer="lamb", averaging=0.955, **SHORT), {"x": [0.0, 3.05, 5.9, 12.0]}


def islands() -> Exhibit:
    """Numbers, dates and categories through learned layers before the first dense one."""
    table = {
        "island": [None if i % 14 == 6 else ["Biscoe", "Dream", "Torgersen"][i % 3] for i in range(80)],
        "ring": [["red", "blue"][i % 5 < 2] if i % 13 else f"r{i}" for i in range(80)],
        "mass": [None if i % 16 == 9 else 30.0 + i * 37 % 23 for i in range(80)],
        "seen": [f"2024-{1 + i % 12:02d}-{1 + i % 28:02d}" for i in range(80)],
        "tagged": [i % 4 < 2 for i in range(80)],
        "chicks": [["one", "two", "none"][i * i % 7 % 3] for i in range(80)],
    }
    rows = {
        "island": ["Biscoe", "Dream", "Atlantis", None],
        "ring": ["blue", "r13", None, "green"],
        "mass": [31.5, None, 52.0, 0.0],
        "seen": ["2024-02-29", "1999-12-31", "2024-07-01", None],
        "tagged": [True, False, None, True],
    }
    layers = {"numeric_inputs": "cosine(6, 0.5)", "category_inputs": "lookup(3)"}
    return chainrule.train(table, "chicks", **layers, **SHORT), rows


def ensemble() -> Exhibit:
    """Two networks of different shapes, whose probabilities are averaged with different shares."""
    _, rows = penguins()
    models = [
        chainrule.train(EXAMPLES / "penguins.csv", "species", numeric_inputs=layer, **SHORT | {"hidden": hidden})
        for hidden, layer in (((4,), "cosine(3, 0.5)"), ((5, 3), None))
    ]
    networks = tuple(
        TrainedNetwork(m.network, m.theta, m.recipe, m.history, share)
        for m, share in zip(models, (0.75, 0.25), strict=True)
    )
    first = models[0]
    return chainrule.Ensemble(networks, first.encoder, first.target, first.outputs, first.report), rows


def shores() -> Exhibit:
    """Numbers and dates as normal scores, gaps and equal values among them; bounds of the answers."""
    table = {
        "depth": [None if i % 12 == 7 else float(i * i % 97) for i in range(90)],
        "boats": [i % 4 for i in range(90)],
        "seen": [f"2024-{1 + i % 12:02d}-{1 + i % 28:02d}" for i in range(90)],
        "sandy": [i % 3 == 0 for i in range(90)],
        "length": [(i % 9) + i / 11 for i in range(90)],
    }
    rows = {
        "depth": [0.0, 1e30, None, 12.5],
        "boats": [0, -7, 2, 3],
        "seen": ["2024-02-29", "1999-12-31", None, "2024-07-01"],
        "sandy": [True, False, None, True],
    }
    planned = chainrule.plan(table, "length", **SHORT)
    encoder = Encoder.fit(planned.table, planned.schema, planned.split.train, "normal")
    outputs = planned.outputs.bounded(planned.values[planned.split.train], 0.05)
    return replace(planned, encoder=encoder, outputs=outputs).train(), rows


def doses() -> Exhibit:
    """Two classes under one sigmoid, with calibrated probabilities."""
    cured = [["no", "yes"][i * i % 19 % 3 > 0] for i in range(90)]
    planned = chainrule.plan({"dose": [i * 7 % 19 / 2 for i in range(90)], "cured": cured}, "cured", **SHORT)
    model, held_out = planned.train(), planned.split.validation
    A_L = model.engine.predict(model.theta, planned.encoder.transform(planned.table, held_out))
    outputs = model.outputs.calibrated(A_L, planned.values[held_out])
    return replace(model, outputs=outputs), {"dose": [0.0, 4.5, 9.0, 1e6]}


EXHIBITS: tuple[Callable[[], Exhibit], ...] = (
    penguins,
    cars,
    tides,
    counts,
    linear,
    own,
    names,
    grades,
    estimator,
    gaps,
    averaged,
    islands,
    ensemble,
    shores,
    doses,
)


def answers(model: Any, rows: dict[str, list[Any]]) -> dict[str, Any]:
    """What the model says of the rows: labels, and the bits of every number."""
    if model.target.task == "regression":
        return {"numbers": [number.hex() for number in model.predict(rows).tolist()]}
    probabilities = [[p.hex() for p in row] for row in model.predict_proba(rows).tolist()]
    return {"labels": model.predict(rows).tolist(), "probabilities": probabilities}


def main() -> None:
    for make in EXHIBITS:
        model, rows = make()
        with TemporaryDirectory() as made:
            model.save(Path(made) / "model")
            content = (Path(made) / "model").read_bytes()
        folder = HERE / f"format-{unseal(content, 'it')[0]['format']}"
        path = folder / "answers.json"
        recorded = json.loads(path.read_text()) if path.exists() else {}
        if make.__name__ in recorded:
            continue
        folder.mkdir(exist_ok=True)
        (folder / f"{make.__name__}.model").write_bytes(content)
        recorded[make.__name__] = {"shows": make.__doc__, "rows": rows, "answers": answers(model, rows)}
        path.write_text(json.dumps(recorded, indent=1) + "\n")


if __name__ == "__main__":
    main()
