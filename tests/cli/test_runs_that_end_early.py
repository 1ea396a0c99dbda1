"""Runs that do not go to their end: a cost that is not finite, Ctrl-C, a reader that has had enough."""

import json
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from chainrule import load, train

COMMAND = (  # with the signals of a shell in the foreground, whatever the tests run in
    "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler);"
    "from chainrule.cli.main import main; sys.exit(main())"
)
RISING = ["--optimizer", "gradient_descent", "--learning-rate", "0.05", "--schedule", "exponential(factor=5)"]


@pytest.mark.parametrize("output", [[], ["--json"], ["--quiet"]])
@pytest.mark.parametrize("watched", [["--validation-fraction", "0"], []])
def test_a_diverging_run_names_the_epoch_and_keeps_the_last_good_parameters(run, examples, watched, output):
    ran = run("train", examples / "auto_mpg.csv", "--target", "mpg", *RISING, *watched, *output, "--out", "m.model")
    assert ran.code == 1
    model = load("m.model")
    history = model.history
    assert f"epoch {len(history) + 1}" in ran.err
    assert f"epoch {history.best_epoch}" in ran.err
    assert "m.model" in ran.err
    assert "learning rate" in ran.err
    assert 1 <= ran.err.count("\n") <= 2
    assert history.best_epoch == 1 + int(np.nanargmin(history.watched()))
    assert np.isfinite(model.theta).all()
    assert np.isfinite(model.predict(examples / "auto_mpg.csv")).all()
    if output == ["--json"]:
        assert len(ran.epochs) == len(history)


def test_a_run_that_diverges_at_once_leaves_the_old_model_alone(run, examples, tmp_path):
    (tmp_path / "old.model").write_text("precious")
    options = ["--optimizer", "gradient_descent", "--learning-rate", "1e30", "--out", "old.model", "--force"]
    ran = run("train", examples / "auto_mpg.csv", "--target", "mpg", *options)
    assert ran.code == 1
    assert "epoch 1" in ran.err
    assert (tmp_path / "old.model").read_text() == "precious"


@pytest.mark.parametrize("output", [["--json"], []])
def test_ctrl_c_keeps_the_best_parameters_and_writes_the_model(examples, tmp_path, output):
    train(examples / "penguins.csv", "species", epochs=1)  # so that what is interrupted is training, not compiling
    options = ["--epochs", "1000000", "--patience", "none", "--out", "p.model", *output]
    process = subprocess.Popen(
        [sys.executable, "-c", COMMAND, "train", str(examples / "penguins.csv"), "--target", "species", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=tmp_path,
        text=True,
    )
    if output:
        lines = [process.stdout.readline() for _ in range(2 + 10)]  # the table, the network, and ten epochs
        assert json.loads(lines[-1])["epoch"] == 10
    else:
        while not process.stdout.readline().startswith("Recipe"):
            assert process.poll() is None
        time.sleep(2)  # a thousand epochs
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=15)
    assert process.returncode == 1
    assert "Traceback" not in err
    model = load(tmp_path / "p.model")
    assert model.history.stopped == "interrupted"
    assert model.history.best_epoch == 1 + int(np.argmin(model.history.validation_cost))
    assert model.report["rows"] == 69
    if output:
        last = json.loads(out.splitlines()[-1])
        assert (last["event"], last["path"]) == ("model", "p.model")


def test_a_reader_that_has_had_enough_is_no_traceback(run, examples, tmp_path):
    run("train", examples / "penguins.csv", "--target", "species", "--epochs", 1, "--out", "p.model")
    process = subprocess.Popen(
        [sys.executable, "-c", COMMAND, "predict", "p.model", str(examples / "penguins.csv")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=tmp_path,
    )
    process.stdout.close()
    err = process.stderr.read()
    process.stderr.close()
    assert process.wait(timeout=30) in (0, 1)
    assert b"Traceback" not in err


def test_help_is_quick_to_import():
    """What help does not need is not imported: neither the readers of tables nor the optimisers of SciPy."""
    program = (
        "import sys; sys.argv = ['chainrule', '--help']\nfrom chainrule.cli.main import main\ntry: main()\n"
        "except SystemExit: print('LOADED', *sorted(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = done.stderr.split()
    assert loaded[0] == "LOADED"
    assert not {"pandas", "torch", "jax", "sklearn", "scipy.optimize"} & set(loaded)
