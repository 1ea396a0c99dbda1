"""The mistakes that people make in hand-written backpropagation: by name, what each is, how it shows and what helps.

``explain.check_gradients`` recognises most of them in numbers, ``notes.mistake`` switches some of them on, and
``notes.check`` and the errata refer to them, by these names and in these words.
"""

from typing import NamedTuple


class MistakeText(NamedTuple):
    """A mistake in words.

    what       what is wrong
    shows      how the gradient, or the cost, shows it
    advice     what to do
    training   what it does to training
    """

    what: str
    shows: str
    advice: str
    training: str = ""


_M = "J is a mean over the examples: count 1/m once, in dW and db and not in dZ, or in dZ[L] alone."
_CHAIN = "dZ[l] = W[l+1]^T dZ[l+1] * g'(Z[l])."
_DW = "dW[l] = 1/m dZ[l] A[l-1]^T."
_DB = "db[l] = 1/m np.sum(dZ[l], axis=1, keepdims=True)."
_UPDATE = "theta := theta - alpha dtheta."
_LAMBDA = "J has lambda/(2m) sum of W^2, so dW has lambda/m W, and db nothing."
_BRACKET = "J = -1/m sum [y log a + (1 - y) log(1 - a)]: the bracket encloses both terms."
_HIDDEN = "The last layer is right and those before it are wrong."
_OFF_BY_W = "dW is off by a multiple of W."

