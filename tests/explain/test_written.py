"""The equations are those of the trace: evaluated as they are written, they give its numbers; the sizes agree."""

import re
from xml.etree import ElementTree

import numpy as np
import pytest

from chainrule import Network, RequestError
from chainrule.explain.subject import Subject
from chainrule.explain.trace import trace
from chainrule.explain.written import EXAMPLES, FORMS, NOTATIONS, equation, equations, stations
from chainrule.formulas.losses import LOSSES

NETWORK = Network((2, 3, 4, 2), ("tanh", "sigmoid"), penalties=("l2(0.3)", "l1(0.2)", "l2_fixed(0.1)"), dtype="float64")
M = 5


@pytest.fixture(scope="module")
def traced():
    rng = np.random.default_rng(0)
    theta = rng.normal(size=NETWORK.size)
    X, Y = rng.normal(size=(M, 2)), rng.normal(size=(M, 2))
    return trace(Subject(NETWORK, theta, X, Y, ["a", "b"], ["c", "d"]), None)


class Matrix:
    """An array whose product is the matrix product, as the equations write it: A B."""

    def __init__(self, V):
        self.V = np.atleast_2d(V)

    @property
    def T(self):
        return Matrix(self.V.T)


def value(text, names):
    """A sum of terms, each a product of factors that stand side by side."""
    total = 0.0
    for sign, term in re.findall(r"(^|[+-] )((?:\((?:[^()]|\(\d\))*\)|[^+(-])+)", text):
        product = None
        for factor in re.findall(
            r"\([\d.]+/m\)|sign\((?:[^()]|\(\d\))*\)|[\d.]+(?= )|[A-Za-z]+[\[(]\d[\])](?:\.T)?|\[1[;,] .*?\](?:\.T)?",
            term,
        ):
            V = names(factor)
            product = V if product is None else product @ V if np.ndim(product) and np.ndim(V) else product * V
        total = total + (-product if sign == "- " else product)
    return total


def names_of(t, theta_notation, rows):
    def turned(V):
        return V.T if rows else V

    def names(factor):
        T = factor.endswith(".T")
        factor = factor.removesuffix(".T")
        if factor.startswith("sign("):
            return np.sign(names(factor[5:-1]))
        if factor.startswith("("):
            return float(factor[1:-3]) / M
        if factor[0].isdigit():
            return float(factor)
        if factor.startswith("[1"):
            A = names(re.search(r"A\(\d\)", factor)[0])
            V = np.hstack([np.ones((M, 1)), A]) if rows else np.vstack([np.ones((1, M)), A])
            return V.T if T else V
        letter, l = re.fullmatch(r"(\w+)[\[(](\d)[\])]", factor).groups()
        l = int(l)
        if theta_notation:
            if letter == "Theta":
                V = np.hstack([t.b[l], t.W[l]])
            elif letter == "delta":
                V = turned(M * t.dZ[l - 1])
            else:
                V = turned(getattr(t, letter)[l - 1])
        else:
            V = getattr(t, letter)[l]
            V = V if letter in ("W", "b") else turned(V)
        return V.T if T else V

    return names


@pytest.mark.parametrize("examples", EXAMPLES)
@pytest.mark.parametrize("notation", NOTATIONS)
@pytest.mark.parametrize(("name", "l"), [(n, l) for n, l in stations(NETWORK) if n in ("Z", "dA", "dW")])
def test_evaluated_as_written_they_give_the_numbers_of_the_trace(traced, notation, examples, name, l):
    theta, rows = notation == "theta", examples == "rows"
    right = equation(NETWORK, name, l, notation, examples).text.split(" = ")[1]
    got = value(right, names_of(traced, theta, rows))
    expected = traced.array(name, l)
    if name != "dW":
        expected = expected.T if rows else expected
    if theta and name == "dA":  # of all units, the one that is always 1 first; and delta is m dZ
        got, expected = (got[:, 1:] if rows else got[1:]), M * expected
    if theta and name == "dW":
        got = got[:, 1:]
    np.testing.assert_allclose(got, expected, rtol=1e-12)


@pytest.mark.parametrize("examples", EXAMPLES)
@pytest.mark.parametrize("notation", NOTATIONS)
def test_sizes_of_products_agree(notation, examples):
    for name, l in stations(NETWORK):
        sizes = equation(NETWORK, name, l, notation, examples).sizes
        shapes = re.findall(r"\((\w+), (\w+)\)", sizes)
        if len(shapes) > 2 and " = " in sizes:
            result, left, right, *_ = shapes
            assert left[1] == right[0], (name, l, sizes)
            assert (left[0], right[1]) == result, (name, l, sizes)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("form", FORMS)
def test_every_loss_in_every_form(loss, form):
    network = Network((3, 2, 2), "relu", loss)
    for notation in NOTATIONS:
        written = equations(network, notation, form=form)
        if form == "mathml":
            assert len([ElementTree.fromstring(line) for line in written.splitlines()]) == len(stations(network))
        elif form == "latex":
            assert written.count("{") == written.count("}")
            assert written.count("\\\\\n") == len(stations(network)) - 1
        else:
            assert len(written.splitlines()) == len(stations(network))
            assert ("A[2] - Y" in written) is (
                notation == "W,b" and loss in ("half_squared_error", "binary_cross_entropy", "cross_entropy", "poisson")
            )


def test_what_does_not_exist_is_refused():
    for wrong in ({"notation": "w"}, {"examples": "diagonal"}, {"form": "word"}):
        with pytest.raises(RequestError, match="one of"):
            equations(NETWORK, **wrong)
    for name, l in (("Z", 0), ("Z", 4), ("dA", 3), ("K", 1)):
        with pytest.raises(RequestError, match="no equation"):
            equation(NETWORK, name, l)
    with pytest.raises(RequestError, match="expected a Network"):
        equations(3)
