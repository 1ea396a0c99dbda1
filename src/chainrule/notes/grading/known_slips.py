"""Known slips: what a part of a result would be under each mistake that people make, so that ``check`` can name it.

A slip is worked out from the inputs of a case and from the right result; where it gives what the learner's function
gave, in every case that failed, it is named. Mistakes of ``MISTAKES`` are tried too, and need no entry here. A mistake
of ``KNOWN_MISTAKES`` has its words there; what can go wrong in one function alone is said here.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.formulas.activations import ACTIVATIONS
from chainrule.known_mistakes import KNOWN_MISTAKES
from chainrule.notes.array_checks import Floats

__all__: list[str] = []

sigma, relu = ACTIVATIONS["sigmoid"](np), ACTIVATIONS["relu"](np)


@dataclass(frozen=True)
class Seen:
    """A case, as slips see it: its inputs by name, the right result part by part, and the part in question."""

    given: Mapping[str, Any]
    right: Mapping[str, Floats]
    part: str

    def __getitem__(self, name: str) -> Any:
        return self.given[name]

    @property
    def V(self) -> Floats:
        """The right value of the part."""
        return self.right[self.part]

    @property
    def m(self) -> int:
        """How many examples; LookupError where the inputs have none."""
        for name in ("Y", "X", "A", "A_prev", "dZ", "dA"):
            if name in self.given:
                return self.given[name].shape[1]
        raise LookupError("no examples")

    @property
    def linear(self) -> tuple[Floats, Floats, Floats]:
        """A_prev, W, b from the cache of a layer."""
        cache = self.given["cache"]
        return cache[0] if isinstance(cache[0], tuple) else cache

    def from_dZ(self, dZ: Floats) -> Floats:
        """What the part of linear_activation_backward would be with this dZ."""
        A_prev, W, _ = self.linear
        if self.part == "dA_prev":
            return W.T @ dZ
        return dZ @ A_prev.T / self.m if self.part == "dW" else np.sum(dZ, axis=1, keepdims=True) / self.m

    @property
    def s(self) -> Floats:
        """sigmoid(Z) of the cached Z."""
        return sigma.g(self.given["cache"])


@dataclass(frozen=True)
class Slip:
    """A mistake: ``form`` is what the part would be with it. It may fail, as the mistake itself does."""

    part: str  # a regular expression
    likely: str
    advice: str
    form: Callable[[Seen], Any]


def slips(function: str, part: str) -> Iterator[Slip]:
    """The function's own, then those that any function may have."""
    for slip in (*OWN.get(function, ()), *ANY):
        if re.fullmatch(slip.part, part):
            yield slip


def _known(mistake: str) -> tuple[str, str]:
    """What a known mistake is, and what to do."""
    text = KNOWN_MISTAKES[mistake]
    return text.what, text.advice


_TRANSPOSED_W = ("W.T is used where W is meant.", "W is (n[l], n[l-1]): Z = W A_prev + b takes W as it stands.")
_NO_BIAS = ("The bias b is missing.", "Z = W A + b: b is a column, and NumPy adds it to every column.")
_DB = KNOWN_MISTAKES["db-summed-over-units"].advice
_SLOPE_ALONE = ("It is g'(Z) alone: dA is missing.", "The chain rule multiplies: dZ = dA * g'(Z).")
_NO_MINUS = ("The minus in front is missing.", "J = -1/m sum [...]; a cost is never below 0.")
_COST = "J = -1/m sum [y log a + (1 - y) log(1 - a)]."


def _own_forward(A: str) -> tuple[Slip, ...]:
    return (
        Slip("Z", *_NO_BIAS, lambda s: s["W"] @ s[A]),
        Slip("Z", *_TRANSPOSED_W, lambda s: s["W"].T @ s[A] + s["b"]),
        Slip("Z", "b is subtracted.", "Z = W A + b.", lambda s: s["W"] @ s[A] - s["b"]),
        Slip("Z", "A and W are swapped.", "Z = W A + b: W stands on the left.", lambda s: s[A] @ s["W"] + s["b"]),
    )


def _of_activation(slip: Slip) -> Slip:
    """A slip of Z, as A shows it."""
    return Slip("A", slip.likely, slip.advice, lambda s: ACTIVATIONS.make(s["activation"], np).g(slip.form(s)))


def _other(s: Seen) -> str:
    return {"relu": "sigmoid", "sigmoid": "relu"}[s["activation"]]


def _cost(s: Seen, term: Callable[[Floats, Floats], Floats]) -> Floats:
    return np.asarray(-np.sum(term(s["AL"], s["Y"])) / s.m)


def _slope_of(s: Seen, activation: str) -> Floats:
    Z, row = s["cache"][1], ACTIVATIONS.make(activation, np)
    return row.slope(Z, row.g(Z))


