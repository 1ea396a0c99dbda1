"""Which kernels a network and a recipe need: their formulas traced, and the products and moves between them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from chainrule.engines.fused import (
    data_movement,
    elementwise,
    executor,
    lookups,
    matmul,
    microkernels,
    reductions,
    row_gather,
    rowwise,
    step_state,
)
from chainrule.engines.fused.codegen import symbols_of
from chainrule.engines.fused.input_kernels import input_part
from chainrule.engines.fused.kernel_registry import Library, library
from chainrule.engines.fused.processor import Processor
from chainrule.engines.fused.signatures import KernelTable, Made, Signature, Wanted
from chainrule.errors import ChainruleError, RequestError
from chainrule.formulas import equations
from chainrule.formulas.optimizers import Optimizer, clipped
from chainrule.formulas.table import Functions
from chainrule.ir import Expression, Tracer, Untraceable, decomposed, describe, rewritten, walk
from chainrule.layout import Role
from chainrule.network import Formulas, Network
from chainrule.recipe import Recipe

OVER_OUTPUTS = ("sum_outputs", "max_outputs", "output", "stack")
OVER_ALL = ("sum_all", "max_all")
OVER_EXAMPLES = ("sum_examples",)


@dataclass(frozen=True)
class Hidden:
    """A hidden layer, element by element: ``forward``, A from Z; ``backward``, dZ from dA and the slope.

    The slope is worked out on the way back where A is enough for it (relu, tanh, sigmoid): no matrix is written and
    read for it then. Else the way forward writes it beside A, as G.
    """

    forward: Made
    backward: Made


@dataclass(frozen=True)
class Penalised:
    """What penalties add: ``slopes`` to dtheta; ``values`` to J, as partial sums."""

    slopes: Made
    values: Made


@dataclass(frozen=True)
class Reduction:
    """A sum or largest over vectors: ``partials`` of parts, then ``combine``; the number is the symbol ``name``."""

    name: str
    partials: Made
    combine: Wanted


@dataclass(frozen=True)
class Update:
    """The optimiser's step of a block: the sums over it that it takes, one after the other; then what it gives."""

    sums: tuple[Reduction, ...]
    made: Made


