"""Is this gradient the derivative of this cost? And if not, which of the known mistakes is it?"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from chainrule.errors import ChainruleError, RequestError
from chainrule.explain import differences, gradient_probes, structure, user_formulas
from chainrule.explain.fault_rules import LOOSE, Comparison, from_numbers, places, what_is_left
from chainrule.explain.faults import Fault, fault
from chainrule.explain.structure import Floats, NamedPart, Structure
from chainrule.explain.subject import Subject, subject
from chainrule.layout import BIAS
from chainrule.propagation import Propagation

ENTRIES = 200  # of an array that are differentiated by; more are sampled
FEWEST = 20  # where each cost is long
WORK = 100_000_000  # parameters times rows times entries, for an array of a model
DIRECTIONS = 4
SEED = 0
ALPHA = 0.1  # of the update that is asked for


@dataclass(frozen=True)
class ArrayCheck:
    """The gradient of one array, held against differences.

    relative_error   |given - numerical| / the larger of the two, Euclidean; rounding included, right is at most
                     ``tolerance``. Infinite where the gradient given has another shape or none
    checked          entries compared; ``left_out``: at kinks, or where no step gives a number
    worst            the entry that is farthest off; there the gradient was ``given``, and J's own is ``numerical``
    """

    name: str
    shape: tuple[int, ...]
    relative_error: float
    tolerance: float
    checked: int
    left_out: int
    worst: tuple[int, ...]
    given: float
    numerical: float

    @property
    def ok(self) -> bool:
        """Whether it is right, to rounding."""
        return self.relative_error <= self.tolerance

    def __str__(self) -> str:
        return self.line()

    def line(self, width: int = 12) -> str:
        """It as a line of text, the name as wide as that."""
        place = f"[{','.join(map(str, self.worst))}]" if self.worst else ""
        said = f"{self.name:<{width}} {self.shape!s:<12} {self.relative_error:8.1e}  {'ok' if self.ok else 'WRONG'}"
        if not self.ok:
            said += f"  worst {place or 'entry'}: given {self.given:.6g}, numerical {self.numerical:.6g}"
        return said + (f"  ({self.left_out} left out: kinks)" if self.left_out else "")


@dataclass(frozen=True)
class GradientReport:
    """What ``check_gradients`` found.

    ok               nothing is wrong
    arrays           one check for each array, layer by layer
    fault            the mistake that it looks like; None where ok
    faults           all that were found, as where two custom functions are wrong
    remarks          what may be wrong though the gradient is right
    along            relative errors along random directions, where entries were sampled
    """

    ok: bool
    arrays: tuple[ArrayCheck, ...]
    faults: tuple[Fault, ...] = ()
    remarks: tuple[Fault, ...] = ()
    along: tuple[float, ...] = ()

    @property
    def fault(self) -> Fault | None:
        """The first fault."""
        return self.faults[0] if self.faults else None

    def __str__(self) -> str:
        width = max([12, *(len(check.name) for check in self.arrays)])
        lines = [check.line(width) for check in self.arrays]
        if self.along:
            lines.append(f"along {len(self.along)} random directions: {max(self.along):.1e}")
        lines += [f"remark: {remark}" for remark in self.remarks]
        return "\n".join([*lines, *(["ok"] if self.ok else map(str, self.faults))])

    __repr__ = __str__


def check_gradients(
    model: Any,
    X: Any,
    y: Any = None,
    *,
    m: int | None = None,
    lambd: float | None = None,
    update: Callable[..., Any] | None = None,
) -> GradientReport:
    """Hold a gradient against central differences of its cost, array by array, and name what is wrong.

    Two uses:

        check_gradients(model, X, y)              a Model or a fitted estimator on some rows
        check_gradients(cost, gradient, theta)    custom functions: cost(theta) -> number, gradient(theta) -> like
                                                  theta; theta is an array, or a list, tuple or dict of arrays

    theta by layers, such as {"W1": ..., "b1": ..., "W2": ...}, [W1, b1, W2, ...] or the matrices of Theta notation,
    lets mistakes be told apart by layer; the functions are then asked at other theta too.

    m        the number of examples, where it is known
    lambd    lambda, where J has lambda/(2m) sum of W^2
    update   update(theta, gradient, alpha) -> the new theta, checked too: theta - alpha gradient

    RequestError: a theta that is not made of floats, a gradient of another shape, a cost that is not a finite number.

    >>> report = check_gradients(lambda v: float(v @ v), lambda v: v, np.array([1.0, 2.0]))
    >>> report.ok, report.fault.name
    (False, 'factor-1/2')
    """
    if callable(model) and not hasattr(model, "predict"):
        if not callable(X):
            raise RequestError(
                f"after a cost expected its gradient, a function too, and then theta; not {type(X).__name__}: "
                "check_gradients(cost, gradient, theta)."
            )
        with np.errstate(all="ignore"):
            return _of_functions(model, X, y, m, lambd, update)
    if update is not None:
        raise RequestError("update belongs to check_gradients(cost, gradient, theta): a model has its own.")
    of = subject(model, X, y, every_row=False)
    with np.errstate(all="ignore"):
        return _of_model(of)


def _of_model(of: Subject) -> GradientReport:
    network, propagation = of.network, Propagation(of.network, np, of.functions)
    v = of.theta.astype(np.float64)
    examples = of.examples

    def cost(theta: Any) -> Any:
        """J, of real or complex theta."""
        return propagation.cost(theta, **examples)

    def gradient(theta: Floats) -> Floats:
        return propagation.dtheta(propagation.backward(theta, **examples))

    _require_finite_cost(cost(v), "the cost of this model on these rows")
    found = tuple(user_formulas.wrong_rows(of))
    where = structure.of_network(network)
    most = int(np.clip(WORK // (network.size * len(of.X)), FEWEST, ENTRIES))
    checked = _Checked.of(where, v, cost, gradient(v), len(of.X), None, most=most)
    probe = gradient_probes.Probe(where, lambda w: float(cost(w)), gradient, v, checked.sigma)
    remarks = tuple(gradient_probes.remarks(where, probe, custom_functions=False))
    return checked.report(probe, found, remarks)


def _of_functions(cost: Any, gradient: Any, theta: Any, m: int | None, lambd: float | None, update: Any) -> Any:
    if theta is None:
        raise RequestError("theta is missing: check_gradients(cost, gradient, theta).")
    where, v = structure.of_structure(theta)
    f = partial(_of_vector, cost, where)
    J_0 = f(v)
    _require_number(J_0)
    _require_finite_cost(J_0, "cost(theta)")
    try:
        given = where.entries(gradient(where.restore(v.copy())))
    except ValueError as error:
        found = _from_error(where, str(error))
        if found is None or (isinstance(error, ChainruleError) and found.name != "transpose-lost"):
            raise
        checked = _Checked.of(where, v, f, np.full(v.size, np.nan), m, lambd)
        return checked.report(None, (found,))
    a, misshapen, dtype = _joined(where, given)
    checked = _Checked.of(where, v, f, a, m, lambd, dtype)
    if misshapen:
        return checked.report(None, (_of_shapes(checked.c, misshapen),))
    _require_finite_gradient(where, a)
    probe = gradient_probes.Probe(where, lambda w: float(f(w)), partial(_vector_of, gradient, where), v, checked.sigma)
    remarks = tuple(gradient_probes.remarks(where, probe, custom_functions=True))
    wrong_update = tuple(_updates(update, where, v, a)) if update is not None else ()
    return checked.report(probe, (), remarks, wrong_update)


def _of_vector(cost: Any, where: Structure, v: Any) -> Any:
    return cost(where.restore(v.copy()))


def _vector_of(gradient: Any, where: Structure, v: Floats) -> Floats:
    a, misshapen, _ = _joined(where, where.entries(gradient(where.restore(v.copy()))))
    if misshapen:
        raise LookupError("the shape changes")
    return a


def _joined(where: Structure, given: list[Any]) -> tuple[Floats, dict[int, Any], Any]:
    """The vector of a gradient, what of it has another shape than theta, by place, and the least of its dtypes."""
    misshapen: dict[int, Any] = {}
    parts, dtypes = [], []
    for i, (V, shape) in enumerate(zip(given, where.shapes, strict=True)):
        array = np.asarray(V)
        if array.dtype.kind not in "fiub":
            raise RequestError(f"the gradient of {where.names[i]} must be numbers, not {array.dtype}.")
        if array.dtype.kind == "f":
            dtypes.append(array.dtype)
        if array.shape != shape and not (array.size == int(np.prod(shape)) == 1):
            misshapen[i] = array
            array = np.full(shape, np.nan)
        parts.append(array.astype(np.float64).reshape(-1))
    return np.concatenate(parts), misshapen, min(dtypes, key=lambda d: d.itemsize, default=np.dtype(np.float64))


def _of_shapes(c: Comparison, misshapen: Mapping[int, Any]) -> Fault:
    """A shape that a known mistake explains, with numbers that bear it out. RequestError: any other."""
    where = c.layout
    starts = np.cumsum([0, *(int(np.prod(shape)) for shape in where.shapes)])
    for i, V in misshapen.items():
        name, shape = where.names[i], where.shapes[i]
        n = c.n[starts[i] : starts[i + 1]].reshape(shape)
        said = f"{name} is {shape}, its gradient {V.shape}"
        if V.shape == shape[::-1] and _same(V.T, n):
            return fault("transposed", said)
        if V.size == n.size and _same(V.reshape(-1), n.reshape(-1)):
            return fault("rank-1-array", said)
        if V.ndim == 2 and V.shape[0] == n.size and (_same(V.sum(axis=1), n) or _same(V.mean(axis=1), n)):
            return fault("sum-over-examples-missing", said)
        if V.size == 1 and _same(V, n.sum()):
            return fault("db-summed-over-units", said)
    i, V = next(iter(misshapen.items()))
    raise RequestError(
        f"the gradient of {where.names[i]} must have its shape, {where.shapes[i]}: entry by entry the derivative of "
        f"the cost. It came with {V.shape}."
    )


def _same(given: Any, n: Any) -> bool:
    size = float(np.linalg.norm(n))
    return float(np.linalg.norm(np.reshape(given, -1) - np.reshape(n, -1))) <= LOOSE * size


def _from_error(where: Structure, said: str) -> Fault | None:
    """What an error about shapes tells."""
    shapes = [tuple(int(n) for n in re.findall(r"\d+", found)) for found in re.findall(r"\([\d, ]+\)", said)]
    if "matmul" in said or "not aligned" in said:
        return fault("transpose-lost", said)
    if "broadcast" in said and len(shapes) >= 2 and len(shapes[0]) == len(shapes[1]) == 2:
        first, second = shapes[:2]
        if where.bias_units and abs(first[0] - second[0]) == 1 and first[1] == second[1]:
            return fault("bias-row-kept", said)
        if first[1] == second[0] or first[0] == second[1]:
            return fault("product-by-entries", said)
    return None


def _require_number(J: Any) -> None:
    if np.size(J) != 1 or np.asarray(J).dtype.kind not in "fiub":
        raise RequestError(
            f"cost(theta) must be one real number, not {type(J).__name__} of shape {np.shape(J)}: sum or average it."
        )


def _require_finite_cost(J: Any, what: str) -> None:
    if not np.isfinite(J):
        raise RequestError(
            f"{what} is {float(J)}: expected a finite number. Look for log 0 or overflow, or start at smaller theta."
        )


def _require_finite_gradient(where: Structure, a: Floats) -> None:
    for p in where.parts:
        if not np.isfinite(a[p.index]).all():
            at = np.argwhere(~np.isfinite(a[p.index]))[0] if p.index.ndim else ()
            place = ",".join(str(int(i)) for i in at)
            raise RequestError(f"the gradient of {p.name} is not finite at [{place}], where the cost is.")


@dataclass(frozen=True, eq=False)
class _Checked:
    """A comparison, with how noisy the cost is, and what the directions gave."""

    c: Comparison
    sigma: float
    smooth: Any
    along: tuple[float, ...]

    @classmethod
    def of(
        cls,
        where: Structure,
        v: Floats,
        f: Any,
        a: Floats,
        m: int | None,
        lambd: float | None,
        dtype: Any = np.float64,
        most: int = ENTRIES,
    ) -> "_Checked":
        """Differentiate f at v, and hold a against it."""

        def J(w: Floats) -> float:
            return float(f(w))

        rng = np.random.default_rng(SEED)
        size = _sizes(where, v)
        d, e = (size * rng.standard_normal(v.size) for _ in range(2))
        J_0 = J(v)
        sigma = differences.noise(J, v, d / max(float(np.linalg.norm(d)), 1e-300) * np.sqrt(v.size))
        step = differences.first_step(J_0, sigma)
        as_complex = differences.complex_step(
            f, v, ((u, differences.along(J, v, J_0, u, step / np.sqrt(v.size), sigma)) for u in (d, e))
        )
        entries = [i for p in where.parts for i in _sample(p, most, rng)]
        n, error, smooth = differences.partials(J, v, entries, size, sigma, as_complex, a)
        sampled = len(entries) < v.size
        checked = smooth & np.isfinite(error) & _reliable(where, a, n, error)
        eps = max(float(np.finfo(dtype).eps), sigma / max(abs(J_0), 1e-300))
        floor = 10.0 * eps * float(np.abs(n[checked]).max(initial=0.0)) + 1e-300
        c = Comparison(where, v, a, n, error, checked, 10.0 * float(np.sqrt(eps)), floor, m, lambd)
        lines: list[float] = []
        for _ in range(DIRECTIONS if sampled and np.isfinite(a).all() else 0):
            d = size * rng.standard_normal(v.size)
            found = differences.along(J, v, J_0, d, step / np.sqrt(v.size), sigma)
            if found.smooth:
                largest = max(float(np.linalg.norm(a * d)), abs(found.value), 10.0 * found.error / c.relative)
                lines.append(abs(float(a @ d) - found.value) / largest)
        return cls(c, sigma, smooth, tuple(lines))

    def report(
        self,
        probe: gradient_probes.Probe | None,
        found: tuple[Fault, ...],
        remarks: tuple[Fault, ...] = (),
        others: tuple[Fault, ...] = (),
    ) -> GradientReport:
        """The report, with the faults found already, or with the one that the numbers and the probes show."""
        c = self.c
        faults = found
        if not faults and c.wrong_parts and probe is not None:
            named = from_numbers(c)
            named = (
                gradient_probes.refined(named, c, probe) if named is not None else gradient_probes.from_probes(c, probe)
            )
            faults = (named or what_is_left(c),)
        if not faults and any(apart > c.relative for apart in self.along):
            faults = (fault("gradient-wrong", "along a random direction: in entries that were not sampled"),)
        arrays = tuple(_line(c, p, self.smooth) for p in c.layout.parts)
        faults += others
        return GradientReport(not faults, arrays, faults, remarks, self.along)


def _sizes(where: Structure, v: Floats) -> Floats:
    """By entry, what a step is relative to: itself, or what is usual in its array."""
    size = np.ones(v.size)
    for p in where.parts:
        usual = float(np.sqrt(np.mean(v[p.index] ** 2)))
        size[p.index] = np.maximum(np.abs(v[p.index]), usual) if usual > 0.0 else 1.0
    return size


def _sample(p: NamedPart, most: int, rng: np.random.Generator) -> list[int]:
    places = p.index.reshape(-1)
    if places.size > most:
        places = np.sort(rng.choice(places, most, replace=False))
    return [int(i) for i in places]


def _reliable(where: Structure, a: Floats, n: Floats, error: Floats) -> Any:
    """Whether a numerical derivative is known well enough to accuse anybody."""
    known = np.zeros(n.size, bool)
    for p in where.parts:
        i = p.index[np.isfinite(error[p.index])]
        usual = np.sqrt(max(np.mean(n[i] ** 2), np.nan_to_num(np.mean(a[i] ** 2)))) if i.size else 0.0
        known[i] = error[i] <= 1e-3 * np.maximum(np.abs(n[i]), usual) + 1e-12
    return known


def _line(c: Comparison, p: NamedPart, smooth: Any) -> ArrayCheck:
    asked = np.isfinite(c.error[p.index]) | ~smooth[p.index]
    here = c.checked[p.index]
    distance = c.distance(p.index)
    apart = np.where(here, np.abs(np.nan_to_num(c.a[p.index] - c.n[p.index], nan=np.inf)), -1.0)
    worst = np.unravel_index(int(apart.argmax()), apart.shape) if apart.ndim else ()
    at = p.index[worst]
    return ArrayCheck(
        p.name,
        tuple(p.index.shape),
        distance if np.isfinite(distance) else float("inf"),
        c.relative,
        int(here.sum()),
        int((asked & ~here).sum()),
        tuple(int(i) for i in worst),
        float(c.a[at]),
        float(c.n[at]),
    )


def _updates(update: Any, where: Structure, v: Floats, a: Floats) -> Any:
    """A fault where the update is not theta - alpha dtheta, or is written into theta."""
    theta, grads = where.restore(v.copy()), where.restore(a.copy())
    if isinstance(theta, Mapping):
        grads = {**grads, **{f"d{key}": V for key, V in grads.items()}}
    moved, misshapen, _ = _joined(where, where.entries(update(theta, grads, ALPHA)))
    kept = np.concatenate([np.reshape(V, -1) for V in where.entries(theta)])
    if misshapen:
        i = next(iter(misshapen))
        raise RequestError(f"update must return {where.names[i]} with its shape, {where.shapes[i]}.")
    step = v - moved
    if not np.array_equal(kept, v):
        yield fault("update-in-place")
    if np.allclose(step, ALPHA * a, rtol=1e-9, atol=1e-14):
        return
    still = [p for p in where.parts if not step[p.index].any() and a[p.index].any()]
    rest = np.concatenate([p.index.reshape(-1) for p in where.parts if p not in still] or [np.empty(0, int)])
    if np.allclose(step, -ALPHA * a):
        yield fault("ascent")
    elif np.allclose(step, a):
        yield fault("learning-rate-missing")
    elif np.allclose(moved, ALPHA * a) or np.allclose(moved, -ALPHA * a):
        yield fault("step-alone")
    elif np.count_nonzero(step) == 1 and step[0] != 0.0:
        yield fault("w1-alone-updated")
    elif still and np.allclose(step[rest], ALPHA * a[rest]):
        yield fault("bias-not-updated" if {p.role for p in still} == {BIAS} else "not-updated", places(still))
    else:
        yield fault("update-wrong")
