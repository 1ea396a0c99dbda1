"""The one function of all formats, and the command: where files go, what is refused."""

import json

import numpy as np
import pytest

from chainrule import MLPClassifier, RequestError
from chainrule.cli import main
from chainrule.export import FORMATS, export


@pytest.fixture(scope="module")
def estimator():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 3))
    return MLPClassifier((4,), solver="lbfgs", max_iter=20, random_state=0).fit(X, X[:, 0] > X[:, 1])


@pytest.mark.parametrize("to", FORMATS)
def test_a_model_and_its_estimator_become_the_same_file(estimator, tmp_path, to):
    export(estimator, tmp_path / "a", to)
    export(estimator.to_model(), tmp_path / "b", to)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes() != b""


@pytest.mark.parametrize("to", FORMATS)
def test_a_file_that_exists_is_kept_unless_asked(small, tmp_path, to):
    path = tmp_path / "model.out"
    path.write_text("mine")
    with pytest.raises(RequestError, match="overwrite=True"):
        export(small, path, to)
    assert path.read_text() == "mine"
    export(small, path, to, overwrite=True)
    assert path.read_bytes() != b"mine"


def test_what_is_asked_for_must_be_there(small, tmp_path):
    with pytest.raises(RequestError, match="'onx' is not known; did you mean 'onnx'"):
        export(small, tmp_path / "m", "onx")
    with pytest.raises(RequestError, match="no folder"):
        export(small, tmp_path / "nowhere" / "m", "c")
    with pytest.raises(RequestError, match=r"expected a Model or a fitted estimator.*not dict"):
        export({}, tmp_path / "m", "c")
    assert list(tmp_path.iterdir()) == []


def run(*arguments):
    try:
        return main.main([str(a) for a in arguments])
    except SystemExit as end:
        return end.code


@pytest.mark.parametrize("to", FORMATS)
def test_the_command_writes_and_says_where(path, capsys, to):
    out = path.with_name("small.out")
    assert run("export", path, "--to", to, "--out", out) == 0
    assert f"{out} ({out.stat().st_size:,} bytes)" in capsys.readouterr().out
    assert run("export", path, "--to", to, "--out", out) == 2
    assert "--force" in capsys.readouterr().err
    assert run("export", path, "--to", to, "--out", out, "--force") == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--to", "pmml", "--out", "m"], "'pmml' is not known"),
        (["--out", "m"], "--to"),
        (["--to", "c"], "--out"),
    ],
)
def test_the_command_says_what_is_missing(path, capsys, arguments, said):
    assert run("export", path, *arguments) == 2
    assert said in capsys.readouterr().err


def test_the_command_wants_a_model(tmp_path, capsys):
    (tmp_path / "m.model").write_text(json.dumps({"a": 1}))
    assert run("export", tmp_path / "m.model", "--to", "c", "--out", tmp_path / "m.c") == 2
    assert "not a chainrule model file" in capsys.readouterr().err
