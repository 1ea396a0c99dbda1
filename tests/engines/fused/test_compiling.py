"""Every kernel, assembled for every target: whole, on that target's vectors, and calling nothing from outside."""

import re
import struct

import pytest

from chainrule.engines.fused.compiling import optimized
from chainrule.engines.fused.kernel_registry import PREFIX, Library
from chainrule.engines.fused.kernel_selection import Parts
from chainrule.engines.fused.processor import AVX2, AVX512, NEON
from chainrule.formulas.activations import ACTIVATIONS
from chainrule.network import Network
from chainrule.recipe import Recipe
from tests.formulas.problems import ALL_INPUTS, before

TARGETS = {"AVX512": AVX512, "AVX2": AVX2, "NEON": NEON}
ELSEWHERE = re.compile(r"v\d{1,2}\.\d+[bhsd]")  # a vector of NEON's
MULTIPLY_ADD = {
    "AVX512": re.compile(r"\tvfmadd\d+p[sd]\t.*%zmm"),
    "AVX2": re.compile(r"\tvfmadd\d+p[sd]\t.*%ymm"),
    "NEON": re.compile(r"\tfmla\tv\d+\.(4s|2d)"),
}
FOREIGN = {
    "AVX512": ELSEWHERE,
    "AVX2": re.compile(r"%zmm|%k[1-7]\b|" + ELSEWHERE.pattern),
    "NEON": re.compile(r"%[xyz]mm"),
}


def written(target, dtype):
    """Name and text of every kernel of networks in which much has a part."""
    library = Library(target)
    activations = tuple(ACTIVATIONS)
    for loss, outputs in (("cross_entropy(0.1)", 3), ("poisson", 1)):
        network = Network(
            (5, *(4,) * len(activations), outputs),
            activations,
            loss,
            (0.2, *(0.0,) * (len(activations) - 1)),
            ("l2(0.1)", "l1(0.01)"),
            dtype=dtype,
        )
        for optimizer, clip_norm in (("adamw", 0.5), ("momentum", None), ("lamb", None)):
            Parts(network, Recipe(optimizer, clip_norm=clip_norm), None, library)
    for layer in ALL_INPUTS:
        Parts(before(layer, Network((1, 2), dtype=dtype)), Recipe(), None, library)
    return [(name, write(name)) for name, write in library._writers.items()]


def assembled(target, dtype):
    """Name, object code and assembly of every kernel."""
    for name, text in written(target, dtype):
        module, machine = optimized(text, target)
        yield name, bytes(machine.emit_object(module)), machine.emit_assembly(module)


def symbols(code):
    """Names in an ELF object's table of symbols: those it defines, and those it expects from elsewhere.

    The table of offsets is no function: whatever loads code that may stand anywhere makes one.
    """
    assert code[:6] == b"\x7fELF\x02\x01"  # 64 bits, little-endian
    (sections,) = struct.unpack_from("<Q", code, 0x28)
    size, count = struct.unpack_from("<HH", code, 0x3A)
    headers = [struct.unpack_from("<IIQQQQIIQQ", code, sections + i * size) for i in range(count)]
    defined, undefined = set(), set()
    for _, kind, _, _, offset, length, link, _, _, entry in headers:
        if kind != 2:  # SHT_SYMTAB
            continue
        names = code[headers[link][4] :]
        for at in range(offset, offset + length, entry):
            name_at, _, _, section, _, _ = struct.unpack_from("<IBBHQQ", code, at)
            name = names[name_at : names.index(b"\0", name_at)].decode()
            if name:
                (defined if section else undefined).add(name)
    return defined, undefined - {"_GLOBAL_OFFSET_TABLE_"}


@pytest.mark.parametrize("dtype", ["float32", pytest.param("float64", marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", TARGETS)
def test_every_kernel_is_assembled_for_every_target(name, dtype):
    multiply_adds = 0
    kernels = 0
    for kernel, code, assembly in assembled(TARGETS[name], dtype):
        kernels += 1
        defined, undefined = symbols(code)
        assert kernel in defined
        assert not undefined, f"{undefined} is called by {kernel}"
        assert not (found := FOREIGN[name].search(assembly)), f"{found} in {kernel}"
        multiply_adds += len(MULTIPLY_ADD[name].findall(assembly))
    assert kernels > 30
    assert multiply_adds > 500


def test_foreign_instructions_would_be_noticed():
    assert FOREIGN["AVX2"].search("\tvaddps\t%zmm0, %zmm1, %zmm2")
    assert FOREIGN["AVX2"].search("\tvmovups\t(%rax), %ymm0 {%k1} {z}")
    assert not FOREIGN["AVX2"].search("\tvaddps\t%ymm0, %ymm1, %ymm2")


def test_a_call_from_outside_would_be_noticed():
    text = f"""
    target triple = "{AVX2.triple}"
    declare double @sin(double)
    define double @{PREFIX}f(double %x) {{
      %y = call double @sin(double %x)
      ret double %y
    }}"""
    module, machine = optimized(text, AVX2)
    defined, undefined = symbols(bytes(machine.emit_object(module)))
    assert f"{PREFIX}f" in defined
    assert undefined == {"sin"}
