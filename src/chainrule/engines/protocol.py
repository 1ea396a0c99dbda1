"""What engines have in common: the same answers, computed in different places.

An engine is made for one network and one recipe, and works on whole networks: nothing smaller crosses the seam. What
changes is the State, handed in and handed back; an engine remembers nothing of a run between calls.

    predict(theta, X, codes)                A[L]
    cost(theta, examples)                   J without penalties and dropout
    gradient(theta, examples, step, S)      J and dtheta as training step ``step`` has them (None: without dropout)
    update(state, dtheta, rate)             the state after one step of the optimiser
    run(state, source, first, last, rates)  the state after the training steps first..last-1 on batches of a source, or
                                            of examples in the recipe's batches, with a learning rate for each (None:
                                            the recipe's); may move the arrays of the given state on in place, so keep
                                            a copy (``to_numpy``) of what you need

What is read-only, or is memory of a file, of another process or of another library, is never moved on in place: ``run``
copies it. Arrays of another form (dtype, byte order, strides) are taken as the same numbers in the engine's own form;
arrays of another shape are refused with RequestError.

Examples may be a share of a step: S is then the sum of the weights of the whole step, and ``gradient`` gives their
share of J and dtheta, penalties in proportion to their weights. The shares of all add up to what one call gives for
the whole step; one whose weights are all 0 adds 0. With ``row``, how many examples of the step come before them,
dropout draws for them what it draws in the whole step.

An epoch is a run; so is what lies between two checkpoints, two looks at the clock, or two sums over machines.
``reference`` is the definition of right; every other engine is compared with it.
"""

from typing import Any, NamedTuple, Protocol

from chainrule.formulas.links import Link
from chainrule.formulas.losses import Loss
from chainrule.formulas.optimizers import Optimizer
from chainrule.formulas.schedules import Schedule
from chainrule.formulas.table import Array, Namespace
from chainrule.network import Network
from chainrule.recipe import Recipe
from chainrule.sources import Examples, Source


class MomentsOf(NamedTuple):
    """Which rule keeps the moments, and of what function they are gradients.

    optimizer   the row, with those of its numbers by which it corrects for the start at zero; and whether its theta is
                averaged
    network     its sizes, activations, loss and dtype; penalties and dropout leave the gradient what it is
    functions   those of these rows that are the user's own
    """

    optimizer: str
    network: tuple[Any, ...]
    functions: tuple[tuple[str, object], ...]


class Origin(NamedTuple):
    """What a state was made for: its moments, and the schedule and learning rate that ``rate_scale`` multiplies."""

    moments: MomentsOf
    schedule: str
    learning_rate: float


class State(NamedTuple):
    """All that training changes. The random numbers of a step are functions of the recipe's seed and ``step``.

    theta        parameters, (size,)
    moments      the vectors that the optimiser keeps, each (size,)
    step         steps done since training began; the position inside the epoch follows from it
    updates      steps that moved theta (a step whose weights sum to 0 does not)
    samples      examples seen
    rate_scale   what the schedule ``adaptive`` has made of the learning rate
    cost_sum     sum of S J over the steps of the epoch so far
    weight_sum   sum of S over the same steps
    rate         the learning rate of the last step
    diverged     J or dtheta was not finite in step ``step``; theta is what that step began with
    interrupted  Ctrl-C ended the run after step ``step`` - 1
    origin       what it was made for; None where that is not known, as in one that an older version kept
    """

    theta: Array
    moments: tuple[Array, ...]
    step: int = 0
    updates: int = 0
    samples: int = 0
    rate_scale: float = 1.0
    cost_sum: float = 0.0
    weight_sum: float = 0.0
    rate: float = 0.0
    diverged: bool = False
    interrupted: bool = False
    origin: Origin | None = None


class Engine(Protocol):
    """What every engine offers; see the module."""

    network: Network
    recipe: Recipe
    loss: Loss
    link: Link
    optimizer: Optimizer
    schedule: Schedule
    learning_rate: float
    xp: Namespace
    origin: Origin

    def examples(self, X: Any, Y: Any, weight: Any | None = None, codes: Any | None = None) -> Examples:
        """Rows X (m, numbers), Y (m, n[L]) and codes (m, columns of codes) in this engine's form.

        RequestError: weights that are negative or not finite, or whose sum the network's dtype cannot count with.
        """
        ...

    def start(self, theta: Any | None = None) -> State:
        """The state before the first step, from the network's initial theta or the given one."""
        ...

    def predict(self, theta: Any, X: Any, codes: Any | None = None) -> Any:
        """A[L] for rows X (m, numbers) and codes, as rows (m, n[L]), a NumPy array."""
        ...

    def cost(self, theta: Any, examples: Examples) -> float:
        """J of the examples without penalties and dropout."""
        ...

    def gradient(
        self, theta: Any, examples: Examples, step: int | None = None, S: float | None = None, row: int = 0
    ) -> tuple[float, Any]:
        """J with its penalties, and dtheta, dropout as in training step ``step``; None for none.

        S     the sum of the weights of the step that the examples are a share of; None where they are all of it
        row   how many examples of the step come before them

        RequestError: S is less than the weights of the examples come to.
        """
        ...

    def update(self, state: State, dtheta: Any, rate: float) -> State:
        """One step of the optimiser along dtheta (clipped where the recipe says so)."""
        ...

    def run(
        self, state: State, source: Source | Examples, first_step: int, last_step: int, rates: Any | None = None
    ) -> State:
        """Training steps first_step..last_step-1, from state.step == first_step; stops at the first not finite.

        ``rates`` has the learning rate of each step, (last_step - first_step,); None for the recipe's.
        """
        ...

    def is_finite(self, theta: Any) -> bool:
        """Every one of the parameters is finite."""
        ...

    def to_numpy(self, theta: Any) -> Any:
        """A copy of theta as a NumPy array."""
        ...
