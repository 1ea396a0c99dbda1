"""The program at the end of *Logistic regression to one hidden layer*, corrected, with the part that it leaves empty.

    x (nx, m)     y (1, m)     w (units, nx)     b (units, 1)     z, a, dz (units, m)

Each row of w is a logistic regression of its own on the same y: a layer of units before it has anything behind it.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.errors import RequestError
from chainrule.formulas.activations import ACTIVATIONS
from chainrule.notes.array_checks import require_between_0_and_1, require_examples, require_fit, require_matrices
from chainrule.notes.building_blocks.initialization import generator
from chainrule.notes.switches import switchable

__all__ = ["program", "program_data", "program_non_vectorized", "program_start", "program_vectorized"]

Floats = NDArray[Any]

sigma = ACTIVATIONS["sigmoid"](np).g


@switchable
def program_data(m: int = 1000, nx: int = 3, rng: Any = None) -> tuple[Floats, Floats]:
    """x = np.random.rand(nx, m), y = np.random.randint(2, size=(1, m)).

    The document prints size=(m, 1): then a - y is an error for four units, and for one unit m x m numbers, silently.
    ``rng`` is a generator or its seed, or None for the global np.random.

    >>> x, y = program_data()
    >>> x.shape, y.shape, sorted(set(y[0].tolist()))
    ((3, 1000), (1, 1000), [0, 1])
    """
    source = generator(rng)
    integers = source.integers if hasattr(source, "integers") else source.randint
    return source.random((nx, m)), integers(2, size=(1, m))


@switchable
def program_start(nx: int = 3, units: int = 4, rng: Any = None) -> tuple[Floats, Floats]:
    """w = np.random.randn(units, nx) * 0.01, b = np.zeros((units, 1)).

    The document begins with four rows of zeros, which would stay four equal rows. Zeros are right for one unit alone,
    that is for logistic regression, and are used there.

    >>> program_start(units=1)[0].tolist(), program_start()[0].shape
    ([[0.0, 0.0, 0.0]], (4, 3))
    """
    w = np.zeros((1, nx)) if units == 1 else generator(rng).standard_normal((units, nx)) * 0.01
    return w, np.zeros((units, 1))


def program_non_vectorized(x: Floats, y: Floats, w: Floats, b: Floats) -> dict[str, Floats]:
    """The part that the document leaves empty: z, a, dz, dw, db by loops over examples, units and features.

    z_j(i) = sum_p w_jp x_p(i) + b_j;  a = sigmoid(z);  dz = a - y;  dw_jp = (1/m) sum_i dz_j(i) x_p(i);
    db_j = (1/m) sum_i dz_j(i).

    >>> x, y, w, b = np.array([[1.0, 3.0]]), np.array([[0, 1]]), np.zeros((1, 1)), np.zeros((1, 1))
    >>> program_non_vectorized(x, y, w, b)["dw"].tolist()
    [[-0.5]]
    """
    _require_program(x, y, w, b)
    (units, nx), m = w.shape, x.shape[1]
    z, a, dz = (np.zeros((units, m)) for _ in range(3))
    dw, db = np.zeros((units, nx)), np.zeros((units, 1))
    for i in range(m):
        for j in range(units):
            z[j, i] = b[j, 0]
            for p in range(nx):
                z[j, i] += w[j, p] * x[p, i]
            a[j, i] = sigma(z[j, i])
            dz[j, i] = a[j, i] - y[0, i]
            for p in range(nx):
                dw[j, p] += dz[j, i] * x[p, i] / m
            db[j, 0] += dz[j, i] / m
    return {"z": z, "a": a, "dz": dz, "dw": dw, "db": db}


@switchable
def program_vectorized(x: Floats, y: Floats, w: Floats, b: Floats) -> dict[str, Floats]:
    """z = np.dot(w, x) + b; a = sigmoid(z); dz = a - y; dw = dz @ x.T / m; db = dz.sum(axis=1, keepdims=True) / m.

    The document prints dw = x * dz.T / m, products of single entries whose shapes do not fit, and db = np.sum(dz) / m,
    one number for all the units together.

    >>> x, y, w, b = np.array([[1.0, 3.0]]), np.array([[0, 1]]), np.zeros((1, 1)), np.zeros((1, 1))
    >>> program_vectorized(x, y, w, b)["dw"].tolist()
    [[-0.5]]
    """
    _require_program(x, y, w, b)
    m = x.shape[1]
    z = np.dot(w, x) + b
    a = sigma(z)
    dz = a - y
    dw = dz @ x.T / m
    db = dz.sum(axis=1, keepdims=True) / m
    return {"z": z, "a": a, "dz": dz, "dw": dw, "db": db}


def program(m: int = 1000, nx: int = 3, units: int = 4, rng: Any = None) -> dict[str, dict[str, Floats]]:
    """The whole program: its data and start, then both of its parts on them.

    >>> parts = program(m=20, rng=0)
    >>> all(np.allclose(parts["non-vectorized"][v], parts["vectorized"][v], atol=1e-15) for v in parts["vectorized"])
    True
    """
    source = generator(rng)
    x, y = program_data(m, nx, source)
    w, b = program_start(nx, units, source)
    return {
        "non-vectorized": program_non_vectorized(x, y, w, b),
        "vectorized": program_vectorized(x, y, w, b),
    }


def _require_program(x: Floats, y: Floats, w: Floats, b: Floats) -> None:
    require_matrices(x=x, y=y, w=w, b=b)
    require_fit("layer 1: ", w, b, "x", x)
    if y.shape != (1, x.shape[1]):
        raise RequestError(f"y is {y.shape} but x is {x.shape}: y must be (1, {x.shape[1]}), one for each column.")
    require_examples(x.shape[1])
    require_between_0_and_1(y=y)
