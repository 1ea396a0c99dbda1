"""Which mistake it is, found by asking at other theta: where W[l] = 0 and b[l] = c, every Z[l] is c.

There a layer shows what it does to a single number, whatever the data:

    db[l] / (W[l+1]^T db[l+1]) = the slope that is used at c           (the right one: the same with J's own gradient)
    db[L] = mean of dloss/dz at z = c                                  (likewise)

so that both can be held against g, g', a (1 - a) and what else people write.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from chainrule.explain import differences
from chainrule.explain.fault_rules import LOOSE, Comparison, lambda_by_probe, places
from chainrule.explain.faults import Fault, fault
from chainrule.explain.structure import Floats, Indices, Structure
from chainrule.formulas.activations import ACTIVATIONS
from chainrule.formulas.table import Table

C = (-1.5, -0.6, 0.4, 1.3)
UNITS = 4  # of a layer that are looked at

_sigmoid = ACTIVATIONS["sigmoid"](np).g


@dataclass(eq=False)
class Probe:
    """The cost and the gradient, to be asked anywhere; LookupError where they fail or are not finite."""

    layout: Structure
    J: Callable[[Floats], float]
    gradient: Callable[[Floats], Floats]
    v: Floats
    sigma: float
    _asked: dict[bytes, Floats] = field(default_factory=dict)

    def given(self, v: Floats, index: Indices) -> Floats:
        """The gradient given at v, of some entries."""
        key = v.tobytes()
        if key not in self._asked:
            try:
                self._asked[key] = self.gradient(v)
            except Exception as error:  # a function of somebody's own may fail in any way at a theta of ours
                raise LookupError(str(error)) from error
        return _finite(self._asked[key][index])

    def numerical(self, v: Floats, index: Indices) -> Floats:
        """The derivatives of J at v by some entries."""
        try:
            size = np.maximum(np.abs(v), 0.3)
            value, _, _ = differences.partials(self.J, v, index.reshape(-1), size, self.sigma)
        except Exception as error:
            raise LookupError(str(error)) from error
        return _finite(value[index])

    def cost(self, v: Floats) -> float:
        """J at v, which need not be finite."""
        try:
            return self.J(v)
        except Exception as error:
            raise LookupError(str(error)) from error

    def flat(self, l: int, c: float) -> Floats:
        """theta with W[l] = 0 and b[l] = c."""
        v = self.v.copy()
        v[self.layout.W[l]] = 0.0
        v[self.layout.b[l]] = c
        return v


def _finite(V: Floats) -> Floats:
    if not np.isfinite(V).all():
        raise LookupError("not finite")
    return V


def from_probes(c: Comparison, probe: Probe) -> Fault | None:
    """The first mistake that shows at other theta."""
    L = c.layout.L
    if L == 0 or not c.wrong_parts:
        return None
    top = max(p.layer for p in c.wrong_parts)
    hidden = (_transposed, _hidden, _hidden_at_0) if top else (_transposed,)  # in front of layer 1 is no slope
    rules = (_output, _output_without_biases) if top == L else hidden
    for rule in rules:
        try:
            found = next(rule(c, probe, top), None)
        except LookupError:
            continue
        if found is not None:
            return found
    return None


def _close(found: Any, expected: Any) -> bool:
    found, expected = np.broadcast_arrays(np.asarray(found), np.asarray(expected))
    return bool(np.all(np.abs(found - expected) <= LOOSE * np.maximum(np.abs(expected), 1e-3 * np.abs(expected).max())))


def _output(c: Comparison, probe: Probe, L: int) -> Iterator[Fault]:
    """At z[L] = c: what db[L] is in terms of the right one."""
    if L not in c.layout.b:
        return
    b = c.layout.b[L][:UNITS]
    at = [probe.flat(L, z) for z in C]
    a = np.array([probe.given(v, b) for v in at])
    n = np.array([probe.numerical(v, b) for v in at])
    yield from _of_the_output(c, a, n, np.array(C)[:, None])
    J_0 = probe.cost(probe.flat(L, 0.0))
    s = _sigmoid(np.array(C))[:, None]
    k = (a - n) / s
    if np.all(np.abs(k) > 1e-9) and _close(k, k[:1]):
        linear = np.all(np.abs(n - n[:1]) <= LOOSE * np.abs(a).max())
        whole = abs(J_0 + k[0].sum()) < LOOSE * abs(J_0)
        yield fault("cost-bracket-misplaced" if linear and (whole or k.shape[1] > UNITS) else "sum-bracket-lost")


def _output_without_biases(c: Comparison, probe: Probe, L: int) -> Iterator[Fault]:
    """Without biases z[L] is the same for all examples where W[L-1] = 0; g(0) is taken to be the sigmoid's."""
    if c.layout.b or L < 2:
        return
    W = c.layout.W[L][:UNITS]
    at = []
    for z in C:
        v = probe.v.copy()
        v[c.layout.W[L - 1]] = 0.0
        v[c.layout.W[L]] = 2.0 * z / W.shape[1]
        at.append(v)
    a = np.array([probe.given(v, W).sum(axis=1) for v in at])
    n = np.array([probe.numerical(v, W).sum(axis=1) for v in at])
    yield from _of_the_output(c, a, n, np.array(C)[:, None])


