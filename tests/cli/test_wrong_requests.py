"""Options and files that make no sense: exit code 2, one or two lines on standard error that say what to do."""

import pytest

# options after `train penguins.csv --target species`, and pieces of the one message
OPTIONS = [
    (["--target", "specie"], ["'specie'", "did you mean 'species'"]),
    (["--target", "zzz"], ["'zzz'", "species, island, bill_length_mm"]),
    (["--drop", "yaer"], ["'yaer'", "did you mean 'year'"]),
    (["--drop", "species"], ["'species'", "target"]),
    (["--weight", "yeer"], ["did you mean 'year'"]),
    (["--weight", "sex"], ["'sex'", "numbers", "'male' in row 1"]),
    (["--weight", "body_mass_g"], ["'body_mass_g'", "missing in row 4"]),
    (["--weight", "species"], ["'species'", "target"]),
    (["--group", "iland"], ["did you mean 'island'"]),
    (["--group", "sex"], ["missing in row 4"]),
    (["--task", "regression"], ["'species'", "numbers", "'Adelie' in row 1"]),
    (["--task", "clasification"], ["'clasification'", "classification"]),
    (["--class-weight", "balancd"], ["'balancd'", "'balanced'"]),
    (["--hidden", "0"], ["hidden", "positive integers"]),
    (["--hidden", "-1"], ["hidden", "positive integers"]),
    (["--hidden", "8,-1"], ["hidden", "positive integers"]),
    (["--hidden", "abc"], ["hidden", "integer", "'abc'"]),
    (["--hidden", "1.5"], ["hidden", "integer", "'1.5'"]),
    (["--hidden", "nan"], ["hidden", "integer", "'nan'"]),
    (["--hidden", "8,,4"], ["hidden", "integer", "'8,,4'"]),
    (["--epochs", "0"], ["epochs", "at least 1"]),
    (["--epochs", "1.5"], ["epochs", "integer", "'1.5'"]),
    (["--epochs", "inf"], ["epochs", "integer", "'inf'"]),
    (["--batch-size", "0"], ["batch", "at least 1"]),
    (["--batch-size", "abc"], ["batch-size", "integer", "auto", "'abc'"]),
    (["--patience", "0"], ["patience", "at least 1"]),
    (["--patience", "abc"], ["patience", "integer", "none", "'abc'"]),
    (["--seed", "-1"], ["seed", "at least 0"]),
    (["--seed", "1" * 30], ["seed", "2^64"]),
    (["--threads", "0"], ["threads", "at least 1"]),
    (["--threads", "many"], ["threads", "integer", "'many'"]),
    *[(["--learning-rate", rate], ["learning", "above 0"]) for rate in ("0", "-1", "nan", "inf")],
    (["--learning-rate", "abc"], ["learning-rate", "number", "'abc'"]),
    *[(["--clip-norm", length], ["clip", "above 0"]) for length in ("0", "-1", "nan", "inf")],
    *[
        ([f"--{penalty}", strength], [penalty, problem])
        for penalty in ("l1", "l2")
        for strength, problem in (("-1", "at least 0"), ("nan", "finite"), ("inf", "finite"))
    ],
    *[(["--dropout", chance], ["dropout", "at least 0 and below 1"]) for chance in ("1", "-0.1", "nan", "inf")],
    (["--dropout", "abc"], ["dropout", "number", "'abc'"]),
    (["--dropout", "0.1,0.2,0.3"], ["dropout", "2 hidden layers"]),
    (["--activation", "relu,tanh,relu"], ["activation", "2 hidden layers"]),
    *[(["--momentum", beta], ["beta", "below 1"]) for beta in ("1", "-1")],
    *[(["--momentum", beta], ["beta", "finite"]) for beta in ("nan", "inf")],
    (["--momentum", "0.9", "--optimizer", "lbfgs"], ["lbfgs", "no momentum", "nesterov"]),
    *[(["--tol", amount], ["tol", "at least 0"]) for amount in ("-1", "nan", "inf")],
    *[(["--validation-fraction", share], ["validation fraction", "below 1"]) for share in ("1", "-0.1", "nan", "inf")],
    *[(["--test-fraction", share], ["test fraction", "below 1"]) for share in ("1", "-0.1", "nan")],
    (["--test-fraction", "0.9"], ["no training row"]),
    (["--dtype", "float16"], ["'float32' or 'float64'"]),
    (["--activation", "rleu"], ["did you mean 'relu'"]),
    (["--loss", "cros_entropy"], ["did you mean 'cross_entropy'"]),
    (["--optimizer", "adm"], ["did you mean 'adam'"]),
    (["--schedule", "cosin"], ["did you mean 'cosine'"]),
    (["--initializer", "he_norml"], ["did you mean 'he_normal'"]),
    (["--initializer", "zzz"], ["'zzz'", "he_normal"]),
    (["--initializer", "normal(scale=nan)"], ["normal", "scale"]),
    (["--monitor", "acuracy"], ["did you mean 'accuracy'"]),
    (["--monitor", "rmse"], ["rmse", "regression", "species"]),
    (["--monitor", "validation_cost", "--validation-fraction", "0"], ["validation"]),
    (["--optimizer", "lbfgs", "--dropout", "0.5"], ["lbfgs", "dropout"]),
    (["--activation", "leaky_relu(abc)"], ["leaky_relu", "negative_slope", "number"]),
    (["--activation", "relu(3)"], ["relu takes no numbers"]),
    (["--loss", "cross_entropy(smoothing=1)"], ["smoothing", "below 1"]),
    (["--loss", "cross_entropy("], ["could not be read"]),
    (["--loss", "huber"], ["huber", "regression", "classification", "Choose another loss"]),
    (["--loss", "poisson"], ["poisson", "regression", "classification"]),
    (["--delimiter", ";;"], ["delimiter", "one character"]),
    (["--decimal", "x"], ["decimal", "'x'"]),
    (["--decimal", ",", "--delimiter", ","], ["delimiter", "decimal"]),
    (["--out", "nowhere/x.model"], ["no folder 'nowhere'"]),
    (["--out", "."], ["folder"]),
    (["--epoks", "3"], ["--epoks"]),
]


