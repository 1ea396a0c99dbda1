"""What can be wrong with a gradient: short names, and a sentence each on what it is, how it shows and what to do."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Fault:
    """A mistake that has been recognised: its name, what is wrong, how it shows, what to do, and where it was seen."""

    name: str
    what: str
    shows: str
    advice: str
    where: str = ""

    def __str__(self) -> str:
        where = f" ({self.where})" if self.where else ""
        return f"{self.name}{where}: {self.what} {self.shows} {self.advice}".rstrip()


_M = "Count 1/m once: in dW and db and not in dZ, or in dZ[L] alone."
_CHAIN = "dZ[l] = W[l+1]^T dZ[l+1] * g'(Z[l])."
_LAMBDA = "J has lambda/(2m) sum of W^2, so dW has lambda/m W, and db nothing."
_BRACKET = "J = -1/m sum [y log a + (1 - y) log(1 - a)]: the bracket encloses both terms."
_HIDDEN = "The last layer is right and those before it are wrong."

FAULTS: dict[str, tuple[str, str, str]] = {
    # of the whole gradient
    "sign-lost": ("A sign is lost.", "It is the right one times -1.", "Look for Y - A where A - Y is meant."),
    "missing-1/m": ("1/m is missing.", "It is m times too large.", _M),
    "1/m-twice": ("1/m is counted twice.", "It is m times too small.", _M),
    "1/m-in-every-layer": (
        "1/m is counted again in each layer, in dZ or dA.", "Layer l is 1/m^(L-l) of the right one.", _M),
    "factor-2": (
        "It is twice the right one.", "The ratio is 2 everywhere.", "Is the half of 1/2 (a - y)^2 in J, or in dZ?"),
    "factor-1/2": (
        "It is half the right one.", "The ratio is 1/2 everywhere.", "Is the half of 1/2 (a - y)^2 counted twice?"),
    "constant-factor": (
        "It is the right one times a number.", "The ratio is the same everywhere.",
        "Is it m, the number of outputs, or a factor that J has and dJ has not? Give m= for a better guess."),
    "gradient-zero": (
        "It is 0 everywhere.", "J changes with theta.", "Is it added to what it began with?"),
    "accumulator-overwritten": (
        "The gradient of one example alone is kept: Delta := delta a^T for Delta := Delta + delta a^T.",
        "Every dW is of rank 1: one delta times one a^T.", "Add over the examples, or multiply matrices."),
    # of shapes
    "sum-over-examples-missing": (
        "One column for each example is left where their sum is meant.", "The gradient has m columns.",
        "db = np.sum(dZ, axis=1, keepdims=True) / m; dW = dZ A_prev^T / m is a product of matrices."),
    "transposed": (
        "A gradient is transposed.", "Right numbers are in wrong places.", "dW = dZ A_prev^T has W's shape."),
    "rank-1-array": (
        "A gradient has lost a dimension.", "Its numbers are right, and (n,) is broadcast where (n, 1) is meant.",
        "np.sum(..., axis=1, keepdims=True)."),
    "bias-row-kept": (
        "The row of the bias unit is kept in delta(l), which has no delta there.",
        "delta(l) has s_l + 1 rows, and the shapes do not fit.", "delta(l) = Theta(l)[:, 1:]^T delta(l+1) * g'(z(l))."),
    "transpose-lost": (
        "A transpose is lost: W dZ where W^T dZ is meant.",
        "It cannot be multiplied, or with square layers all before the last are wrong.", _CHAIN),
    # of one kind of array
    "missing-1/m-in-db": ("1/m is missing in db.", "dW is right and db is m times too large.", _M),
    "missing-1/m-in-dW": ("1/m is missing in dW.", "db is right and dW is m times too large.", _M),
    "1/m-twice-in-db": ("1/m is counted twice in db.", "dW is right and db is m times too small.", _M),
    "1/m-twice-in-dW": ("1/m is counted twice in dW.", "db is right and dW is m times too small.", _M),
    "factor-in-db": ("db is the right one times a number.", "dW is right.", "db[l] = 1/m sum of dZ[l]."),
    "factor-in-dW": ("dW is the right one times a number.", "db is right.", "dW[l] = 1/m dZ[l] A[l-1]^T."),
    "sign-lost-in-db": ("db has the wrong sign.", "dW is right.", "db[l] = 1/m sum of dZ[l]."),
    "sign-lost-in-dW": ("dW has the wrong sign.", "db is right.", "dW[l] = 1/m dZ[l] A[l-1]^T."),
    "db-zero": ("db is 0.", "dW is right.", "db[l] = 1/m sum of dZ[l]; is it added to what it began with?"),
    "dW-zero": ("dW is 0.", "db is right.", "dW[l] = 1/m dZ[l] A[l-1]^T."),
    "db-summed-over-units": (
        "db is summed over the units too: one number for all of a layer.", "dW is right, and all of db[l] is equal.",
        "np.sum(dZ, axis=1, keepdims=True) / m."),
    "db-wrong": ("db is wrong.", "dW is right, so dZ is too.", "db[l] = 1/m sum over the examples of dZ[l]."),
    "dW-wrong": ("dW is wrong.", "db is right, so dZ is too.", "dW[l] = 1/m dZ[l] A[l-1]^T: is it the right A?"),
    "layer-zero": (
        "The gradient of a layer is 0.", "The layers after it are right.", "Does the loop run over all of 1..L?"),
    "layers-swapped": (
        "Gradients of layers of one shape have changed places.", "Each is right, for another array.",
        "Is the list filled from the last layer backwards, and not turned?"),
    "absolute-value": ("It is the absolute value of the right one.", "No entry is below 0.", "Signs matter here."),
    # of penalties
    "lambda-on-bias": (
        "The biases are penalised in the gradient, not in J.", "db is off by a multiple of b.", _LAMBDA),
    "lambda-not-in-gradient": ("J has a penalty and the gradient has not.", "dW is off by a multiple of W.", _LAMBDA),
    "lambda-not-in-cost": ("The gradient has a penalty and J has not.", "dW is off by a multiple of W.", _LAMBDA),
    "lambda-wrong-sign": (
        "The penalty is subtracted in the gradient and added in J.", "dW is off by a multiple of W.", _LAMBDA),
    "lambda-not-divided-by-m": (
        "The penalty's gradient lacks the 1/m that J has.", "dW is off by a multiple of W.", _LAMBDA),
    "lambda-divided-by-m-again": (
        "The penalty's gradient has a 1/m that J has not.", "dW is off by a multiple of W.", _LAMBDA),
    "lambda-factor-2": (
        "The penalty's gradient is twice or half of J's.", "dW is off by a multiple of W.", _LAMBDA),
    "lambda-wrong": ("The penalty's gradient is not that of J.", "dW is off by a multiple of W.", _LAMBDA),
    "l1-wrong": ("An l1 penalty differs in J and in the gradient.", "dW is off by a multiple of sign(W).",
                 "(strength |w|)' = strength sign(w)."),
    # of the output
    "g-for-g-prime-at-the-output": (
        "dZ[L] = dA[L] * g(Z[L]), where the derivative g' is meant.",
        "Every gradient is wrong, at the output by 1 / (1 - a).", "sigmoid' = a (1 - a)."),
    "sigmoid-slope-twice": (
        "The slope of the output's sigmoid is applied again to A[L] - Y, which contains it already.",
        "Every gradient is wrong, at the output by a (1 - a).", "With the cross-entropy dZ[L] = A[L] - Y."),
    "delta-of-another-cost": (
        "delta = a - y belongs to the cross-entropy, and J is another.",
        "Every gradient is wrong, at the output by 1 / (a (1 - a)).", "For 1/2 (a - y)^2 it is (a - y) a (1 - a)."),
    "z-for-a": ("z - y stands where a - y is meant.", "Every gradient is wrong, the more so for large z.",
                "dZ[L] = A[L] - Y."),
    "cost-bracket-misplaced": (
        "-[y log a + (1 - y log(1 - a))]: a bracket of the cost is closed too late.",
        "The cost is not the function whose gradient is taken: it is linear in z.", _BRACKET),
    "sum-bracket-lost": (
        "-sum y log a + sum (1 - y) log(1 - a): the minus covers the first term alone.",
        "The cost is not the function whose gradient is taken.", _BRACKET),
    "output-wrong": (
        "dZ[L] is wrong.", "The last layer is wrong, and with it all others.", "dZ[L] is dJ/dZ[L] of this very cost."),
    # of hidden layers
    "g-for-g-prime": ("dZ = dA * g(Z), where the derivative g'(Z) is meant.", _HIDDEN, _CHAIN),
    "relu-slope-is-dA": ("dZ = dA for relu: its slope is taken to be 1 where Z <= 0 too.", _HIDDEN, _CHAIN),
    "slope-left-out": ("dZ = dA: g'(Z) is left out.", _HIDDEN, _CHAIN),
    "hidden-slope-twice": ("g'(Z) is applied twice.", _HIDDEN, _CHAIN),
    "slope-at-z": ("The slope is taken at z where a is meant, such as z (1 - z).", _HIDDEN, "sigmoid' = a (1 - a)."),
    "slope-of-another-activation": ("The slope of another activation is used.", _HIDDEN, _CHAIN),
    "sign-lost-in-hidden": ("A sign is lost in dZ[l] of a hidden layer.", _HIDDEN, _CHAIN),
    "factor-in-hidden": ("dZ[l] is the right one times a number.", _HIDDEN, _CHAIN),
    "product-by-entries": (
        "Matrices are multiplied where single entries are, or the other way round.",
        _HIDDEN + " Each unit has the sum over all.", _CHAIN),
    "W-updated-before-it-is-used": (
        "W[l+1] is updated before dA[l] = W[l+1]^T dZ[l+1] is taken.", _HIDDEN, "Work out all gradients, then update."),
    "chain-breaks": ("The chain breaks on the way back.", _HIDDEN, _CHAIN),
    "input-layer-wrong": (
        "The gradient of an input layer is wrong.", "The layers after it are right.",
        "It comes from dA[0] = W[1]^T dZ[1], by the chain rule through e(X)."),
    "layer-wrong": ("One layer is wrong.", "Those before and after it are right.", "dW[l] = 1/m dZ[l] A[l-1]^T."),
    # of rows of one's own
    "wrong-slope": ("slope is not the derivative of g.", "", "Correct slope(Z, A), or name the kinks of g."),
    "wrong-dZ": ("dZ is not the derivative of value.", "", "Correct dZ(Z, Y)."),
    "wrong-penalty-slope": ("slope is not the derivative of value.", "", "Correct slope(w, S)."),
    # of updates
    "ascent": ("The gradient is added.", "J rises.", "theta := theta - alpha dtheta."),
    "bias-not-updated": ("W is updated and b is not.", "Every b stays as it began.", "b := b - alpha db."),
    "w1-alone-updated": (
        "The first entry alone is updated.", "All others stay.", "theta := theta - alpha dtheta, all of it."),
    "not-updated": ("Some arrays stay as they were.", "", "Every W[l] and b[l] is updated, l = 1..L."),
    "learning-rate-missing": ("The step lacks alpha.", "", "theta := theta - alpha dtheta."),
    "step-alone": ("It is the step alone.", "", "theta := theta - alpha dtheta: take the step from where theta is."),
    "update-wrong": ("It is not theta - alpha dtheta.", "", "Check it entry by entry."),
    "update-in-place": (
        "The new parameters are written into the arrays that came.", "The start is gone.", "Copy first."),
    # remarks: the gradient is right there
    "zeros-for-weights": (
        "All units of a hidden layer have the same weights.", "Their gradients are equal, and they stay equal.",
        "Begin with random weights."),
    "small-weights": (
        "The weights of every layer are very small.", "The gradient shrinks from layer to layer.",
        "randn * sqrt(2 / n[l-1])."),
    "first-target-for-all": (
        "Every example has the same target, as J and the gradient see it.",
        "They belong together, so no check can fail.",
        "If your targets differ, look for y(1) where y(i) is meant."),
    "log-of-0": (
        "J is not finite where an output is sure.", "log 0 is taken, though the gradient is finite.",
        "Work the loss out from z: log(1 + e^z) - z y."),
    "overflowing-sigmoid": (
        "The gradient is not finite for large z.", "e^z / (1 + e^z) is inf / inf above 709.",
        "e^min(z, 0) / (1 + e^-|z|)."),
    "gradient-wrong": ("The gradient is not that of J.", "No known mistake looks like this.", "See the entries above."),
}  # fmt: skip


def fault(name: str, where: str = "") -> Fault:
    """The fault of that name, seen somewhere."""
    return Fault(name, *FAULTS[name], where)
