"""Expressions worked out on arrays, by compiled code."""

from collections.abc import Callable, Mapping
from functools import cache
from itertools import count
from typing import Any

import numpy as np

from chainrule.engines.fused import compiling, elementwise
from chainrule.engines.fused.codegen import symbols_of
from chainrule.engines.fused.ir_builder import WHOLE
from chainrule.engines.fused.processor import Processor
from chainrule.ir import Expression, Tracer, decomposed

_number = count()


def compiled(outputs: Mapping[str, Expression], dtype: str, target: Processor) -> Callable[..., dict[str, np.ndarray]]:
    """A function of the symbols by name: vectors, of one element where the symbol reaches ``one``."""
    name = f"evaluate_{next(_number)}"  # functions of one process need different names
    outputs = dict(zip(outputs, decomposed(list(outputs.values())), strict=True))
    text = elementwise.write_map(name, target, dtype, outputs)
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
def function_of_x(name: str, dtype: str, target: Processor) -> Callable[[np.ndarray], np.ndarray]:
    """A function of the array namespace, of one argument, on arrays of the dtype."""
    trace = Tracer(dtype)
    y: Any = getattr(trace, name)(trace.symbol("x"))
    run = compiled({"y": y}, dtype, target)
    return lambda x: run(x=np.ascontiguousarray(x, dtype))["y"]
