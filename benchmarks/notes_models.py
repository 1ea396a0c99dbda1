"""Are the notes' models practical? An iteration of L_layer_model beside the same arithmetic in plain NumPy.

    python -m benchmarks.notes_models [--iterations 50] [--rounds 21]

12288-20-7-5-1 on 209 examples, float64. The two take turns, and the order within a round changes from round to round;
printed are the medians and the median of the ratios within a round.
"""

import time
from argparse import ArgumentParser
from collections.abc import Callable

import numpy as np

from chainrule.notes import L_layer_model

DIMS = (12288, 20, 7, 5, 1)
EXAMPLES = 209


def plain_numpy(X, Y, layers_dims, learning_rate, num_iterations):
    """As one writes it who knows the answer: no gradient of the inputs, dZ[L] = A[L] - Y, the cost every 100."""
    rng = np.random.RandomState(1)
    L = len(layers_dims) - 1
    m = X.shape[1]
    W = [None] + [rng.randn(layers_dims[l], layers_dims[l - 1]) / np.sqrt(layers_dims[l - 1]) for l in range(1, L + 1)]
    b = [None] + [np.zeros((layers_dims[l], 1)) for l in range(1, L + 1)]
    costs = []
    for i in range(num_iterations):
        A, Z = [X], [None]
        for l in range(1, L + 1):
            Z.append(np.dot(W[l], A[l - 1]) + b[l])
            A.append(np.maximum(0, Z[l]) if l < L else 1 / (1 + np.exp(-Z[l])))
        if i % 100 == 0:
            costs.append(-1 / m * np.sum(Y * np.log(A[L]) + (1 - Y) * np.log(1 - A[L])))
        dZ = A[L] - Y
        for l in range(L, 0, -1):
            dW = 1 / m * np.dot(dZ, A[l - 1].T)
            db = 1 / m * np.sum(dZ, axis=1, keepdims=True)
            if l > 1:
                dZ = np.dot(W[l].T, dZ)
                dZ[Z[l - 1] <= 0] = 0
            W[l] = W[l] - learning_rate * dW
            b[l] = b[l] - learning_rate * db
    return W, costs


def notes(X, Y, layers_dims, learning_rate, num_iterations):
    rng = np.random.RandomState(1)
    parameters, costs = L_layer_model(
        X, Y, layers_dims, learning_rate, num_iterations, initialization="1/sqrt(n)", rng=rng
    )
    return [None] + [parameters[f"W{l}"] for l in range(1, len(layers_dims))], costs


def seconds(train: Callable, X, Y, iterations: int) -> float:
    start = time.perf_counter()
    train(X, Y, DIMS, 0.0075, iterations)
    return time.perf_counter() - start


def main() -> None:
    parser = ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--iterations", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=21)
    arguments = parser.parse_args()

    rng = np.random.default_rng(0)
    X = rng.random((DIMS[0], EXAMPLES))
    Y = (rng.random((1, EXAMPLES)) < 0.35).astype(float)
    here, there = (train(X, Y, DIMS, 0.0075, 5) for train in (notes, plain_numpy))
    assert all(np.allclose(a, b, rtol=1e-10, atol=1e-12) for a, b in zip(here[0][1:], there[0][1:], strict=True))

    # drawing the weights costs as much as some iterations, so it is measured alone and taken off
    measured: dict[Callable, list[float]] = {notes: [], plain_numpy: []}
    for round in range(arguments.rounds):
        for train in (notes, plain_numpy) if round % 2 else (plain_numpy, notes):
            start = seconds(train, X, Y, 0)
            measured[train].append((seconds(train, X, Y, arguments.iterations) - start) / arguments.iterations)
    ours, plain = (1e3 * np.array(times) for times in measured.values())
    ratios = ours / plain
    low, middle, high = np.percentile(ratios, (25, 50, 75))
    print(f"L_layer_model {np.median(ours):.3f} ms an iteration, plain NumPy {np.median(plain):.3f} ms")
    print(
        f"ratio of medians {np.median(ours) / np.median(plain):.3f}; "
        f"median of ratios {middle:.3f}, quartiles {low:.3f} to {high:.3f}, {arguments.rounds} rounds"
    )


if __name__ == "__main__":
    main()
