"""Expressions worked out on arrays, by compiled code."""

from collections.abc import Callable, Mapping
from functools import cache
from itertools import count
from typing import Any

import numpy as np

from chainrule.engines.fused import compiling, maps
from chainrule.engines.fused.assembly import WHOLE
from chainrule.engines.fused.emitting import symbols_of
from chainrule.engines.fused.target import Target
from chainrule.ir import Expression, Trace, decomposed

_number = count()


def compiled(outputs: Mapping[str, Expression], dtype: str, target: Target) -> Callable[..., dict[str, np.ndarray]]:
    """A function of the symbols by name: vectors, of one element where the symbol reaches ``one``."""
    name = f"evaluate_{next(_number)}"  # functions of one process need different names
    outputs = dict(zip(outputs, decomposed(list(outputs.values())), strict=True))
    text = maps.write_map(name, target, dtype, outputs)
    kernel = compiling.KERNEL(compiling.load(name, compiling.object_code(text, target)))
    symbols = symbols_of(list(outputs.values()))

    def call(**arrays: np.ndarray) -> dict[str, np.ndarray]:
        rows = max(arrays[s.value].size for s in symbols)
        arguments = [rows, 1]
        for s in symbols:
            arguments += [arrays[s.value].ctypes.data, *([1] if s.reach == "each" else [])]
        results = {o: np.empty(rows, dtype) for o in outputs}
        for r in results.values():
            arguments += [r.ctypes.data, 1]
        held = np.array(arguments, np.int64)
        kernel(held.ctypes.data, 0, WHOLE, 0)
        return results

    return call


@cache
def function_of_x(name: str, dtype: str, target: Target) -> Callable[[np.ndarray], np.ndarray]:
    """A function of the array namespace, of one argument, on arrays of the dtype."""
    trace = Trace(dtype)
    y: Any = getattr(trace, name)(trace.symbol("x"))
    run = compiled({"y": y}, dtype, target)
    return lambda x: run(x=np.ascontiguousarray(x, dtype))["y"]
