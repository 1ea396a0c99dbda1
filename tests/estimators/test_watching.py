"""Who looks on while an estimator trains: callbacks, a clock, early stopping, printed lines, a progress bar."""

import json
import os
import re
import subprocess
import sys
from io import StringIO
from itertools import count

import numpy as np
import pytest
from sklearn.metrics import log_loss, roc_auc_score

from chainrule import MLPClassifier, MLPRegressor
from chainrule.errors import RequestError
from chainrule.estimators import callbacks
from chainrule.estimators.callbacks import JsonLinesLog, MaxTime
from tests.estimators.rows import MULTI, RARE, SMALL, TARGET, X

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


class Watching:
    def __init__(self, stop_at=None):
        self.stop_at, self.seen = stop_at, []

    def on_epoch_end(self, history, parameters):
        self.seen.append(parameters.W[1].T.copy())
        return len(history) == self.stop_at


def test_callbacks_see_the_parameters_of_each_epoch_and_stop_with_true():
    first, second = Watching(), Watching(stop_at=3)
    model = MLPRegressor(**SMALL, callbacks=[first, second]).fit(X, TARGET)
    assert len(first.seen) == len(second.seen) == model.n_iter_ == 3
    assert np.array_equal(first.seen[-1], model.coefs_[0])
    assert not np.array_equal(first.seen[0], first.seen[1])
    assert MLPRegressor(**SMALL, callbacks=Watching(stop_at=2)).fit(X, TARGET).n_iter_ == 2


def test_the_log_has_a_line_of_json_for_each_epoch_of_the_last_fit(tmp_path):
    model = MLPRegressor(**SMALL, callbacks=[JsonLinesLog(tmp_path / "log")])
    for _ in range(2):
        model.fit(X, TARGET, X_val=X[:20], y_val=TARGET[:20])
    lines = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]
    assert [line["epoch"] for line in lines] == [1, 2, 3, 4, 5]
    assert [line["training_cost"] for line in lines] == model.loss_curve_
    assert [line["validation_cost"] for line in lines] == model.validation_loss_curve_


@pytest.mark.parametrize("how", ["max_time", "MaxTime"])
def test_time_is_limited(how, monkeypatch):
    readings = count()  # a clock that is a second further whenever somebody looks: when it is made, and in each epoch
    monkeypatch.setattr(callbacks, "monotonic", lambda: next(readings))
    given = {"max_time": 7.0} if how == "max_time" else {"callbacks": [MaxTime(7.0)]}
    model = MLPRegressor(**SMALL | {"max_iter": 100}, n_iter_no_change=np.inf, **given).fit(X, TARGET)
    assert model.n_iter_ == 7


def cautious(model, rows, y):
    return -model.predict_proba(rows)[:, 1].mean()


@pytest.mark.parametrize(
    ("scoring", "by_hand"),
    [
        ("loss", lambda model: -log_loss(RARE[:60], model.predict_proba(X[:60]))),
        ("roc_auc", lambda model: roc_auc_score(RARE[:60], model.predict_proba(X[:60])[:, 1])),
        (
            lambda model, X, y: -model.predict_proba(X)[:, 1].mean(),
            lambda model: -model.predict_proba(X[:60])[:, 1].mean(),
        ),
        (None, lambda model: model.score(X[:60], RARE[:60])),
    ],
    ids=["loss", "roc_auc", "a function", "accuracy"],
)
def test_early_stopping_keeps_the_epoch_with_the_best_score(scoring, by_hand):
    given = {"early_stopping": True, "scoring": scoring, "n_iter_no_change": 5}
    model = MLPClassifier(**SMALL | {"max_iter": 40, "learning_rate_init": 0.1}, **given)
    model.fit(X, RARE, X_val=X[:60], y_val=RARE[:60])
    assert len(model.validation_scores_) == model.n_iter_
    assert by_hand(model) == pytest.approx(max(model.validation_scores_), abs=1e-12)
    assert model.best_validation_score_ == max(model.validation_scores_)


def test_the_validation_curve_is_the_weighted_cost_by_hand():
    weight = np.random.default_rng(13).uniform(0.1, 2.0, size=40)
    watching = Watching()
    model = MLPClassifier((), max_iter=4, random_state=0, alpha=100.0, callbacks=watching, batch_size=50)
    model.fit(X, MULTI, X_val=X[:40], y_val=MULTI[:40], sample_weight_val=weight)
    assert len(model.validation_loss_curve_) == 4
    expected = log_loss(MULTI[:40], model.predict_proba(X[:40]), sample_weight=weight)
    assert model.validation_loss_curve_[-1] == pytest.approx(expected, rel=1e-12)
    again = MLPClassifier((), max_iter=4, random_state=0, alpha=100.0, batch_size=50).fit(X, MULTI)
    assert np.array_equal(model.coefs_[0], again.coefs_[0]), "watched rows alone change nothing"