def _of_the_output(c: Comparison, a: Floats, n: Floats, z: Floats) -> Iterator[Fault]:
    s = _sigmoid(z)
    if not n.all():
        return
    r = a / n
    named = {
        "sigmoid-slope-twice": s * (1.0 - s),
        "delta-of-another-cost": 1.0 / (s * (1.0 - s)),
        "g-for-g-prime-at-the-output": 1.0 / (1.0 - s),
        "sign-lost": -1.0,
        "factor-2": 2.0,
        "factor-1/2": 0.5,
    }
    for name, expected in named.items():
        if _close(r, expected):
            yield fault(name)
    if _close(r, s):
        yield fault("g-for-g-prime-at-the-output", "the link itself beside its slope")
    if _close(r, r[:1, :1]):
        ratio = float(r[0, 0])
        if c.counts_m(ratio):
            yield fault("missing-1/m", f"ratio {ratio:.6g}, but for the penalty")
        elif c.counts_m(1.0 / ratio):
            yield fault("1/m-twice", f"ratio 1/{1.0 / ratio:.6g}, but for the penalty")
    k = (a - n) / (z - s)
    if np.all(k > 0.0) and _close(k, k[:1]):
        yield fault("z-for-a")


def _transposed(c: Comparison, probe: Probe, l: int) -> Iterator[Fault]:
    """With a symmetric W[l+1] it does not matter whether it is transposed."""
    W = c.layout.W[l + 1]
    if W.shape[0] != W.shape[1] or W.shape[0] < 2:
        return
    v = probe.v.copy()
    v[W] = (v[W] + v[W].T) / 2.0
    i = np.concatenate([p.index.reshape(-1)[:UNITS] for p in c.layout.of_layer(l)])
    a, n = probe.given(v, i), probe.numerical(v, i)
    if np.linalg.norm(a - n) <= LOOSE * np.linalg.norm(n) and not np.array_equal(v, probe.v):
        yield fault("transpose-lost", f"W[{l + 1}]")


@dataclass(frozen=True, eq=False)
class Slopes:
    """What layer l does at z = c, one row for each c and one column for each unit.

    used, right   the slope in the gradient given, and in J's own
    g             the activation itself, where J has no penalty on W[l+1]
    back          (W[l+1]^T db[l+1]), and ``length``, |db[l+1]|^2
    """

    c: Floats
    used: Floats
    right: Floats
    g: Floats
    back: Floats
    length: Floats


def _hidden(c: Comparison, probe: Probe, l: int) -> Iterator[Fault]:
    """At z[l] = c: which slope the gradient uses."""
    s = _slopes(c, probe, l)
    if s is None:
        return
    where = f"layer {l}: at z = {s.c[0, 0]:g} it is {s.used[0, 0]:.4g}, and g' is {s.right[0, 0]:.4g}"
    g = _named_g(s)
    if not _close(s.used, s.used[:, :1]):  # each unit its own: not the slope
        alpha = (s.right - s.used) * s.back / np.where(s.right * s.length * g == 0.0, np.nan, s.right * s.length * g)
        some = np.isfinite(alpha)
        if some.any() and np.all(alpha[some] > 0.0) and np.ptp(alpha[some]) <= 1e-3 * alpha[some].max():
            yield fault("W-updated-before-it-is-used", f"layer {l}, alpha = {np.median(alpha[some]):.4g}")
        return
    if _close(s.used, s.right):
        return
    relu = _close(s.right, np.where(s.c > 0.0, 1.0, 0.0) * np.ones_like(s.right))
    sigma = _sigmoid(s.c)
    named: dict[str, list[Any]] = {
        "g-for-g-prime": [g],
        "relu-slope-is-dA" if relu else "slope-left-out": [np.ones_like(g)],
        "sign-lost-in-hidden": [-s.right],
        "hidden-slope-twice": [s.right**2],
        "slope-at-z": [s.c * (1.0 - s.c), 1.0 - s.c**2],
        "slope-of-another-activation": [sigma * (1.0 - sigma), 1.0 - np.tanh(s.c) ** 2, np.where(s.c > 0.0, 1.0, 0.0)],
    }
    for name, slopes in named.items():
        if any(_close(s.used, slope) for slope in slopes):
            yield fault(name, where)
    kept = np.abs(s.right) > 1e-6
    r = s.used[kept] / s.right[kept]
    if r.size > 1 and np.ptp(r) <= LOOSE * abs(r[0]):
        yield fault("factor-in-hidden", f"layer {l}, ratio {r[0]:.6g}")


def _slopes(c: Comparison, probe: Probe, l: int) -> Slopes | None:
    if not {l, l + 1} <= set(c.layout.b):
        return None
    W, b, b_next = c.layout.W[l + 1][:, :UNITS], c.layout.b[l][:UNITS], c.layout.b[l + 1]
    rows: list[list[Any]] = []
    for z in C:
        v = probe.flat(l, z)
        db = probe.given(v, b_next)
        back = v[W].T @ db
        if np.abs(back).min() <= 1e-6 * max(1e-6, np.abs(back).max()):
            continue
        size = float(db @ db)
        dW = db @ probe.numerical(v, W) / size if size else np.zeros(len(b))
        rows.append([np.full(len(b), z), probe.given(v, b) / back, probe.numerical(v, b) / back, dW, back,
                     np.full(len(b), size)])  # fmt: skip
    return Slopes(*np.array(rows).transpose(1, 0, 2)) if len(rows) > 1 else None


