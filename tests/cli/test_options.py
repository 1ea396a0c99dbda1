"""Every option of `chainrule train`: none forgotten, and each with an effect that can be seen from outside."""

import argparse
import inspect
import math

import numpy as np
import pytest
from threadpoolctl import threadpool_info

from chainrule.cli.options import OPTIONS, columns
from chainrule.cli.parser import parser
from chainrule.planning import plan

OF_THE_COMMAND_LINE = {"help", "target", "table", "out", "force", "json", "quiet", "run"}
OF_CHECKPOINTS = {"checkpoint", "checkpoint_seconds", "checkpoint_steps", "resume"}


def test_the_options_are_the_keyword_parameters_of_plan():
    commands = next(a for a in parser()._actions if isinstance(a, argparse._SubParsersAction))
    options = {action.dest for action in commands.choices["train"]._actions} - OF_THE_COMMAND_LINE - OF_CHECKPOINTS
    keywords = {
        name for name, p in inspect.signature(plan).parameters.items() if p.kind is inspect.Parameter.KEYWORD_ONLY
    }
    assert options == keywords - {"functions"}


def test_the_help_shows_every_option_and_the_default_of_plan(run):
    shown = " ".join(run("train", "--help").out.split())
    for name, parameter in inspect.signature(plan).parameters.items():
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY and name != "functions":
            assert f"--{name.replace('_', '-')} " in shown
            default = parameter.default
            if default not in (None, ()):
                written = ",".join(map(str, default)) if isinstance(default, tuple) else str(default)
                assert f"(default: {written})" in shown


def seen_of(key):
    return lambda name: lambda ran: next(c[key] for c in ran.event("table")["columns"] if c["name"] == name)


column, kind, missing = seen_of("role"), seen_of("kind"), seen_of("missing")


def cost_of(epoch):
    return lambda ran: round(ran.epochs[epoch]["training_cost"], 6)


def network(key):
    return lambda ran: ran.event("network")[key]


def recipe(key):
    return lambda ran: ran.event("network")["recipe"].get(key)


def split(part):
    return lambda ran: ran.event("table")["split"][part]


def stopped(ran):
    return ran.event("trained")["stopped"].split(" in ")[0].split(": ")[0]


PLAIN = ["--hidden", "none", "--batch-size", "1000", "--validation-fraction", "0"]
# (option, its value, other options, what is seen, what must be seen with it; None: anything but what is seen without)
EFFECTS = [
    ("task", "regression", ["--target", "count"], lambda ran: ran.event("report")["task"], "regression"),
    ("drop", "b,island", [], column("island"), "dropped on request"),
    ("category", "a", [], kind("a"), "category"),
    ("missing", "Dream,x", [], missing("island"), 20),
    ("weight", "a", [], column("a"), "the weight column"),
    ("weight", "a", [], cost_of(0), None),
    ("class_weight", "balanced", [], cost_of(0), None),
    ("validation_fraction", "0.5", [], split("validation"), 30),
    ("test_fraction", "0.1", [], split("test"), 6),
    ("group", "b", [], column("b"), "the group column"),
    ("group", "a", [], split("test"), None),
    ("numeric_inputs", "cosine(4)", [], network("n"), [10, 4, 1]),
    ("numeric_inputs", "scale", [], cost_of(1), None),
    ("category_inputs", "lookup(5)", [], network("n"), [7, 4, 1]),
    ("category_inputs", "lookup(2)", [], cost_of(1), None),  # as many rows of A[0] as without
    ("hidden", "5,3", [], network("n"), [4, 5, 3, 1]),
    ("hidden", "none", [], network("n"), [4, 1]),
    ("activation", "tanh", [], network("activation"), ["tanh"]),
    ("activation", "tanh,leaky_relu(0.2)", ["--hidden", "3,2"], network("activation"), None),
    ("activation", "tanh", [], cost_of(0), None),
    ("loss", "cross_entropy", [], network("n"), [4, 4, 2]),
    ("loss", "half_squared_error_sigmoid", [], cost_of(0), None),
    ("optimizer", "gradient_descent", [], recipe("optimizer"), "gradient_descent"),
    ("optimizer", "gradient_descent", [], cost_of(1), None),
    ("learning_rate", "0.5", [], lambda ran: ran.epochs[0]["learning_rate"], 0.5),
    ("momentum", "0.5", [], recipe("optimizer"), "momentum(beta=0.5)"),
    ("momentum", "0.5", ["--optimizer", "nesterov"], recipe("optimizer"), "nesterov(beta=0.5)"),
    ("momentum", "0.5", ["--optimizer", "momentum", *PLAIN], cost_of(2), None),
    ("schedule", "staircase(every=1)", [], lambda ran: ran.epochs[1]["learning_rate"], pytest.approx(1e-4)),
    ("epochs", "5", [], lambda ran: len(ran.epochs), 5),
    ("batch_size", "7", [], cost_of(1), None),
    ("l2", "3", [], cost_of(0), None),
    ("l1", "3", [], cost_of(0), None),
    ("dropout", "0.5", [], cost_of(0), None),
    ("dropout", "0.5,0.25", ["--hidden", "3,2"], network("dropout"), [0.5, 0.25]),
    ("clip_norm", "1e-3", ["--optimizer", "gradient_descent"], cost_of(1), None),
    ("averaging", "0.9", [], lambda ran: ran.epochs[1]["validation_cost"], None),
    ("averaging", "0.9", [], recipe("averaging"), 0.9),
    ("initializer", "zeros", PLAIN, lambda ran: ran.epochs[0]["training_cost"], pytest.approx(math.log(2))),
    ("monitor", "accuracy", [], lambda ran: ran.event("trained")["monitor"], "accuracy"),
    ("monitor", "accuracy", [], lambda ran: 0 <= ran.epochs[0].get("score", -1) <= 1, True),
    ("patience", "1", ["--tol", "100"], lambda ran: len(ran.epochs), 3),
    ("patience", "none", ["--tol", "100", "--epochs", "30"], lambda ran: len(ran.epochs), 30),
    ("tol", "100", ["--patience", "1"], stopped, "validation cost did not improve by 100"),
    ("seed", "1", [], cost_of(0), None),
    ("dtype", "float64", [], network("dtype"), "float64"),
]