def test_printed_lines_are_scikit_learns_and_without_verbose_there_are_none(capsys):
    MLPRegressor(**SMALL).fit(X, TARGET)
    assert capsys.readouterr() == ("", "")
    model = MLPRegressor(**SMALL | {"max_iter": 2}, verbose=True, early_stopping=True).fit(X, TARGET)
    out = capsys.readouterr().out
    assert out == "".join(
        f"Iteration {e}, loss = {J:.8f}\nValidation score: {s:f}\n"
        for e, (J, s) in enumerate(zip(model.loss_curve_, model.validation_scores_, strict=True), start=1)
    )
    MLPRegressor(**SMALL | {"max_iter": 50}, verbose=2, tol=10.0, n_iter_no_change=2).fit(X, TARGET)
    stopping = "Training loss did not improve more than tol=10.000000 for 2 consecutive epochs. Stopping.\n"
    assert re.search(r"Iteration 4, loss = \d\.\d{8}\n" + re.escape(stopping) + "$", capsys.readouterr().out)


WITH_A_BAR = """
import warnings; warnings.simplefilter("ignore")
import numpy as np
from chainrule import MLPRegressor
X = np.arange(40.0).reshape(20, 2) / 40
model = MLPRegressor("squared_error", (3,), max_iter=7, random_state=0, verbose=1).fit(X, X[:, 0])
print(f"final {model.loss_:.4g}")
"""


def on_a_terminal(code):
    pty = pytest.importorskip("pty")
    ours, theirs = pty.openpty()
    environment = os.environ | {"COLUMNS": "100", "TERM": "xterm"}
    with subprocess.Popen([sys.executable, "-c", code], stdout=theirs, stderr=theirs, env=environment) as process:
        os.close(theirs)
        said = b""
        while True:
            try:
                said += os.read(ours, 65536)
            except OSError:  # how Linux says that the other side is closed
                break
    os.close(ours)
    assert process.returncode == 0, said
    return said.decode()


def test_a_terminal_gets_a_bar_with_epochs_and_the_cost():
    said = on_a_terminal(WITH_A_BAR)
    final = re.search(r"final (\S+)", said)[1]
    assert f"cost {final}" in said
    assert "7/7" in said
    assert "Iteration" not in said


def test_a_terminal_gets_lines_where_more_is_asked_for(capsys, monkeypatch):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    MLPRegressor(**SMALL, verbose=2).fit(X, TARGET)
    assert len(re.findall("Iteration [1-5], loss = ", capsys.readouterr().out)) == 5


class WriteAlone:
    """A stream as loggers and notebooks put in the place of standard output: it can be written to, and no more."""

    def __init__(self):
        self.text = ""

    def write(self, text):
        self.text += text


class Full(WriteAlone):
    """A stream whose disk is full, or whose reader has gone."""

    def write(self, text):
        raise BrokenPipeError(32, "Broken pipe")


def closed():
    stream = StringIO()
    stream.close()
    return stream


@pytest.mark.parametrize(
    "stream", [WriteAlone, Full, closed, lambda: None], ids=["write alone", "full", "closed", "none"]
)
@pytest.mark.parametrize("verbose", [True, 1, 2])
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_verbose_works_on_any_stream(stream, verbose, method, monkeypatch):
    out = stream()
    monkeypatch.setattr("sys.stdout", out)
    model = MLPRegressor(**SMALL | {"tol": 10.0, "n_iter_no_change": 2}, verbose=verbose)
    getattr(model, method)(X, TARGET)
    if type(out) is WriteAlone:
        assert out.text.startswith(f"Iteration 1, loss = {model.loss_curve_[0]:.8f}\n")
        assert ("Stopping." in out.text) == (method == "fit")


def test_a_log_that_cannot_be_begun_is_refused_and_one_that_breaks_off_costs_no_run(tmp_path):
    with pytest.raises(RequestError, match=r"cannot write the log .*nowhere.*No such file"):
        MLPRegressor(**SMALL, callbacks=JsonLinesLog(tmp_path / "nowhere" / "log")).fit(X, TARGET)
    log = JsonLinesLog(tmp_path / "log")

    class Removes:
        def on_epoch_end(self, history, parameters):
            if len(history) == 2:
                log.path = tmp_path / "gone" / "log"

    with pytest.warns(UserWarning, match=r"the log .* ends: No such file.*Training goes on") as caught:
        model = MLPRegressor(**SMALL, callbacks=[Removes(), log]).fit(X, TARGET)
    assert len([w for w in caught if "the log" in str(w.message)]) == 1
    assert len(model.loss_curve_) == 5
    log.path = tmp_path / "log"
    MLPRegressor(**SMALL, callbacks=log).fit(X, TARGET)
    assert len(log.path.read_text().splitlines()) == 5