def _one_sided(J: Callable[[Floats], float], vector: Floats, epsilon: float = 1e-4) -> Floats:
    return np.array([(J(vector + epsilon * e) - J(vector)) / epsilon for e in np.eye(vector.size)])


_FORWARD = _own_forward("A_prev")

OWN: dict[str, tuple[Slip, ...]] = {
    "linear_forward": (
        *_own_forward("A"),
        Slip("Z", "W and A are multiplied elementwise.", "np.dot(W, A) or W @ A.", lambda s: s["W"] * s["A"] + s["b"]),
    ),
    "sigmoid": (
        Slip("A", "The minus in the exponent is missing.", "1 / (1 + e^-Z).", lambda s: sigma.g(-s["Z"])),
        Slip("A", "It is the derivative s (1 - s), not the sigmoid.", "1 / (1 + e^-Z).",
             lambda s: sigma.slope(s["Z"], sigma.g(s["Z"]))),
        Slip("A", "It is tanh.", "The sigmoid goes from 0 to 1: 1 / (1 + e^-Z).", lambda s: np.tanh(s["Z"])),
        Slip("cache", "The cache holds A.", "It holds Z: sigmoid_backward takes Z from it.", lambda s: s.right["A"]),
    ),
    "relu": (
        Slip("A", "It is Z itself: nothing is cut off.", "np.maximum(0, Z).", lambda s: s["Z"]),
        Slip("A", "It is the absolute value.", "Below 0 relu is 0: np.maximum(0, Z).", lambda s: np.abs(s["Z"])),
        Slip("A", "It is the derivative 1[Z > 0], not relu.", "np.maximum(0, Z).", lambda s: (s["Z"] > 0.0) * 1.0),
        Slip("A", "The minimum is taken.", "np.maximum(0, Z).", lambda s: np.minimum(0.0, s["Z"])),
        Slip("A", "It is the leaky relu.", "np.maximum(0, Z).", lambda s: np.maximum(0.01 * s["Z"], s["Z"])),
        Slip("cache", "The cache holds A.", "It holds Z: relu_backward takes Z from it.", lambda s: s.right["A"]),
    ),
    "linear_activation_forward": (
        Slip("A", "It is Z: the activation is missing.", "A = g(Z).", lambda s: s["W"] @ s["A_prev"] + s["b"]),
        Slip("A", "The two activations are swapped.", "relu where activation == 'relu'.",
             lambda s: ACTIVATIONS.make(_other(s), np).g(s["W"] @ s["A_prev"] + s["b"])),
        *map(_of_activation, _FORWARD),
    ),
    "compute_cost": (
        Slip("", *_NO_MINUS, lambda s: -s.V),
        Slip("", "log(1 - a) counts for every example.", _COST,
             lambda s: _cost(s, lambda a, y: y * np.log(a) + np.log(1.0 - a))),
        Slip("", "The term (1 - y) log(1 - a) is missing.", _COST,
             lambda s: _cost(s, lambda a, y: y * np.log(a))),
        Slip("", *_known("sum-bracket-lost"),
             lambda s: _cost(s, lambda a, y: y * np.log(a) - (1.0 - y) * np.log(1.0 - a))),
        Slip("", "a and y are swapped.", _COST,
             lambda s: _cost(s, lambda a, y: (1.0 - y) * np.log(a) + y * np.log(1.0 - a))),
        Slip("", "The logarithm is to base 10.", "np.log is the natural one.", lambda s: s.V / np.log(10.0)),
        Slip("", "The logarithm is to base 2.", "np.log is the natural one.", lambda s: s.V / np.log(2.0)),
        Slip("", "It is half the squared error.", _COST,
             lambda s: np.sum((s["AL"] - s["Y"]) ** 2) / 2.0 / s.m),
        Slip("", "The cost is not a single number.", "float(...), or np.squeeze, turns [[17.]] into 17.",
             lambda s: s.V.reshape(1, 1)),
    ),
    "relu_backward": (
        Slip("", *_SLOPE_ALONE, lambda s: (s["cache"] > 0.0) * 1.0),
        Slip("", "dZ is 0 where dA is below 0.", "Z decides: dZ = dA where Z > 0, else 0.",
             lambda s: relu.g(s["dA"])),
        Slip("", "dZ is 0 where Z is above 0.", "dZ = dA where Z > 0, else 0.", lambda s: s["dA"] * (s["cache"] < 0.0)),
    ),
    "sigmoid_backward": (
        Slip("", *_SLOPE_ALONE, lambda s: s.s * (1.0 - s.s)),
        Slip("", *_known("slope-at-z"), lambda s: s["dA"] * s["cache"] * (1.0 - s["cache"])),
        Slip("", "The factor s is missing.", "sigmoid' = s (1 - s).", lambda s: s["dA"] * (1.0 - s.s)),
        Slip("", "The sigmoid is taken twice.", "The cache holds Z: s = sigmoid(Z), once.",
             lambda s: s["dA"] * sigma.slope(s.s, sigma.g(s.s))),
    ),
    "linear_activation_backward": (
        Slip("dA_prev|dW|db", *_known("g-for-g-prime"),
             lambda s: s.from_dZ(s["dA"] * ACTIVATIONS.make(s["activation"], np).g(s["cache"][1]))),
        Slip("dA_prev|dW|db", *_known("slope-left-out"),
             lambda s: s.from_dZ(s["dA"])),
        Slip("dA_prev|dW|db", "The two activations are swapped.", "relu_backward where activation == 'relu'.",
             lambda s: s.from_dZ(s["dA"] * _slope_of(s, _other(s)))),
    ),
    "linear_backward": (
        Slip("dA_prev", *_known("transpose-lost"), lambda s: s.linear[1] @ s["dZ"]),
        Slip("dA_prev", *_known("1/m-in-every-layer"), lambda s: s.V / s.m),
        Slip("dW", "A_prev and dZ are swapped.", "dW = 1/m dZ A_prev^T, shaped like W.",
             lambda s: s.linear[0] @ s["dZ"].T / s.m),
        Slip("dW", "dZ is transposed.", "dW = 1/m dZ A_prev^T.", lambda s: s["dZ"].T @ s.linear[0].T / s.m),
        Slip("dW", "A_prev is not transposed.", "dW = 1/m dZ A_prev^T.", lambda s: s["dZ"] @ s.linear[0] / s.m),
        Slip("db", "The sum is over the units, not over the examples.", "np.sum(dZ, axis=1, keepdims=True) / m.",
             lambda s: np.sum(s["dZ"], axis=0, keepdims=True) / s.m),
    ),
    "L_model_forward": (
        Slip("AL", "The last layer has relu.", "Layers 1 to L - 1 have relu, layer L the sigmoid.",
             lambda s: relu.g(np.log(s.V / (1.0 - s.V)))),
    ),
    "update_parameters": (
        Slip(".*", *_known("ascent"),
             lambda s: 2.0 * s["parameters"][s.part] - s.V),
        Slip(".*", *_known("not-updated"), lambda s: s["parameters"][s.part]),
        Slip(".*", *_known("learning-rate-missing"),
             lambda s: s["parameters"][s.part] - s["grads"][f"d{s.part}"]),
        Slip(".*", *_known("step-alone"),
             lambda s: s["learning_rate"] * s["grads"][f"d{s.part}"]),
    ),
    "logistic_vectorized": (
        Slip("J", *_NO_MINUS, lambda s: -s.V),
    ),
    "numerical_gradient": (
        Slip("", "The difference is divided by epsilon, not by 2 epsilon.", "From -epsilon to +epsilon: 2 epsilon.",
             lambda s: 2.0 * s.V),
        Slip("", "It is a one-sided difference: J(v + epsilon) - J(v).",
             "Take it from both sides: (J(v + epsilon) - J(v - epsilon)) / (2 epsilon) is far more exact.",
             lambda s: _one_sided(s["J"], s["vector"])),
    ),
}  # fmt: skip

