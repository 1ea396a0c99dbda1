"""What must hold of every form of every array, worked through in a process of its own.

``python -m tests.engines.gate_cases PART LOG``

Each case is written down before it begins, so that a crash has a name; what failed is printed at the end.
"""

import io
import pickle
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

import chainrule
from chainrule.engines import Examples, State
from chainrule.engines.fused import Fused
from chainrule.engines.reference import Reference
from chainrule.errors import RequestError
from chainrule.network import Network
from chainrule.recipe import Recipe
from chainrule.training import fit
from tests.engines.forms import NO_NUMBERS, OBJECTS, SAME, SHARED, Form, lengths

M = 13
NETWORK = Network((3, 5, 2), "tanh", "cross_entropy", 0.3, "l2(0.1)")  # 32 parameters
RECIPE = Recipe("adam", batch_size=5, epochs=3, clip_norm=1.0)
rng = np.random.default_rng(0)
ROWS = rng.normal(size=(M, 3)).astype(np.float32)
TARGETS = np.eye(2, dtype=np.float32)[rng.integers(0, 2, M)]
WEIGHT = rng.integers(1, 3, M).astype(np.float32)
THETA, DTHETA = (rng.normal(size=NETWORK.size).astype(np.float32) for _ in range(2))
MOMENTS = [np.square(rng.normal(size=NETWORK.size)).astype(np.float32) for _ in range(2)]
RATES = rng.uniform(0.01, 0.1, 5)

# every array that an engine is handed
PLAIN = {
    "theta": THETA,
    "dtheta": DTHETA,
    "moment 0": MOMENTS[0],
    "moment 1": MOMENTS[1],
    "rates": RATES,
    "X": ROWS,
    "Y": TARGETS,
    "weight": WEIGHT,
    "rows X": ROWS,
    "rows Y": TARGETS,
}


def state(a: dict[str, Any]) -> State:
    return State(a["theta"], (a["moment 0"], a["moment 1"]), step=3, updates=3, samples=M)


def examples(a: dict[str, Any]) -> Examples:
    return Examples(a["X"], a["Y"], a["weight"])


def fitted(engine: Any, a: dict[str, Any]) -> list[Any]:
    done = fit(engine, examples(a), examples(a), theta=a["theta"])
    return [done.theta, *done.history.training_cost, *done.history.validation_cost]


def made(engine: Any, a: dict[str, Any]) -> list[Any]:
    e = engine.examples(a["rows X"], a["rows Y"], a["weight"])
    return [e.X, e.Y, e.weight]


def again(engine: Any, a: dict[str, Any]) -> list[Any]:
    """Two runs: what the first has left ready must not lead the second astray."""
    first = engine.run(state(a), examples(a), 3, 5)
    return flat(engine.run(first, examples(a), 5, 8))


def flat(s: State) -> list[Any]:
    return [s.theta, *s.moments, s.step, s.updates, s.samples, s.cost_sum, s.weight_sum, s.rate, s.diverged]


VECTORS, EXAMPLES = ("theta", "moment 0", "moment 1"), ("X", "Y", "weight")
USES: dict[str, tuple[Callable[[Any, dict[str, Any]], list[Any]], tuple[str, ...]]] = {
    "examples": (made, ("rows X", "rows Y", "weight")),
    "start": (lambda e, a: flat(e.start(a["theta"])), ("theta",)),
    "predict": (lambda e, a: [e.predict(a["theta"], a["rows X"]) for _ in range(2)], ("theta", "rows X")),
    "predict a row": (lambda e, a: [e.predict(a["theta"], ROWS[:1]) for _ in range(3)], ("theta",)),
    "cost": (lambda e, a: [e.cost(a["theta"], examples(a))], ("theta", *EXAMPLES)),
    "gradient": (lambda e, a: [*e.gradient(a["theta"], examples(a), 2)], ("theta", *EXAMPLES)),
    "update": (lambda e, a: flat(e.update(state(a), a["dtheta"], 0.1)), (*VECTORS, "dtheta")),
    "run": (lambda e, a: flat(e.run(state(a), examples(a), 3, 8)), (*VECTORS, *EXAMPLES)),
    "run at rates": (lambda e, a: flat(e.run(state(a), examples(a), 3, 8, a["rates"])), ("rates",)),
    "run again": (again, (*VECTORS, *EXAMPLES)),
    "is_finite": (lambda e, a: [e.is_finite(a["theta"])], ("theta",)),
    "fit": (fitted, ("theta", *EXAMPLES)),
}
# the network's own; each counts 1; the recipe's
MAY_BE_LEFT_OUT = {("start", "theta"), ("fit", "theta"), ("examples", "weight"), ("run at rates", "rates")}
ROWS_OF = {"rows X": (1,), "rows Y": (0, 1), "X": (0, 1), "Y": (0, 1)}  # the axes of which the length is given


