"""PyTorch: the usual loop, on tensors in memory rather than through a DataLoader, which would cost more.

Forms: the rows gathered batch by batch (``gather="batch"``) or once an epoch and then cut into views (``"epoch"``);
``precision="medium"`` lets matrix products use bfloat16 where the processor has it; ``compiled`` makes one function of
model and loss by ``torch.compile``.
"""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn

from benchmarks import cases
from benchmarks.cases import Case
from benchmarks.data import Data, Layers


class PyTorch:
    def __init__(
        self, case: Case, data: Data, threads: int, gather: str, precision: str, compiled: bool, seed: int
    ) -> None:
        torch.set_num_threads(threads)
        torch.set_float32_matmul_precision(precision)
        torch.manual_seed(seed)
        self.gather = gather
        self.batch_size = case.batch_size
        self.start = data.layers
        self.X = torch.from_numpy(data.X)
        labels = torch.from_numpy(data.labels)
        self.Y = labels.to(torch.float32)[:, None] if case.is_binary else labels
        parts: list[nn.Module] = []
        for n_in, n_out in zip(case.n, case.n[1:], strict=False):
            parts += [nn.Linear(n_in, n_out), nn.ReLU()]
        self.model = nn.Sequential(*parts[:-1])
        self.optimizer = torch.optim.Adam(
            self.model.parameters(),
            lr=cases.LEARNING_RATE,
            betas=(cases.BETA1, cases.BETA2),
            eps=cases.EPSILON,
            fused=True,
        )
        model, criterion = self.model, nn.BCEWithLogitsLoss() if case.is_binary else nn.CrossEntropyLoss()

        def loss(x: Tensor, y: Tensor) -> Tensor:
            return criterion(model(x), y)

        self.loss = torch.compile(loss) if compiled else loss

    def restart(self) -> None:
        linear = [part for part in self.model if isinstance(part, nn.Linear)]
        with torch.no_grad():
            for part, (W, b) in zip(linear, self.start, strict=True):
                part.weight.copy_(torch.from_numpy(W.T))
                part.bias.copy_(torch.from_numpy(b))
            for state in self.optimizer.state.values():
                for moment_or_step in state.values():
                    moment_or_step.zero_()

    def train(self, epochs: int) -> None:
        loss, optimizer = self.loss, self.optimizer
        for _ in range(epochs):
            for x, y in self._batches():
                optimizer.zero_grad(set_to_none=True)
                loss(x, y).backward()
                optimizer.step()

    def train_watched(self, stops: Callable[[Callable[[], Layers]], bool]) -> None:
        self.train(1)
        while not stops(self.layers):
            self.train(1)

    def layers(self) -> Layers:
        linear = [part for part in self.model if isinstance(part, nn.Linear)]
        return [(part.weight.detach().numpy().T.copy(), part.bias.detach().numpy().copy()) for part in linear]

    def _batches(self) -> Iterator[tuple[Tensor, Tensor]]:
        order = torch.randperm(len(self.X))
        if self.gather == "epoch":
            X, Y = self.X.index_select(0, order), self.Y.index_select(0, order)
            yield from zip(X.split(self.batch_size), Y.split(self.batch_size), strict=True)
        else:
            for rows in order.split(self.batch_size):
                yield self.X.index_select(0, rows), self.Y.index_select(0, rows)


def make(
    case: Case, data: Data, threads: int, gather: str, precision: str = "highest", compiled: bool = False, seed: int = 0
) -> PyTorch:
    return PyTorch(case, data, threads, gather, precision, compiled, seed)