class Parts:
    """The kernels of a network and a recipe. Untraceable: a function that cannot be compiled.

    inputs                    the input layers
    hidden[l-1], still[l-1]   layer l for training; without the dropout that it may have
    plain[l-1]                A alone
    losses, values            losses with dZ; losses alone. ``by_example``: an example's outputs belong together
    link                      A[L] from Z[L]; None where they are the same. ``link_by_example``: as for the losses
    penalties                 of a whole step, and where ``True`` of a share of one; empty without any
    reductions, updates       what has to be known of dtheta before an update; the step of a block, by its role
    pool                      Programs that no engine uses now, by the number of threads that was asked for
    """

    def __init__(self, network: Network, recipe: Recipe, functions: Functions | None, library: Library) -> None:
        self.dtype = network.dtype
        self.pool: dict[int | None, list[Any]] = {}
        self.library = library
        self.network = network
        self.trace = trace = Tracer(network.dtype)
        formulas = self._traced("the network", lambda: network.formulas(trace, functions))
        for_dtype = {
            "gemv": (reductions.GEMV, reductions.write_gemv),
            "finite": (reductions.FINITE, reductions.write_finite),
            "gather": (data_movement.GATHER, data_movement.write_gather),
            "transpose": (data_movement.TRANSPOSE, data_movement.write_transpose),
            "begin": (step_state.BEGIN, step_state.write_begin),
            "begin share": (step_state.BEGIN_SHARE, step_state.write_begin_share),
            "cost": (step_state.COST, step_state.write_cost),
            "verdict": (step_state.VERDICT, step_state.write_verdict),
        }
        self.inputs = [input_part(layer, trace, self._traced, self._made) for layer in network.input_layers]
        if self.inputs:
            for_dtype |= {
                "repeat": (row_gather.REPEAT, row_gather.write_repeat),
                "mean": (lookups.MEAN, lookups.write_mean),
                "lookup": (lookups.LOOKUP, lookups.write_lookup),
                "scatter": (lookups.SCATTER, lookups.write_scatter),
                "fold": (lookups.FOLD, lookups.write_fold),
            }
        self.common = {name: self._want(f"{name} {self.dtype}", *how, self.dtype) for name, how in for_dtype.items()}
        self.tiles: dict[bool, KernelTable] = {}
        for transposed in (False, True):
            self.tiles[transposed] = KernelTable(
                self._name(f"tiles {self.dtype} {transposed}", microkernels.write_tiles, self.dtype, transposed)
            )
            for name, signature, write in (
                ("product", matmul.PRODUCT, matmul.write_product),
                ("blocked", matmul.BLOCKED, matmul.write_blocked),
            ):
                kernel = self._want(f"{name} {self.dtype} {transposed}", signature, write, self.dtype, transposed)
                self.common[name + "_transposed" * transposed] = kernel
        how = matmul.BLOCKED, matmul.write_blocked, self.dtype, False, True
        self.common["blocked_B_transposed"] = self._want(f"blocked {self.dtype} B transposed", *how)
        for_all = {
            "words": (data_movement.WORDS, data_movement.write_words),
            "end": (step_state.END, step_state.write_end),
            "execute": (executor.RUN, executor.write_execute),
            "execute_alone": (executor.RUN, executor.write_execute_alone),
        }
        self.common |= {name: self._want(name, *how) for name, how in for_all.items()}
        layers = range(1, network.L)
        self.still = [self._activation(formulas, l, 0.0) for l in layers]
        self.hidden = [
            self._activation(formulas, l, p) if p > 0.0 else still
            for l, p, still in zip(layers, network.dropout, self.still, strict=True)  # type: ignore[arg-type]
        ]
        self.plain = [
            self._map({"A": self._traced("an activation", lambda l=l: formulas.g[l](trace.symbol("Z")))})
            for l in layers
        ]
        self._last_layer(formulas)
        self._penalties(formulas)
        self.reductions: list[Reduction] = []
        self.updates: dict[Role, Update] = {}
        self._optimizer(recipe, functions)

    def _activation(self, formulas: Formulas, l: int, p: float) -> Hidden:
        Z, dA = self.trace.symbol("Z"), self.trace.symbol("dA")
        g, slope = formulas.g[l], formulas.slope[l]
        assert g is not None
        assert slope is not None
        if p > 0.0:
            g, slope = equations.dropped(g, slope, self._kept(p))
        what = f"activation {self.network.activation[l - 1]!r}"
        A = self._real(self._traced(what, lambda: g(Z)))
        G = self._real(self._traced(what, lambda: slope(Z, self.trace.symbol("A"))))
        outputs = {"A": A}
        if any(symbol.value != "A" for symbol in symbols_of([G])):
            outputs["G"] = self._real(self._traced(what, lambda: slope(Z, A)))
            G = self.trace.symbol("G")
        self._elementwise(what, *outputs.values(), G)
        return Hidden(self._map(outputs), self._map({"dZ": dA * G}))

    def _kept(self, p: float) -> Expression:
        """D of ``equations.dropped``: 1 / (1 - p) where half a random word is not below p 2^32, else 0."""
        trace = self.trace
        half = trace.make("symbol", (), "int32", "each", value="half")
        threshold = min(round(p * 2**32), 2**32 - 1)
        below = trace.apply("below", (half, trace.constant(threshold, "int32")), "bool")
        real = (trace.constant(v, self.dtype) for v in (0.0, 1.0 / (1.0 - p)))
        return trace.apply("select", (below, *real))

    def _last_layer(self, formulas: Formulas) -> None:
        outputs, trace, loss = self.network.n[-1], self.trace, formulas.loss
        Z, Y = (trace.symbol(s, rows=outputs) for s in ("Z", "Y"))
        share = trace.symbol("share", "example")
        what = f"loss {self.network.loss!r}"
        value = self._real(self._traced(what, lambda: loss.value(Z, Y)))
        dZ = self._real(self._traced(what, lambda: equations.output_delta(loss, Z, Y, share)))
        self.by_example = any(e.op in OVER_OUTPUTS for e in walk([value, dZ]))
        if self.by_example and value.reach == "each":
            raise Untraceable(f"{what}: with sums over outputs, value is one number for each example")
        write = self._by_example if self.by_example else self._losses
        self.losses = write({"losses": value, "dZ": dZ})
        self.values = write({"losses": value})
        link = formulas.g[-1]
        assert link is not None
        A = self._traced(f"the link of {what}", lambda: link(Z))
        if any(e.op in OVER_EXAMPLES for e in walk([value, dZ, self._real(A)])):
            raise Untraceable(f"{what}: a sum over examples; each of them has a loss of its own")
        self.link_by_example = any(e.op in OVER_OUTPUTS for e in walk([A]))
        self.link = None if A is Z else (self._by_example if self.link_by_example else self._map)({"A": A})

    def _penalties(self, formulas: Formulas) -> None:
        self.penalties: dict[bool, Penalised] = {}
        if not formulas.penalties:
            return
        theta, S = self.trace.symbol("theta"), self.trace.symbol("S", "one", weak=True)
        slopes = [self._traced("a penalty", lambda p=p: p.slope(theta, S)) for p in formulas.penalties]
        values = [self._traced("a penalty", lambda p=p: p.value(theta, S)) for p in formulas.penalties]
        part = self.trace.symbol("part", "one", weak=True)
        for of_share in (False, True):
            dtheta: Any = self.trace.symbol("dtheta")
            total: Any = 0.0
            for slope, value in zip(slopes, values, strict=True):
                dtheta = dtheta + (part * slope if of_share else slope)
                total = total + (part * value if of_share else value)
            self._elementwise("a penalty", dtheta, total)
            self.penalties[of_share] = Penalised(
                self._map({"dtheta": dtheta}), self._partials("sum", {"penalty": total})
            )

    def _optimizer(self, recipe: Recipe, functions: Functions | None) -> None:
        trace = self.trace
        what = f"optimizer {recipe.optimizer!r}"
        optimizer = self._traced(what, lambda: recipe.make_optimizer(trace, functions))
        step = optimizer.step
        if step is None:
            return
        theta, dtheta = trace.symbol("theta"), trace.symbol("dtheta")
        rate, t = trace.symbol("rate", "one", weak=True), trace.symbol("t", "one", whole=True)
        state = [trace.symbol(f"moment {i}") for i in range(len(optimizer.state))]
        moved = dtheta if recipe.clip_norm is None else clipped(trace, dtheta, recipe.clip_norm)
        self.reductions, (moved,) = self._reduced("known", [moved], OVER_ALL)
        for role in dict.fromkeys(block.role for block in self.network.layout):
            own = rate if role.rate == 1.0 else rate * role.rate
            after = self._traced(what, lambda r=role, own=own: step(theta, moved, own, t, r.decay, *state))
            sums, after = self._over_blocks(what, optimizer, list(after))
            self._elementwise(what, *after)
            outputs = {"theta": after[0], **{f"moment {i}": after[i + 1] for i in range(len(state))}}
            self.updates[role] = Update(tuple(sums), self._map(outputs))

    def _over_blocks(
        self, what: str, optimizer: Optimizer, after: list[Expression]
    ) -> tuple[list[Reduction], list[Expression]]:
        """The sums over a block in what a step gives, and the rest of it."""
        ops = {e.op for e in walk(after)}
        if "max_all" in ops:  # partials of it begin at 0, which is right for the lengths that clipping looks at
            raise Untraceable(f"{what}: the largest of a block; sums over it are compiled")
        if "sum_all" in ops and not optimizer.whole_blocks:
            raise RequestError(
                f"{what}: its step takes sums, and may be given a part of a block. Say whole_blocks=True in its "
                "Optimizer, and it is given whole blocks."
            )
        return self._reduced("sum", after, ("sum_all",))

    @property
    def most_sums(self) -> int:
        """Over a block, in a step of the optimiser."""
        return max((len(update.sums) for update in self.updates.values()), default=0)

    def _reduced(
        self, name: str, outputs: list[Expression], ops: tuple[str, ...]
    ) -> tuple[list[Reduction], list[Expression]]:
        """The reductions of these kinds in the outputs; and the outputs with symbols in their places."""
        reductions: list[Reduction] = []
        known: dict[Expression, Expression] = {}
        for e in walk(outputs):
            if e.op in ops:
                op = e.op.removesuffix("_all")
                partials = self._partials(op, {"partials": _with_known([e.args[0]], known)[0]})
                combine = self._want(
                    f"combine {self.dtype} {op}", step_state.COMBINE, step_state.write_combine, self.dtype, op
                )
                reductions.append(Reduction(f"{name} {len(known)}", partials, combine))
                known[e] = self.trace.symbol(reductions[-1].name, "one")
        return reductions, _with_known(outputs, known)

    def _want(self, description: str, signature: Signature, write: Callable[..., str], *given: Any) -> Wanted:
        return Wanted(self._name(description, write, *given), signature.in_dtype(self.dtype))

    def _name(self, description: str, write: Callable[..., str], *given: Any) -> str:
        target = self.library.target
        return self.library.want(description, lambda name: write(name, target, *given))

    def _made(
        self,
        kind: str,
        signature: Callable[[str, Mapping[str, Expression]], Signature],
        write: Callable[..., str],
        outputs: dict[str, Expression],
        *given: Any,
    ) -> Made:
        expressions = decomposed([self._real(e) for e in outputs.values()])
        outputs = dict(zip(outputs, expressions, strict=True))
        text = f"{kind} {self.dtype} {list(outputs)} {given}\n{describe(expressions)}"
        name = self._name(text, lambda name, target: write(name, target, self.dtype, outputs, *given))
        kernel = Wanted(name, signature(self.dtype, outputs))
        return Made(kernel, tuple(str(s.value) for s in symbols_of(expressions)), tuple(outputs))

    def _map(self, outputs: dict[str, Expression]) -> Made:
        return self._made("map", elementwise.map_signature, elementwise.write_map, outputs)

    def _losses(self, outputs: dict[str, Expression]) -> Made:
        return self._made(
            "losses", reductions.losses_signature, reductions.write_losses, outputs, self.network.n[-1] == 1
        )

    def _by_example(self, outputs: dict[str, Expression]) -> Made:
        return self._made("by example", rowwise.by_example_signature, rowwise.write_by_example, outputs)

    def _partials(self, op: str, terms: dict[str, Expression]) -> Made:
        write = lambda name, target, dtype, outputs, op: reductions.write_partials(name, target, dtype, op, outputs)  # noqa: E731
        return self._made("partials", reductions.partials_signature, write, terms, op)

    def _real(self, made: Any) -> Expression:
        """What a formula gave, in the network's dtype: it may be a plain number."""
        e = made if isinstance(made, Expression) else self.trace.number(made)
        return self.trace.cast(e, self.dtype)

    def _elementwise(self, what: str, *expressions: Expression) -> None:
        if any(e.op in (*OVER_OUTPUTS, *OVER_ALL, *OVER_EXAMPLES) for e in walk(list(expressions))):
            raise Untraceable(f"{what}: a sum over units or examples; here a formula acts on one element at a time")

    def _traced(self, what: str, call: Callable[[], Any]) -> Any:
        """What a formula makes of symbols. Untraceable, with the reason, whatever kept it from it."""
        try:
            return call()
        except Untraceable as reason:
            raise Untraceable(f"{what}: {reason}") from reason
        except ChainruleError:
            raise
        except Exception as reason:  # whatever kept it from it: the reference engine will show whether it is a mistake
            raise Untraceable(f"{what}: {type(reason).__name__}: {reason}") from reason


@lru_cache(maxsize=64)
def known_parts(
    network: Network, optimizer: str, averaging: float | None, clip_norm: float | None, target: Processor
) -> Parts:
    """The Parts of a network and a recipe without custom functions; engines that differ elsewhere share them."""
    return Parts(network, Recipe(optimizer, averaging=averaging, clip_norm=clip_norm), None, library(target))


def _with_known(outputs: list[Expression], known: Mapping[Expression, Expression]) -> list[Expression]:
    """The outputs with symbols in the places of what is known by then."""
    return rewritten(outputs, lambda e, args: known.get(e))