def forms_of(name: str) -> dict[str, Form]:
    """Forms in which it is taken."""
    return SAME if name in EXAMPLES else SAME | OBJECTS


def fresh(**changed: Any) -> dict[str, Any]:
    return {name: a.copy(order="K") for name, a in PLAIN.items()} | changed


def near(given: list[Any], expected: list[Any], exactly: bool) -> bool:
    equal = np.array_equal if exactly else lambda a, b: np.allclose(a, b, rtol=1e-4, atol=1e-6)
    return len(given) == len(expected) and all(
        np.shape(a) == np.shape(b) and bool(equal(a, b)) for a, b in zip(given, expected, strict=True)
    )


def engine_cases(Engine: Any) -> Iterator[tuple[str, Callable[[], str]]]:
    engine = Engine(NETWORK, RECIPE)
    for use, (call, names) in USES.items():
        expected = call(engine, fresh())
        for name in names:
            for form, of in forms_of(name).items():
                yield (
                    f"{use}: {name} is {form}",
                    lambda c=call, n=name, f=form, o=of, e=expected: right(engine, c, n, f, o, e),
                )
            wrong = NO_NUMBERS | {k: v for axis in ROWS_OF.get(name, (0,)) for k, v in lengths(axis).items()}
            wrong["with a dimension more"] = lambda a: a[..., None]
            if name in EXAMPLES and use != "examples":
                wrong |= OBJECTS
            for form, of in wrong.items():
                if form == "nothing" and (use, name) in MAY_BE_LEFT_OUT:
                    continue
                yield (
                    f"{use}: {name} is {form}",
                    lambda c=call, n=name, o=of: refused(lambda: c(engine, fresh(**{n: o(PLAIN[n])}))),
                )
        for form, of in (SAME if "X" in names else SAME | OBJECTS).items():  # all of them at once
            yield f"{use}: all are {form}", lambda c=call, ns=names, o=of, e=expected: same_at_once(engine, c, ns, o, e)


def right(engine: Any, call: Any, name: str, form: str, of: Any, expected: list[Any]) -> str:
    given = of(PLAIN[name])
    before = np.array(given)
    result = call(engine, fresh(**{name: given}))
    if not near(result, expected, isinstance(engine, Fused)):
        return "another result"
    moves = name in VECTORS and call in (USES["run"][0], again) and form not in SHARED
    if not moves and not np.array_equal(before, np.array(given)):
        return "it was written"
    return ""


def same_at_once(engine: Any, call: Any, names: tuple[str, ...], of: Any, expected: list[Any]) -> str:
    result = call(engine, fresh(**{name: of(PLAIN[name]) for name in names}))
    return "" if near(result, expected, isinstance(engine, Fused)) else "another result"


def refused(call: Callable[[], Any], kinds: Any = RequestError) -> str:
    try:
        call()
    except kinds:
        return ""
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return "it was taken"


WRONG_COUNTS = (-1, 2**63, 10**30, 1.5, "3", None, True, float("nan"))
WRONG_NUMBERS = ("0.1 m", None, 1j, [0.1, 0.2])