def assert_refused(ran, pieces):
    assert ran.code == 2, ran.err
    assert ran.out == ""
    assert ran.err.startswith("chainrule: ")
    assert 1 <= ran.err.count("\n") <= 2
    for piece in pieces:
        assert piece in ran.err
    for jargon in ("Traceback", "Error", "parse_list", "whole_numbers", "_whole"):
        assert jargon not in ran.err
    assert " Columns here" not in ran.err.replace(". Columns here", "").replace("? Columns here", "")
    assert " Known:" not in ran.err.replace(". Known:", "").replace("? Known:", "")


@pytest.mark.parametrize(("options", "pieces"), OPTIONS, ids=lambda value: " ".join(value))
def test_an_option_that_makes_no_sense(run, examples, tmp_path, options, pieces):
    target = [] if "--target" in options else ["--target", "species"]
    assert_refused(run("train", examples / "penguins.csv", *target, *options), pieces)
    assert not list(tmp_path.iterdir())


def test_a_network_larger_than_memory(run, examples):
    ran = run("train", examples / "penguins.csv", "--target", "species", "--hidden", "100000000,100000000")
    assert ran.code in (1, 2)
    assert ran.err.startswith("chainrule: ")
    assert "memory" in ran.err


@pytest.mark.parametrize("loss", ["cross_entropy", "binary_cross_entropy", "half_squared_error_sigmoid"])
def test_a_loss_for_classes_on_a_target_of_numbers(run, examples, loss):
    ran = run("train", examples / "auto_mpg.csv", "--target", "mpg", "--loss", loss)
    assert_refused(ran, [loss, "classification", "'mpg'", "regression", "Choose another loss"])


@pytest.mark.parametrize(
    ("loss", "least"), [("poisson", "at least 0"), ("tweedie", "at least 0"), ("gamma", "above 0")]
)
def test_a_loss_that_is_not_defined_for_some_row_names_it(run, write, small, loss, least):
    wrong = 0.0 if loss == "gamma" else -1.5
    write("t.csv", {"a": small["a"], "y": [0.5 + x if i != 17 else wrong for i, x in enumerate(small["a"])]})
    assert_refused(run("train", "t.csv", "--target", "y", "--loss", loss), [loss, least, f"{wrong:g}", "row 18"])


@pytest.mark.parametrize(
    ("arguments", "pieces"),
    [
        ([], ["COMMAND"]),
        (["tran"], ["'tran'", "train"]),
        (["train"], ["TABLE", "--target"]),
        (["train", "penguins.csv"], ["--target"]),
        (["predict"], ["MODEL", "TABLE"]),
        (["predict", "m.model"], ["TABLE"]),
        (["evaluate", "m.model"], ["TABLE"]),
        (["predict", "m.model", "t.csv"], ["no model file 'm.model'"]),
    ],
)
def test_an_incomplete_command(run, arguments, pieces):
    assert_refused(run(*arguments), pieces)


@pytest.mark.parametrize("command", [[], ["train"], ["predict"], ["evaluate"]])
def test_help_is_no_error(run, command):
    ran = run(*command, "--help")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith("usage: chainrule")