# Order matters: a lost sign, the power of m, a shape; each may hide in any part.
ANY: tuple[Slip, ...] = (
    Slip(".*", *_known("rank-1-array"), lambda s: s.V.reshape(-1)),
    Slip(".*", *_known("transposed"), lambda s: s.V.T),
    Slip(".*", *_known("sign-lost"), lambda s: -s.V),
    Slip("d(W|w|b).*|J|", *_known("missing-1/m"), lambda s: s.V * s.m),
    Slip("d(W|w|b).*|J|", *_known("1/m-twice"), lambda s: s.V / s.m),
    Slip("d(W|b).*", "It is the mean over all entries, units too.",
         "Divide by m, the number of examples (columns), not by the number of entries of dZ.",
         lambda s: s.V / s.V.shape[0]),
    Slip("db.*", *_known("db-summed-over-units"), lambda s: np.sum(s.V)),
    Slip("db.*", "It is summed over the units too, without 1/m.", _DB, lambda s: np.sum(s.V) * s.m),
    Slip("db.*", "It is the mean over all entries: one number for all units.", _DB, lambda s: np.mean(s.V)),
    Slip(".*", *_known("absolute-value"), lambda s: np.abs(s.V)),
    Slip(".*", *_known("gradient-zero"), lambda s: 0.0 * s.V),
)  # fmt: skip
