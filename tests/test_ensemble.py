"""Ensembles: the mean of their networks, in one file, and one of their networks where one is asked for."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from chainrule import Ensemble, RequestError, load, plan
from chainrule.cli.main import main
from chainrule.container import seal, unseal
from chainrule.explain import check_gradients, explain, plot_losses, plot_weights, trace
from chainrule.export import export
from chainrule.packs import TrainedNetwork

DRAWN = np.random.default_rng(0).normal(size=(2, 90)).round(3)
A, GROUPS = DRAWN[0], ["p", "q", "r"] * 30
TABLE = {
    "a": A.tolist(),
    "b": DRAWN[1].tolist(),
    "g": GROUPS,
    "y": (A + [GROUPS[i] == "p" for i in range(90)]).round(3).tolist(),
    "kind": ["low" if a < 0 else "high" for a in A],
}


def ensemble(target="y", hidden=((4,), (5, 3)), **options):
    """Of networks that were trained apart; a third of the mean is the second's."""
    planned = [plan(TABLE, target, hidden=h, epochs=3, seed=0, **options) for h in hidden]
    models = [one.train() for one in planned]
    shares = (2 / 3, 1 / 3)
    networks = tuple(
        TrainedNetwork(m.network, m.theta, m.recipe, m.history, share) for m, share in zip(models, shares, strict=True)
    )
    first = models[0]
    return Ensemble(networks, first.encoder, first.target, first.outputs, first.report), models


@pytest.mark.parametrize("target", TARGETS := ["y", "kind"])
def test_its_outputs_are_the_mean_of_its_networks_by_their_shares(target):
    whole, models = ensemble(target)
    if whole.target.task == "regression":
        expected = models[0].predict(TABLE) * 2 / 3 + models[1].predict(TABLE) / 3
        np.testing.assert_allclose(whole.predict(TABLE), expected, rtol=1e-6)
    else:
        expected = models[0].predict_proba(TABLE) * 2 / 3 + models[1].predict_proba(TABLE) / 3
        np.testing.assert_allclose(whole.predict_proba(TABLE), expected, rtol=1e-6)
        assert whole.predict(TABLE).tolist() == [whole.target.classes[k] for k in expected.argmax(axis=1)]
    assert whole.evaluate(TABLE).to_dict()["task"] == whole.target.task


@pytest.mark.parametrize("target", TARGETS)
def test_a_file_of_it_has_the_same_answers_and_bytes(target, tmp_path):
    whole, _ = ensemble(target, category_inputs="lookup(2)", numeric_inputs="cosine(3)")
    path = tmp_path / "e.model"
    whole.save(path)
    again = load(path)
    assert isinstance(again, Ensemble)
    assert again.predict(TABLE).tolist() == whole.predict(TABLE).tolist()
    again.save(tmp_path / "again.model")
    assert (tmp_path / "again.model").read_bytes() == path.read_bytes()


def forged(whole, path, change):
    whole.save(path)
    description, arrays = unseal(path.read_bytes(), "it")
    description, arrays = change(dict(description), dict(arrays))
    path.write_bytes(b"".join(map(bytes, seal(description, arrays))))


def _networks(description, **changes):
    first, *others = description["networks"]
    return description | {"networks": [first | changes, *others]}


FORGED = {
    "shares of an ensemble": lambda d, a: (_networks(d, share=0.9), a),
    "above 0": lambda d, a: (_networks(d, share=-1 / 3), a),
    "theta has the": lambda d, a: (d, {"theta": np.append(a["theta"], a["theta"][:1])}),
    "every number in theta is finite": lambda d, a: (d, {"theta": a["theta"] * np.float32(np.nan)}),
    "its array is theta": lambda d, a: (d, {"other": a["theta"]}),
    "theta has the 75 parameters": lambda d, a: (
        _networks(d, network=d["networks"][0]["network"] | {"n": [1, 4, 1]}),
        a,
    ),
    "not": lambda d, a: (d | {"networks": []}, a),
    "'more' is none of them": lambda d, a: (_networks(d, more=1), a),
}


@pytest.mark.parametrize("said", FORGED)
def test_a_file_that_makes_no_sense_is_refused(said, tmp_path):
    path = tmp_path / "e.model"
    forged(ensemble()[0], path, FORGED[said])
    with pytest.raises(RequestError, match=said):
        load(path)


def test_networks_that_do_not_belong_together_are_refused():
    whole, _ = ensemble()
    first, second = whole.networks
    with pytest.raises(RequestError, match="sum to 1"):
        replace(whole, networks=(first,))
    with pytest.raises(RequestError, match="sum to 1"):
        replace(whole, networks=())
    other = replace(second, network=replace(second.network, loss="absolute_error"))
    with pytest.raises(RequestError, match="one loss, not absolute_error, half_squared_error"):
        replace(whole, networks=(first, other))


def test_one_of_its_networks_is_a_model():
    whole, models = ensemble()
    for i, model in enumerate(models):
        member = whole.member(i)
        assert member.predict(TABLE).tobytes() == model.predict(TABLE).tobytes()
        assert check_gradients(member, TABLE).ok
        assert trace(member, TABLE).A[-1].shape[0] == 1
    with pytest.raises(RequestError, match="member is one of the 2 networks, counted from 0, not 2"):
        whole.member(2)
    with pytest.raises(RequestError, match="member"):
        whole.member(-1)


NEED_ONE = {
    "check_gradients": lambda whole, path: check_gradients(whole, TABLE),
    "explain": lambda whole, path: explain(whole, TABLE),
    "trace": lambda whole, path: trace(whole, TABLE),
    "plot_losses": lambda whole, path: plot_losses(whole),
    "plot_weights": lambda whole, path: plot_weights(whole),
    **{f"export to {to}": lambda whole, path, to=to: export(whole, path, to) for to in ("c", "numpy", "onnx")},
}


@pytest.mark.parametrize("what", NEED_ONE)
def test_what_is_about_one_network_asks_for_one(what, tmp_path):
    with pytest.raises(RequestError, match=r"an Ensemble has 2 networks, and one is needed here: .*member\(0\)"):
        NEED_ONE[what](ensemble()[0], tmp_path / "out")


def test_the_command_line_takes_the_one_with_the_largest_share_and_says_so(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    whole, models = ensemble("kind")
    whole.save("e.model")
    pd.DataFrame(TABLE).to_csv("t.csv", index=False)
    assert main(["predict", "e.model", "t.csv", "--out", "p.csv"]) == 0
    assert pd.read_csv("p.csv")["predicted_kind"].tolist() == whole.predict("t.csv").tolist()
    assert main(["evaluate", "e.model", "t.csv"]) == 0
    capsys.readouterr()
    assert main(["check", "e.model", "t.csv"]) == 0
    assert "network 0 of the 2 of the ensemble; --member takes another" in capsys.readouterr().err
    assert main(["explain", "e.model", "t.csv", "--member", "1", "--out", "page.html"]) == 0
    assert main(["diagnose", "e.model", "t.csv", "--member", "1"]) == 0
    assert main(["export", "e.model", "--to", "c", "--out", "e.c"]) == 2
    assert "name it by --member" in capsys.readouterr().err
    assert main(["export", "e.model", "--to", "c", "--member", "1", "--out", "e.c"]) == 0
    assert main(["check", "e.model", "t.csv", "--member", "2"]) == 2
    models[0].save("one.model")
    assert main(["check", "one.model", "t.csv", "--member", "0"]) == 2
    assert "is one network" in capsys.readouterr().err