def number_cases(Engine: Any) -> Iterator[tuple[str, Callable[[], str]]]:
    engine = Engine(NETWORK, RECIPE)

    def run(first: Any = 3, last: Any = 8, **changed: Any) -> Any:
        a = fresh()
        return engine.run(state(a)._replace(**changed), examples(a), first, last)

    for wrong in WRONG_COUNTS:
        yield f"run from {wrong!r}", lambda w=wrong: refused(lambda: run(first=w, step=w))
        yield f"run to {wrong!r}", lambda w=wrong: refused(lambda: run(last=w))
        for name in ("updates", "samples"):
            yield f"run with {name} {wrong!r}", lambda n=name, w=wrong: refused(lambda: run(**{n: w}))
        yield (
            f"update with updates {wrong!r}",
            lambda w=wrong: refused(lambda: engine.update(state(fresh())._replace(updates=w), DTHETA, 0.1)),
        )
        if wrong is not None:
            yield (
                f"gradient of step {wrong!r}",
                lambda w=wrong: refused(lambda: engine.gradient(THETA, examples(fresh()), w)),
            )
    for wrong in WRONG_NUMBERS:
        for name in ("rate_scale", "cost_sum", "weight_sum", "rate"):
            yield f"run with {name} {wrong!r}", lambda n=name, w=wrong: refused(lambda: run(**{n: w}))
    for wrong in (*WRONG_NUMBERS, float("nan"), float("inf")):
        yield f"update at rate {wrong!r}", lambda w=wrong: refused(lambda: engine.update(state(fresh()), DTHETA, w))
    yield "run backwards", lambda: refused(lambda: run(last=2))
    yield "run from elsewhere", lambda: refused(lambda: run(first=4))
    for count in (0, 1, 3):
        moments = tuple(MOMENTS[0].copy() for _ in range(count))
        yield f"{count} moments", lambda m=moments: refused(lambda: run(moments=m))
        yield (
            f"update of {count} moments",
            lambda m=moments: refused(lambda: engine.update(state(fresh())._replace(moments=m), DTHETA, 0.1)),
        )
    expected = flat(run())
    for kind in (np.int32, np.int64, np.uint8):
        yield (
            f"counts of {kind.__name__}",
            lambda k=kind: (
                ""
                if near(flat(run(first=k(3), last=k(8), step=k(3), updates=k(3))), expected, False)
                else "another result"
            ),
        )
    for other in (Network((4, 5, 2)), Network((3, 5, 3)), Network((300, 5, 2)), Network((2, 5, 2))):
        theirs = Engine(other, RECIPE)
        foreign = theirs.examples(np.ones((M, other.n[0])), np.ones((M, other.n[-1])))
        for use, call in {
            "cost": lambda x: engine.cost(THETA, x),
            "gradient": lambda x: engine.gradient(THETA, x),
            "run": lambda x: engine.run(state(fresh()), x, 3, 8),
            "fit": lambda x: fit(engine, x),
        }.items():
            yield f"{use} of the examples of {other.n}", lambda c=call, x=foreign: refused(lambda: c(x))
        own = theirs.start()
        yield f"run of a state of {other.n}", lambda s=own: refused(lambda: engine.run(s, examples(fresh()), 0, 3))
    lbfgs = Engine(Network((3, 5, 2)), Recipe("lbfgs"))
    yield "lbfgs takes no steps", lambda: refused(lambda: lbfgs.run(lbfgs.start(), examples(fresh()), 0, 1))
    yield "nor an update", lambda: refused(lambda: lbfgs.update(lbfgs.start(), np.ones(32), 0.1))


KINDS = {"classifier": "MLPClassifier", "regressor": "MLPRegressor"}
X, LABELS = rng.normal(size=(40, 4)), rng.integers(0, 3, 40)
COUNTS = rng.integers(1, 4, 40).astype(float)


def estimator(kind: str, **more: Any) -> Any:
    return getattr(chainrule, KINDS[kind])(hidden_layer_sizes=(6,), max_iter=3, random_state=0, batch_size=16, **more)


def target(kind: str) -> Any:
    return LABELS if kind == "classifier" else X[:, 0] ** 2


def estimator_cases(kind: str) -> Iterator[tuple[str, Callable[[], str]]]:
    y = target(kind)
    more = {"classes": [0, 1, 2]} if kind == "classifier" else {}

    def trained(X: Any = X, y: Any = y, w: Any = COUNTS, rows: Any = X[:7]) -> list[Any]:
        model = estimator(kind).fit(X, y, w)
        model.partial_fit(X, y, sample_weight=w)
        first = estimator(kind).partial_fit(X, y, **more)
        return [model.predict(rows), *model.coefs_, *model.intercepts_, *first.coefs_, first.predict(rows[:1])]

    expected = trained()
    none = {form: of for form, of in NO_NUMBERS.items() if form != "dates"}  # which scikit-learn counts in days
    wrong = {"X": none | lengths(0) | {"flat": lambda a: a[0]}, "y": lengths(0), "w": none | lengths(0)}
    plain = {"X": X, "y": y, "w": COUNTS, "rows": X[:7]}
    for name, a in plain.items():
        for form, of in (SAME | OBJECTS).items():
            if name == "y" and kind == "classifier" and form in ("of wider numbers", "of objects", "of double numbers"):
                continue  # labels of another type are other labels
            yield (
                f"{kind}: {name} is {form}",
                lambda n=name, f=form, a=a, o=of: trained_right(trained, n, o(a), expected),
            )
    wrong["rows"] = none | lengths(1) | {"empty": lambda a: a[:0], "flat": lambda a: a[0]}
    for name, forms in wrong.items():
        for form, of in forms.items():
            if name == "w" and form in ("nothing", "a number"):
                continue  # no weights, or the same for all
            yield (
                f"{kind}: {name} is {form}",
                lambda n=name, o=of: refused(lambda: trained(**{n: o(plain[n])}), (ValueError, TypeError)),
            )


