"""The contract between kernels and who calls them; and that addresses are taken in one place."""

import ast
from pathlib import Path

import numpy as np
import pytest

from chainrule.engines import fused
from chainrule.engines.fused import Fused
from chainrule.engines.fused.gate import at
from chainrule.engines.fused.ir_builder import Kernel
from chainrule.engines.fused.processor import AVX2
from chainrule.engines.fused.program import Program
from chainrule.engines.fused.signatures import INT64, MATRIX, NUMBER, At, KernelTable, Matrix, Place, Signature, Wanted
from chainrule.network import Network
from chainrule.recipe import Recipe

SOURCE = Path(fused.__file__).parent
SIGNATURE = Signature.of(Z=MATRIX, rows=NUMBER, order=INT64).in_dtype("float32")
Z, ORDER = Matrix(Place("work", "float32", 64), 8), Place("order", "int64")
RIGHT = {"Z": Z, "rows": 3, "order": ORDER}


def test_what_is_given_by_name_comes_in_the_order_of_the_signature():
    numbers, later = SIGNATURE.packed({"order": ORDER, "rows": 3, "Z": Z})
    assert numbers == [64, 8, 3, 0]
    assert later == [(0, Z.place), (3, ORDER)]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"rows": Place("work", "int64")}, "rows must be a number, not Place"),
        ({"rows": 3.0}, "rows must be a number, not 3.0"),
        ({"rows": KernelTable("tiles")}, "rows must be a number, not KernelTable"),
        ({"Z": 4}, "Z must be a matrix of float32, not 4"),
        ({"Z": Place("work", "float32")}, "Z must be a matrix of float32, not Place"),
        ({"Z": Matrix(Place("work", "float64"), 8)}, "Z must be a matrix of float32, not Matrix"),
        ({"order": Place("rates", "float64")}, "order must be the address of int64, not Place"),
        ({"order": At(64, "float64")}, "order must be the address of int64, not At"),
        ({"order": 0}, "order must be the address of int64, not 0"),
        ({"cols": 4}, r"missing: \[\]; that the kernel does not take: \['cols'\]"),
    ],
)
def test_whatever_is_of_another_kind_is_refused_where_the_program_is_written(wrong, message):
    with pytest.raises(TypeError, match=message):
        Program().work(Wanted("kernel", SIGNATURE), RIGHT | wrong)


def test_what_is_missing_is_named():
    with pytest.raises(TypeError, match=r"missing: \['rows'\]"):
        SIGNATURE.packed({"Z": Z, "order": ORDER})


def kernel():
    return Kernel("kernel", AVX2, SIGNATURE)


def test_a_kernel_takes_its_arguments_in_the_order_of_its_signature():
    whole = kernel()
    whole.matrix("Z")
    whole.number("rows")
    whole.address("order")
    assert "define void" in whole.finish()


@pytest.mark.parametrize(
    ("take", "message"),
    [
        (lambda k: k.number("rows"), "the next argument is Z, not rows"),
        (lambda k: k.address("Z"), "Z is a matrix of float32, not an address"),
        (lambda k: (k.matrix("Z"), k.address("rows")), "rows is a number, not an address"),
        (lambda k: (k.matrix("Z"), k.number("rows"), k.number("order")), "order is the address of int64, not a number"),
        (lambda k: (k.matrix("Z"), k.matrix("rows")), "rows is a number, not a matrix"),
        (lambda k: k.finish(), r"not taken: \['Z', 'stride of Z', 'rows', 'order'\]"),
        (
            lambda k: (k.matrix("Z"), k.number("rows"), k.address("order"), k.number("more")),
            "the next argument is no other, not more",
        ),
    ],
)
def test_a_kernel_that_takes_another_argument_is_not_written(take, message):
    with pytest.raises(TypeError, match=message):
        take(kernel())


def test_a_program_is_bound_to_memory_of_its_kinds_alone():
    fused = Fused(Network((2, 1)), Recipe())
    ready = fused._programs.finite()
    memory = {"work": At(64, "bytes")}
    with pytest.raises(TypeError, match=r"theta is of float64, and the program takes \{'float32'\} there"):
        ready.finished.bind(memory | {"theta": at(np.zeros(3))})


@pytest.mark.parametrize(
    "array", [np.zeros(4)[::2], np.zeros(4, ">f4"), np.zeros(9, np.uint8)[1:].view(np.float64), np.zeros(4, complex)]
)
def test_no_address_is_given_of_an_array_in_another_form(array):
    with pytest.raises(TypeError, match="has not passed the gate"):
        at(array)


# The ways of NumPy, ctypes and others to tell where an array is
TELLS = {"__array_interface__", "__array_struct__", "ctypes", "data_as", "from_buffer", "addressof", "data_ptr"}
OF_ONES_OWN = {
    "gate.py",
    "memory.py",
    "program.py",
    "program_cache.py",
    "shuffling.py",
}  # arrays that the engine has made


def named(path):
    """Attributes and names in a file, without what it imports."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.Name):
            yield node.id


@pytest.mark.parametrize("path", sorted(SOURCE.glob("*.py")), ids=lambda path: path.name)
def test_the_gate_alone_takes_addresses(path):
    names = set(named(path))
    if path.name != "gate.py":
        functions = {"compiling.py", "barrier.py"}  # of functions, to call them
        assert not names & (TELLS - {"ctypes"} if path.name in functions else TELLS)
    if path.name not in OF_ONES_OWN:
        imported = {
            alias.name
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(node, ast.ImportFrom) and node.module == "chainrule.engines.fused.gate"
            for alias in node.names
        }
        assert "at" not in imported