KNOWN_MISTAKES: dict[str, MistakeText] = {name: MistakeText(*row) for name, row in {
    # of the whole gradient
    "sign-lost": (
        "A sign is lost.", "The gradient is the right one times -1.", "Look for Y - A where A - Y is meant.",
        "The cost rises from the first step on."),
    "missing-1/m": (
        "1/m is missing.", "The gradient is m times too large.", _M,
        "The cost explodes or is stuck at a plateau, unless the learning rate is m times smaller."),
    "1/m-twice": (
        "1/m is counted twice.", "The gradient is m times too small.", _M, "The cost falls, m times too slowly."),
    "1/m-in-every-layer": (
        "1/m is counted again in each layer, in dZ or dA.", "Layer l is 1/m^(L-l) of the right one.", _M),
    "factor-2": (
        "The gradient is twice the right one.", "The ratio is 2 everywhere.",
        "Is the half of 1/2 (a - y)^2 in J, or in dZ?"),
    "factor-1/2": (
        "The gradient is half the right one.", "The ratio is 1/2 everywhere.",
        "Is the half of 1/2 (a - y)^2 counted twice?"),
    "constant-factor": (
        "The gradient is the right one times a number.", "The ratio is the same everywhere.",
        "Is it m, the number of outputs, or a factor that J has and dJ has not? Give m= for a better guess."),
    "gradient-zero": (
        "It is 0 everywhere.", "J changes with theta.", "Is anything added to the zeros that it starts with?"),
    "accumulator-overwritten": (
        "The gradient of one example alone is kept: Delta := delta a^T for Delta := Delta + delta a^T.",
        "Every dW is of rank 1: one delta times one a^T.", "Add over the examples, or multiply matrices."),
    # of shapes
    "sum-over-examples-missing": (
        "One column for each example is left where their sum is meant.", "The gradient has m columns.",
        "db = np.sum(dZ, axis=1, keepdims=True) / m; dW = dZ A_prev^T / m is a product of matrices.",
        "The parameter has m columns after one step: RequestError in the next forward pass."),
    "transposed": (
        "It is transposed.", "The right numbers are in the wrong places.",
        "A derivative has the shape of its variable: dW = dZ A_prev^T that of W."),
    "rank-1-array": (
        "It has one dimension where two are meant (a rank-1 array).",
        "The numbers are right, and (n,) is broadcast where (n, 1) is meant.",
        "Keep the column: np.sum(..., axis=1, keepdims=True), or .reshape(-1, 1)."),
    "bias-row-kept": (
        "The row of the bias unit is kept in delta(l), which has no delta there.",
        "delta(l) has s_l + 1 rows, and the shapes do not fit.", "delta(l) = Theta(l)[:, 1:]^T delta(l+1) * g'(z(l))."),
    "transpose-lost": (
        "A transpose is lost: W dZ where W^T dZ is meant, w x where w^T x is.",
        "The shapes do not fit; with square layers they do, and all gradients before the last layer are wrong.",
        _CHAIN),
    "targets-in-a-column": (
        "The targets are a column (m, 1) where a row (1, m) is meant.",
        "A - Y is (m, m) where there is one unit, and does not broadcast otherwise.",
        "Y is (1, m): a column for each example.", "RequestError naming the shapes."),
    "last-layer-not-created": (
        "for l in range(1, L) makes the layers 1 to L - 1, where L does not count the input.",
        "A[L] has the rows of the last hidden layer.", "for l in range(1, L + 1), or L = len(layer_dims).",
        "RequestError from the cost; where the last hidden layer has one unit, a smaller network is trained silently."),
    # of one kind of array
    "missing-1/m-in-db": (
        "1/m is missing in db.", "dW is right and db is m times too large.", _M,
        "The biases jump, and the cost leaps up at once."),
    "missing-1/m-in-dW": ("1/m is missing in dW.", "db is right and dW is m times too large.", _M),
    "1/m-twice-in-db": ("1/m is counted twice in db.", "dW is right and db is m times too small.", _M),
    "1/m-twice-in-dW": ("1/m is counted twice in dW.", "db is right and dW is m times too small.", _M),
    "factor-in-db": ("db is the right one times a number.", "dW is right.", _DB),
    "factor-in-dW": ("dW is the right one times a number.", "db is right.", _DW),
    "sign-lost-in-db": ("db has the wrong sign.", "dW is right.", _DB),
    "sign-lost-in-dW": ("dW has the wrong sign.", "db is right.", _DW),
    "db-zero": ("db is 0.", "dW is right.", _DB),
    "dW-zero": ("dW is 0.", "db is right.", _DW),
    "db-summed-over-units": (
        "db is summed over the units too: one number for all of a layer.", "dW is right, and all of db[l] is equal.",
        _DB, "All biases of a layer move together, and the cost still falls."),
    "db-wrong": ("db is wrong.", "dW is right, so dZ is too.", _DB),
    "dW-wrong": ("dW is wrong.", "db is right, so dZ is too.", _DW + " Is it the right A?"),
    "layer-zero": (
        "The gradient of a layer is 0.", "The layers after it are right.", "Does the loop run over all of 1..L?"),
    "layers-swapped": (
        "Gradients of layers of one shape are swapped.", "Each is right, for another array.",
        "Is the list filled from the last layer backwards, and not reversed?"),
    "absolute-value": ("It is the absolute value of the right one.", "No entry is below 0.", "Signs matter here."),
    # of penalties
    "lambda-on-bias": (
        "The biases are penalised in the gradient, not in J.", "db is off by a multiple of b.", _LAMBDA,
        "The cost falls, and its gradient does not come to 0."),
    "lambda-not-in-gradient": (
        "J has a penalty and the gradient has not.", _OFF_BY_W, _LAMBDA,
        "The weights grow as if there were no penalty, and the cost rises after a while."),
    "lambda-not-in-cost": (
        "The gradient has a penalty and J has not.", _OFF_BY_W, _LAMBDA,
        "The parameters are trained correctly, and the reported cost is too low."),
    "lambda-wrong-sign": ("The penalty is subtracted in the gradient and added in J.", _OFF_BY_W, _LAMBDA),
    "lambda-not-divided-by-m": ("The penalty's gradient lacks the 1/m that J has.", _OFF_BY_W, _LAMBDA),
    "lambda-divided-by-m-again": ("The penalty's gradient has a 1/m that J has not.", _OFF_BY_W, _LAMBDA),
    "lambda-factor-2": ("The penalty's gradient is twice or half of J's.", _OFF_BY_W, _LAMBDA),
    "lambda-wrong": ("The penalty's gradient is not that of J.", _OFF_BY_W, _LAMBDA),
    "l1-wrong": (
        "An l1 penalty differs in J and in the gradient.", "dW is off by a multiple of sign(W).",
        "(strength |w|)' = strength sign(w)."),
    # of the output
    "g-for-g-prime-at-the-output": (
        "dZ[L] = dA[L] * g(Z[L]), where the derivative g' is meant.",
        "Every gradient is wrong, at the output by 1 / (1 - a).", "sigmoid' = a (1 - a).", "The cost shoots up."),
    "sigmoid-slope-twice": (
        "The slope of the output's sigmoid is applied again to A[L] - Y, which contains it already.",
        "Every gradient is wrong, at the output by a (1 - a).", "With the cross-entropy dZ[L] = A[L] - Y.",
        "The cost falls, slowly."),
    "delta-of-another-cost": (
        "delta = a - y belongs to the cross-entropy, and J is another.",
        "Every gradient is wrong, at the output by 1 / (a (1 - a)).", "For 1/2 (a - y)^2 it is (a - y) a (1 - a).",
        "The cost falls, so training looks right."),
    "z-for-a": (
        "z - y stands where a - y is meant.", "Every gradient is wrong, the more so for large z.",
        "dZ[L] = A[L] - Y.", "The cost falls, and ends too high."),
    "cost-bracket-misplaced": (
        "-[y log a + (1 - y log(1 - a))]: a bracket of the cost is closed too late.",
        "The cost is not the function whose gradient is taken: it is linear in z.", _BRACKET,
        "The reported cost is negative and falls without end, while the parameters are trained correctly."),
    "sum-bracket-lost": (
        "-sum y log a + sum (1 - y) log(1 - a): the minus covers the first term alone.",
        "The cost is not the function whose gradient is taken.", _BRACKET,
        "The reported cost is too small, and may be negative: confident mistakes where y = 0 lower it."),
    "output-wrong": (
        "dZ[L] is wrong.", "The last layer is wrong, and with it all others.", "dZ[L] is dJ/dZ[L] of this very cost."),
    # of hidden layers
    "g-for-g-prime": (
        "dZ = dA * g(Z), where the derivative g'(Z) is meant.", _HIDDEN, _CHAIN,
        "The cost falls at first, then wanders and stays high."),
    "relu-slope-is-dA": (
        "dZ = dA for relu: its slope is taken to be 1 where Z <= 0 too.", _HIDDEN, _CHAIN,
        "The cost falls, and gets stuck well above where it should."),
    "slope-left-out": ("dA is taken for dZ: g'(Z) is missing.", _HIDDEN, _CHAIN),
    "hidden-slope-twice": ("g'(Z) is applied twice.", _HIDDEN, _CHAIN),
    "slope-at-z": (
        "The slope is taken at z where a is meant, such as z (1 - z).", _HIDDEN,
        "sigmoid' = a (1 - a) with a = sigmoid(z)."),
    "slope-of-another-activation": ("The slope of another activation is used.", _HIDDEN, _CHAIN),
    "sign-lost-in-hidden": ("A sign is lost in dZ[l] of a hidden layer.", _HIDDEN, _CHAIN),
    "factor-in-hidden": ("dZ[l] is the right one times a number.", _HIDDEN, _CHAIN),
    "product-by-entries": (
        "An elementwise product stands where matrices are to be multiplied, or the other way round.",
        "The shapes do not fit; where they happen to, the layers before it are wrong.", _CHAIN),
    "W-updated-before-it-is-used": (
        "W[l+1] is updated before dA[l] = W[l+1]^T dZ[l+1] is taken.", _HIDDEN, "Compute all gradients, then update."),
    "chain-breaks": ("The chain breaks on the way back.", _HIDDEN, _CHAIN),
    "input-layer-wrong": (
        "The gradient of an input layer is wrong.", "The layers after it are right.",
        "It comes from dA[0] = W[1]^T dZ[1], by the chain rule through e(X)."),
    "layer-wrong": ("One layer is wrong.", "Those before and after it are right.", _DW),
    # of custom rows of the tables of formulas
    "wrong-slope": ("slope is not the derivative of g.", "", "Correct slope(Z, A), or name the kinks of g."),
    "wrong-dZ": ("dZ is not the derivative of value.", "", "Correct dZ(Z, Y)."),
    "wrong-penalty-slope": ("slope is not the derivative of value.", "", "Correct slope(w, S)."),
    # of updates
    "ascent": ("The gradient is added.", "The cost rises from the first step on.", _UPDATE),
    "bias-not-updated": (
        "W is updated and b is not.", "Every b keeps its initial value.", _UPDATE + " For every b too.",
        "The cost falls, to a higher value."),
    "w1-alone-updated": (
        "The first entry alone is updated.", "All others keep their initial values.", _UPDATE + " For every entry.",
        "The cost falls, to a higher value."),
    "not-updated": ("It keeps its initial value.", "", "Every W[l] and b[l] is updated, l = 1..L."),
    "learning-rate-missing": ("The learning rate is missing.", "", _UPDATE),
    "step-alone": ("It is the step alone.", "", _UPDATE + " The step starts from theta."),
    "update-wrong": ("It is not theta - alpha dtheta.", "", "Check it entry by entry."),
    "update-in-place": (
        "The new parameters are written into the caller's arrays.", "The initial parameters are gone.", "Copy first.",
        "A second run from the same initial parameters begins where the first ended."),
    # where the gradient is right
    "zeros-for-weights": (
        "All units of a hidden layer have the same weights, such as 0.",
        "Their gradients are equal, and they stay equal.", "Begin with random weights.",
        "From zeros, with relu or tanh, nothing but the last bias moves, and the cost stays near log 2."),
    "small-weights": (
        "The weights of every layer are very small.", "The gradient shrinks from layer to layer.",
        "randn * sqrt(2 / n[l-1]).",
        "The cost stays near its first value, with four layers for thousands of iterations."),
    "first-target-for-all": (
        "Every example has the same target, as J and the gradient see it.",
        "They belong together, so no check can fail.", "If your targets differ, look for y(1) where y(i) is meant.",
        "The cost falls to 0, and every prediction is the class of the first example."),
    "log-of-0": (
        "J is not finite where an output is rounded to 0 or 1.", "log 0 is taken, though the gradient is finite.",
        "Compute the loss from z: log(1 + e^z) - z y.", "The cost is NaN from there on, though the network is fine."),
    "overflowing-sigmoid": (
        "The gradient is not finite for large z.", "e^z / (1 + e^z) is inf / inf above 709.",
        "e^min(z, 0) / (1 + e^-|z|).", "From there on A, and everything after it, is NaN."),
    "gradient-wrong": ("The gradient is not that of J.", "No known mistake looks like this.", "See the entries above."),
}.items()}  # fmt: skip