def trained(run, options):
    fixed = {"--target": "label", "--hidden": "4", "--epochs": "4"}
    given = dict(zip(options[::2], options[1::2], strict=True))
    return run("train", "t.csv", "--json", "--force", *[word for pair in (fixed | given).items() for word in pair])


@pytest.mark.parametrize(("option", "value", "others", "seen", "expected"), EFFECTS)
def test_has_an_effect(run, write, small, option, value, others, seen, expected):
    write(
        "t.csv", {name: small[name] for name in ("a", "b", "island", "label", "count")[: 5 if "count" in others else 4]}
    )
    without = trained(run, others)
    with_it = trained(run, [*others, f"--{option.replace('_', '-')}", value])
    assert (without.code, with_it.code) == (0, 0), (without.err, with_it.err)
    if expected is None:
        assert seen(with_it) != seen(without)
    else:
        assert seen(with_it) == expected
        assert seen(without) != expected


def test_no_option_is_without_such_a_test():
    others = {"delimiter", "decimal", "threads"}  # below
    assert {option for option, *_ in EFFECTS} | others == {name for options in OPTIONS.values() for name in options}


def test_delimiter_and_decimal_say_how_to_read(run, write, small, little):
    columns = {"a": small["a"], "b": [str(x).replace(".", ",") for x in small["b"]], "label": small["label"]}
    write("t.csv", columns, delimiter=":")
    ran = run("train", "t.csv", "--target", "label", *little, "--delimiter", ":", "--decimal", ",", "--json")
    assert [(c["name"], c["kind"]) for c in ran.event("table")["columns"]] == [
        ("a", "number"),
        ("b", "number"),
        ("label", "category"),
    ]


def test_threads_limits_the_libraries_while_training(run, examples, monkeypatch):
    used = []
    monkeypatch.setattr(
        "chainrule.cli.console.Silence.on_epoch_end",
        lambda *_: used.append({pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}),
    )
    run("train", examples / "penguins.csv", "--target", "species", "--epochs", 1, "--quiet", "--threads", 1)
    assert used == [{1}]
    run("train", examples / "penguins.csv", "--target", "species", "--epochs", 1, "--quiet", "--threads", 2, "--force")
    assert used[1] == {2}


def test_a_group_stays_on_one_side_of_every_split(small):
    planned = plan(small, "label", group="b", seed=3)
    parts = [
        set(np.array(small["b"])[rows]) for rows in (planned.split.train, planned.split.validation, planned.split.test)
    ]
    assert all(parts)
    assert sum(map(len, parts)) == len(set.union(*parts)) == len(set(small["b"]))


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("b", ["b"]),
        (" b", [" b"]),
        ('" b"', [" b"]),
        ("a, b ,c", ["a", "b", "c"]),
        ('a," b" , "c, d"', ["a", " b", "c, d"]),
        ('"say ""a""",5" x', ['say "a"', '5" x']),
        ("", []),
    ],
)
def test_a_list_of_columns_can_name_any_column(text, names):
    assert columns(text) == names


@pytest.mark.parametrize("drop", [" b", '" b"', 'a," b"'])
def test_columns_with_blanks_at_their_ends_are_dropped(run, write, little, drop):
    rows = [f"{7 * i % 11},{i % 3},{i % 5},{i % 2}" for i in range(40)]
    write("t.csv", "\n".join(["a, b,c, y", *rows, ""]))
    ran = run("train", "t.csv", "--target", " y", "--drop", drop, *little, "--json")
    reasons = {column["name"]: column["reason"] for column in ran.event("table")["columns"]}
    assert reasons[" b"] == "dropped on request"