def _named_g(s: Slopes) -> Floats:
    """g at c: that of the row whose slope is J's own; else as J shows it."""
    for name in ACTIVATIONS:
        row = _row(ACTIVATIONS, name)
        A = row.g(s.c)
        if _close(s.right, row.slope(s.c, A)):
            return A
    return s.g


def _row(table: Table[Any], name: str) -> Any:
    return table.make(name, np)


def _hidden_at_0(c: Comparison, probe: Probe, l: int) -> Iterator[Fault]:
    """Where there are no biases z[l] can be 0 alone."""
    if l in c.layout.b:
        return
    W = c.layout.W[l]
    v = probe.v.copy()
    v[W] = 0.0
    a, n = probe.given(v, W), probe.numerical(v, W)
    if len(W) > 1 and _close(a, np.broadcast_to(n.sum(axis=0), a.shape)):
        yield fault("product-by-entries", f"layer {l}")
    r = a / np.where(n == 0.0, np.nan, n)
    if not np.isfinite(r).all() or not _close(r, r[:1, :1]):
        return
    at_0 = {2.0: "g-for-g-prime", 4.0: "slope-left-out", 0.25: "hidden-slope-twice", -1.0: "sign-lost-in-hidden"}
    name = next((name for ratio, name in at_0.items() if abs(r[0, 0] - ratio) < LOOSE * abs(ratio)), None)
    if name is not None:
        yield fault(name, f"layer {l}, at z = 0")


def refined(found: Fault, c: Comparison, probe: Probe) -> Fault:
    """A fault of lambda once more: where W[L] = 0, J depends on W[1] by its penalty alone."""
    if not found.name.startswith("lambda-") or found.name == "lambda-on-bias" or c.layout.L < 2:
        return found
    v = probe.v.copy()
    v[c.layout.W[c.layout.L]] = 0.0
    i = c.layout.W[1].reshape(-1)[: 4 * UNITS]
    if not v[i].any():
        return found
    try:
        given, own = (float(V @ v[i] / (v[i] @ v[i])) for V in (probe.given(v, i), probe.numerical(v, i)))
    except LookupError:
        return found
    name = lambda_by_probe(given, own, c.m)
    return fault(name, f"{places(c.wrong_parts)}: {given:.6g} W in the gradient, {own:.6g} W in J's own")


def remarks(layout: Structure, probe: Probe, custom_functions: bool) -> Iterator[Fault]:
    """What is wrong though the gradient may be right: symmetric or vanishing weights, targets all alike, log 0."""
    L, v = layout.L, probe.v
    if L > 1:
        hidden = [np.concatenate([v[layout.W[l]], v[layout.W[l + 1]].T], axis=1) for l in range(1, L)]
        if any(len(units) > 1 and np.all(units == units[0]) for units in hidden):
            yield fault("zeros-for-weights")
        sizes = [float(np.sqrt(np.mean(v[layout.W[l]] ** 2) * layout.W[l].shape[1])) for l in range(1, L + 1)]
        if L > 2 and 0.0 < max(sizes) < 0.1:
            yield fault("small-weights")
    if custom_functions and L in layout.b:
        try:
            yield from _of_saturated_outputs(layout, probe)
        except LookupError:
            return


def _of_saturated_outputs(layout: Structure, probe: Probe) -> Iterator[Fault]:
    """What holds for a sigmoid with the cross-entropy: db[L] = a - mean of y at z = c."""
    L, b = layout.L, layout.b[layout.L][:UNITS]
    scale = probe.given(probe.flat(L, 10.0), b) - probe.given(probe.flat(L, -10.0), b)
    middle = probe.given(probe.flat(L, 0.0), b)
    share = 0.5 - middle / np.where(scale == 0.0, np.nan, scale / (2.0 * _sigmoid(10.0) - 1.0))
    right = [float(_sigmoid(c)) for c in C]
    shown = [0.5 + (probe.given(probe.flat(L, c), b) - middle) / scale * (2.0 * _sigmoid(10.0) - 1.0) for c in C]
    if not np.isfinite(share).all() or not all(_close(found, s) for found, s in zip(shown, right, strict=True)):
        return
    if len(layout.b[L]) == 1 and min(abs(share[0]), abs(share[0] - 1.0)) < 1e-9:
        yield fault("first-target-for-all")
    for far in (40.0, 800.0):
        for c in (far, -far):
            try:
                probe.given(probe.flat(L, c), b)
            except LookupError:
                yield fault("overflowing-sigmoid", f"b[{L}] = {c:g}")
                return
            if not np.isfinite(probe.cost(probe.flat(L, c))):
                yield fault("log-of-0", f"b[{L}] = {c:g}")
                return
