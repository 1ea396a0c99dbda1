"""The bar that shows on a terminal how far a training run is."""

from contextlib import AbstractContextManager
from typing import Any, Self

from chainrule.history import History
from chainrule.network import Parameters


class ProgressBar(AbstractContextManager["ProgressBar"]):
    """A callback: epochs, costs, the score and the time left; ``console`` is one of rich, None for standard output."""

    def __init__(self, epochs: int, console: Any = None) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (
            TextColumn("Training"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TextColumn("epochs  {task.fields[costs]}"),
            TimeRemainingColumn(),
        )
        self._progress = Progress(*columns, console=console)
        self._task = self._progress.add_task("", total=epochs, costs="")

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._progress.stop()

    def on_epoch_end(self, history: History, parameters: Parameters | None) -> None:
        """Move on."""
        costs = f"cost {history.training_cost[-1]:.4g}"
        if history.validation_cost:
            costs += f"  validation {history.validation_cost[-1]:.4g}"
        if history.score:
            costs += f"  {history.monitor} {history.score[-1]:.4g}"
        self._progress.update(self._task, completed=len(history), costs=costs)