def replaced_cases(kind: str) -> Iterator[tuple[str, Callable[[], str]]]:
    """Weights that were put in the place of others, and layers that grew, between two calls of partial_fit."""
    y = target(kind)

    def replaced(of: Form) -> list[Any]:
        model = estimator(kind).fit(X, y)
        model.coefs_, model.intercepts_ = [of(W) for W in model.coefs_], [of(b) for b in model.intercepts_]
        before = model.predict(X)
        model.partial_fit(X, y)
        return [before, model.predict(X), *model.coefs_]

    def grown() -> str:
        model = estimator(kind).partial_fit(X, y, **({"classes": [0, 1, 2]} if kind == "classifier" else {}))
        model.set_params(hidden_layer_sizes=(300,))
        model.coefs_ = [np.pad(model.coefs_[0], ((0, 0), (0, 294))), np.pad(model.coefs_[1], ((0, 294), (0, 0)))]
        model.intercepts_ = [np.pad(model.intercepts_[0], (0, 294)), model.intercepts_[1]]
        try:
            model.partial_fit(X, y)
        except ValueError:
            return ""
        return "" if np.isfinite(model.coefs_[0]).all() else "not finite"

    expected = replaced(lambda a: a.copy())
    for form, of in SAME.items():
        yield f"{kind}: coefs_ are {form}", lambda o=of: "" if near(replaced(o), expected, False) else "another result"
    for form, of in (lengths(0) | {"complex": NO_NUMBERS["complex"], "text": NO_NUMBERS["text"]}).items():
        yield f"{kind}: coefs_ are {form}", lambda o=of: refused(lambda: replaced(o), (ValueError, TypeError))
    yield f"{kind}: layers have grown", grown


def trained_right(trained: Any, name: str, given: Any, expected: list[Any]) -> str:
    before = np.array(given)
    if not near(trained(**{name: given}), expected, False):
        return "another result"
    return "" if np.array_equal(before, np.array(given)) else "it was written"


def through_a_file(mode: str | None) -> Callable[[Any], tuple[Any, Callable[[], bytes]]]:
    def back(model: Any) -> tuple[Any, Callable[[], bytes]]:
        import joblib

        path = Path(tempfile.mkdtemp()) / "model"
        joblib.dump(model, path)
        return joblib.load(path, mmap_mode=mode), path.read_bytes

    return back


def by_buffers(kind: Any) -> Callable[[Any], tuple[Any, Callable[[], bytes]]]:
    def back(model: Any) -> tuple[Any, Callable[[], bytes]]:
        buffers: list[Any] = []
        data = pickle.dumps(model, protocol=5, buffer_callback=lambda b: buffers.append(kind(b.raw())))
        return pickle.loads(data, buffers=buffers), lambda: b"".join(map(bytes, buffers))

    return back


def plainly(model: Any) -> tuple[Any, Callable[[], bytes]]:
    return pickle.load(io.BytesIO(pickle.dumps(model))), bytes


ELSEWHERE = {
    "a pickle": plainly,
    **{f"a map, mode {mode}": through_a_file(mode) for mode in ("r", "r+", "c")},
    "immutable buffers": by_buffers(bytes),
    "writable buffers": by_buffers(bytearray),
}


def elsewhere_cases() -> Iterator[tuple[str, Callable[[], str]]]:
    """Estimators out of files and buffers: they go on as they would have gone on, and what they came from stays."""
    for kind in KINDS:
        for solver in ("adam", "sgd"):
            for begun in ("fit", "partial_fit"):
                for where, back in ELSEWHERE.items():
                    yield (
                        f"{kind} by {solver}, {begun}, from {where}",
                        lambda k=kind, s=solver, b=begun, o=back: went_on(k, s, b, o),
                    )


def went_on(kind: str, solver: str, begun: str, back: Any) -> str:
    y = target(kind)
    more = {"classes": [0, 1, 2]} if kind == "classifier" and begun == "partial_fit" else {}
    stayed, first = (getattr(estimator(kind, solver=solver), begun)(X, y, **more) for _ in range(2))
    moved, source = back(first)
    before = source()
    for model in (stayed, moved):
        for _ in range(2):
            model.partial_fit(X, y)
    if source() != before:
        return "what it came from was written"
    same = near([*moved.coefs_, moved.predict(X)], [*stayed.coefs_, stayed.predict(X)], False)
    return "" if same else "another result"


PARTS: dict[str, Callable[[], Iterator[tuple[str, Callable[[], str]]]]] = {
    "fused": lambda: chain(engine_cases(Fused), number_cases(Fused)),
    "reference": lambda: chain(engine_cases(Reference), number_cases(Reference)),
    "classifier": lambda: chain(estimator_cases("classifier"), replaced_cases("classifier")),
    "regressor": lambda: chain(estimator_cases("regressor"), replaced_cases("regressor")),
    "elsewhere": elsewhere_cases,
}


def main(part: str, log: str) -> None:
    warnings.simplefilter("ignore")
    done = 0
    with open(log, "w", encoding="utf-8") as file:
        for name, case in PARTS[part]():
            file.write(f"{name}\n")
            file.flush()
            done += 1
            try:
                fault = case()
            except Exception as error:
                fault = f"{type(error).__name__}: {error}"
            if fault:
                print(f"{name}: {fault}")
    print(f"{done} cases")


if __name__ == "__main__":
    main(*sys.argv[1:])
