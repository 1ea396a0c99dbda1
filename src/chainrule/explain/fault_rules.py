"""Which mistake it is, from numbers alone: what the gradient given is, in terms of the one it should be."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from chainrule.explain.faults import Fault, fault
from chainrule.explain.structure import Floats, Indices, NamedPart, Structure
from chainrule.layout import BIAS, WEIGHT

LOOSE = 1e-4  # what is off by less than this share of itself is the same number, when a mistake is looked for


@dataclass(frozen=True, eq=False)
class Comparison:
    """Two gradients of one cost, entry by entry.

    v, a, n    theta, the gradient given, and the numerical one, (size,)
    error      how far n may be off; ``checked`` says which entries of n there are
    relative   the share of a gradient that rounding may cost
    floor      what rounding may cost in any entry
    m          the number of examples, where it is known
    lambd      lambda, where it is known
    """

    layout: Structure
    v: Floats
    a: Floats
    n: Floats
    error: Floats
    checked: NDArray[np.bool_]
    relative: float
    floor: float
    m: int | None = None
    lambd: float | None = None

    def distance(self, index: Indices) -> float:
        """How far the two are apart on some entries, in shares of the larger one; at most ``relative`` where right."""
        i = index[self.checked[index]]
        if i.size == 0:
            return 0.0
        noise = 10.0 * float(np.linalg.norm(self.error[i])) + self.floor * np.sqrt(i.size)
        a, n, apart = (float(np.linalg.norm(V[i])) for V in (self.a, self.n, self.a - self.n))
        return apart / max(a, n, noise / self.relative)

    def wrong(self, index: Indices) -> bool:
        """Whether they differ by more than rounding can."""
        return self.distance(index) > self.relative

    def is_(self, index: Indices, expected: Floats) -> bool:
        """Whether the gradient given is this on the entries (``expected`` shaped like index), and not nothing."""
        here = self.checked[index]
        i, p = index[here], expected[here]
        noise = 30.0 * float(np.linalg.norm(self.error[i])) + self.floor * np.sqrt(i.size)
        size = float(np.linalg.norm(p))
        return i.size > 0 and size > 10.0 * noise and float(np.linalg.norm(self.a[i] - p)) <= LOOSE * size + noise

    def zero(self, index: Indices) -> bool:
        """Whether the gradient given is 0 there, though the numerical one is not."""
        return bool(np.all(self.a[index] == 0.0)) and self.wrong(index)

    def ratio(self, index: Indices) -> float | None:
        """a / n where that is one number for all the entries."""
        i = index[self.checked[index]]
        n = self.n[i]
        if i.size == 0 or not n.any():
            return None
        r = float(self.a[i] @ n) / float(n @ n)
        return r if r != 0.0 and self.is_(index, r * self.n[index]) else None

    def multiple(self, index: Indices, of: Floats) -> float | None:
        """k where a - n = k of on these entries, at least two that count; None where there is no such k."""
        i = index[self.checked[index]]
        V = of[i]
        if np.count_nonzero(V) < 2:
            return None
        d = self.a[i] - self.n[i]
        k = float(d @ V) / float(V @ V)
        noise = 30.0 * float(np.linalg.norm(self.error[i])) + self.floor * np.sqrt(i.size)
        return k if float(np.linalg.norm(d - k * V)) <= 1e-3 * float(np.linalg.norm(d)) + noise else None

    @cached_property
    def everything(self) -> Indices:
        """All entries."""
        return np.arange(self.layout.size)

    @cached_property
    def wrong_parts(self) -> list[NamedPart]:
        """The parts that are wrong, in order."""
        return [p for p in self.layout.parts if self.wrong(p.index)]

    def counts_m(self, r: float) -> bool:
        """Whether r may be the number of examples."""
        if self.m is not None:
            return abs(r - self.m) <= 1e-3 * self.m
        return r > 2.5 and abs(r - round(r)) <= 1e-3


def places(parts: Sequence[NamedPart]) -> str:
    """Their names."""
    return ", ".join(p.name for p in parts)


def from_numbers(c: Comparison) -> Fault | None:
    """The first mistake that the numbers show."""
    return next((found for rule in RULES for found in rule(c)), None)


def _one_factor(c: Comparison) -> Iterator[Fault]:
    if not c.a.any():
        yield fault("gradient-zero")
    r = c.ratio(c.everything)
    if r is None:
        return
    if abs(r + 1.0) < LOOSE:
        yield fault("sign-lost")
    elif c.counts_m(r):
        yield fault("missing-1/m", f"ratio {r:.6g}")
    elif c.counts_m(1.0 / r):
        yield fault("1/m-twice", f"ratio 1/{1.0 / r:.6g}")
    elif abs(r - 2.0) < LOOSE:
        yield fault("factor-2")
    elif abs(r - 0.5) < LOOSE:
        yield fault("factor-1/2")
    else:
        yield fault("constant-factor", f"ratio {r:.6g}")


def _one_kind(c: Comparison) -> Iterator[Fault]:
    """The weights are right and the biases wrong, or the other way round."""
    roles = {p.role for p in c.wrong_parts}
    others = {WEIGHT, BIAS} - roles
    if len(roles) != 1 or len(others) != 1 or not any(p.role in others for p in c.layout.parts):
        return
    role, where = roles.pop(), places(c.wrong_parts)
    k = _penalty(c, c.wrong_parts)
    if k is not None:
        yield fault("lambda-on-bias", where) if role == BIAS else _lambda(c, k, where)
    if role == WEIGHT and (k := _penalty(c, c.wrong_parts, np.sign(c.v))) is not None:
        yield fault("l1-wrong", where)
    V = "dW" if role == WEIGHT else "db"
    ratios = [c.ratio(p.index) for p in c.wrong_parts]
    if all(c.zero(p.index) for p in c.wrong_parts):
        yield fault(f"{V}-zero", where)
    elif all(r is not None and abs(r - (ratios[0] or 0.0)) <= LOOSE * abs(r) for r in ratios):
        r = ratios[0] or 0.0
        if abs(r + 1.0) < LOOSE:
            yield fault(f"sign-lost-in-{V}", where)
        elif c.counts_m(r) or (abs(r - 2.0) < LOOSE and c.m == 2):
            yield fault(f"missing-1/m-in-{V}", f"{where}, ratio {r:.6g}")
        elif c.counts_m(1.0 / r):
            yield fault(f"1/m-twice-in-{V}", f"{where}, ratio 1/{1.0 / r:.6g}")
        elif role == WEIGHT or not all(_summed(c, p) for p in c.wrong_parts):
            yield fault(f"factor-in-{V}", f"{where}, ratio {r:.6g}")
    if role == BIAS and all(_summed(c, p) for p in c.wrong_parts):
        yield fault("db-summed-over-units", where)


def _summed(c: Comparison, p: NamedPart) -> bool:
    """Whether all of db is one number, the sum over the units or a part of it that is theirs alike."""
    a, n = c.a[p.index].reshape(-1), c.n[p.index].reshape(-1)
    if len(a) < 2 or np.ptp(a) > LOOSE * abs(a[0]):
        return False
    return any(c.is_(p.index, np.full(p.index.shape, n.sum() * k)) for k in (1.0, 1.0 / len(n), c.m or 1.0))


def _penalty(c: Comparison, parts: Sequence[NamedPart], of: Floats | None = None) -> float | None:
    """The one k with a - n = k theta on these parts."""
    index = np.concatenate([p.index.reshape(-1) for p in parts])
    return c.multiple(index, c.v if of is None else of) if index.size > 2 else None


def _lambda(c: Comparison, k: float, where: str) -> Fault:
    """By the sign of what is too much, and by lambda where it is known; measured better where J can be asked."""
    if c.lambd and c.m:
        share, r = c.lambd / c.m, k / (c.lambd / c.m)
        if abs(r + 2.0) < 0.01:
            return fault("lambda-wrong-sign", where)
        if c.m > 2 and abs(k - (c.lambd - share)) < 0.01 * c.lambd:
            return fault("lambda-not-divided-by-m", where)
    return fault("lambda-not-in-gradient" if k < 0.0 else "lambda-not-in-cost", f"{where}, by {abs(k):.6g} W")


def lambda_by_probe(gradient: float, cost: float, m: int | None) -> str:
    """The name, from how much of W there is in the gradient given, and how much in that of J."""
    if abs(gradient) < 1e-6 * abs(cost):
        return "lambda-not-in-gradient"
    if abs(cost) < 1e-6 * abs(gradient):
        return "lambda-not-in-cost"
    r = gradient / cost
    if abs(r + 1.0) < 1e-3:
        return "lambda-wrong-sign"
    if m != 2 and (abs(r - 2.0) < 1e-3 or abs(r - 0.5) < 1e-3):
        return "lambda-factor-2"
    for name, share in (("lambda-not-divided-by-m", r), ("lambda-divided-by-m-again", 1.0 / r)):
        whole = share > 1.5 and abs(share - round(share)) < 1e-3
        if whole if m is None else abs(share - m) < 1e-3 * m:
            return name
    return "lambda-wrong"


def _all_that_is_penalised(c: Comparison) -> Iterator[Fault]:
    """Where weights and biases are wrong alike, or where they cannot be told apart."""
    if (k := _penalty(c, c.wrong_parts)) is not None:
        name = "lambda-not-in-gradient" if k < 0.0 else "lambda-not-in-cost"
        yield fault(name, f"{places(c.wrong_parts)}, by {abs(k):.6g} of them")


def _by_layer(c: Comparison) -> Iterator[Fault]:
    """Each layer off by a number of its own."""
    L = c.layout.L
    if L < 2 or any(c.wrong(p.index) for p in c.layout.of_layer(L)):
        return
    ratios = [c.ratio(np.concatenate([p.index.reshape(-1) for p in c.layout.of_layer(l)])) for l in range(1, L)]
    if any(r is None for r in ratios):
        return
    q = ratios[-1] or 0.0
    powers = all(abs((r or 0.0) - q ** (L - l)) <= LOOSE * abs(r or 0.0) for l, r in enumerate(ratios, start=1))
    if powers and q > 0.0 and c.counts_m(1.0 / q):
        yield fault("1/m-in-every-layer", f"ratio 1/{1.0 / q:.6g}")
    elif all(abs((r or 0.0) + 1.0) < LOOSE for r in ratios):
        yield fault("sign-lost-in-hidden", places(c.wrong_parts))


def _places(c: Comparison) -> Iterator[Fault]:
    """Right numbers in wrong places."""
    wrong = c.wrong_parts
    square = [p for p in wrong if p.index.ndim == 2 and min(p.index.shape) > 1]
    transposed = all(p.index.shape[0] == p.index.shape[1] and c.is_(p.index, c.n[p.index].T) for p in square)
    if square == wrong and transposed:
        yield fault("transposed", places(square))
    if len(wrong) > 1 and all(
        any(q is not p and q.index.shape == p.index.shape and c.is_(p.index, c.n[q.index]) for q in wrong)
        for p in wrong
    ):
        yield fault("layers-swapped", places(wrong))
    if all(c.zero(p.index) for p in wrong):
        yield fault("layer-zero", places(wrong))
    if all(c.is_(p.index, np.abs(c.n[p.index])) for p in wrong):
        yield fault("absolute-value", places(wrong))


def _one_example(c: Comparison) -> Iterator[Fault]:
    """Every [db dW] is one delta times one a^T."""
    L = c.layout.L
    if L == 0 or len(c.layout.b) < L or c.layout.W[L].shape[0] < 2:  # with one output any example would do
        return
    by_layer = [np.concatenate([c.layout.b[l][:, None], c.layout.W[l]], axis=1) for l in range(1, L + 1)]
    if all(_rank_1(c.a[i]) and not _rank_1(c.n[i]) and c.checked[i].all() for i in by_layer):
        yield fault("accumulator-overwritten")


def _rank_1(V: Floats) -> bool:
    s = np.linalg.svd(V, compute_uv=False)
    return min(V.shape) > 1 and s[0] > 0.0 and s[1] < 1e-6 * s[0]


RULES: tuple[Callable[[Comparison], Iterator[Fault]], ...] = (
    _one_factor,
    _one_kind,
    _all_that_is_penalised,
    _by_layer,
    _places,
    _one_example,
)


def what_is_left(c: Comparison) -> Fault:
    """No mistake was recognised: where it begins, seen from the last layer."""
    wrong, L = c.wrong_parts, c.layout.L
    layers = sorted({p.layer for p in wrong if p.layer > 0})
    roles = {p.role for p in wrong}
    if L == 0 or None in roles:
        return fault("gradient-wrong", places(wrong))
    if not layers:
        return fault("input-layer-wrong", places(wrong))
    if len(roles) == 1 and len(c.layout.b) == L:
        return fault("db-wrong" if roles == {BIAS} else "dW-wrong", places(wrong))
    top = layers[-1]
    if top == L:
        return fault("output-wrong", places(wrong)) if len(layers) == L else fault("layer-wrong", places(wrong))
    return fault("chain-breaks" if len(layers) == top else "layer-wrong", f"at layer {top}; {places(wrong)}")
