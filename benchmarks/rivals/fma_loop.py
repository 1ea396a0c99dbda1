"""The processor's own limit: float32 fused multiply-adds of one core, with nothing in their way.

NumPy cannot issue FMAs that stay in registers, and users need no C compiler; llvmlite (it comes with Numba) compiles
the loop. Each accumulator is a chain of its own: one waits for its last result, the others keep every unit busy.
"""

import ctypes
from typing import Any

from llvmlite import binding, ir

# Multiply-adds in flight: above latency x units of every processor known to us, and not more than its registers.
ACCUMULATORS_OF_16_REGISTERS = 12
ACCUMULATORS_OF_32_REGISTERS = 24
ROUNDS_PER_EPOCH = 1_000_000


class FmaLoop:
    def __init__(self) -> None:
        binding.initialize_native_target()
        binding.initialize_native_asmprinter()
        self.lanes, self.accumulators = _vector_unit(binding.get_host_cpu_features())
        self.flops_per_epoch = 2 * self.lanes * self.accumulators * ROUNDS_PER_EPOCH
        machine = binding.Target.from_default_triple().create_target_machine(
            cpu=binding.get_host_cpu_name(), features=binding.get_host_cpu_features().flatten(), opt=3, jit=True
        )
        module = binding.parse_assembly(_loop(self.lanes, self.accumulators))
        self._compiler = binding.create_mcjit_compiler(module, machine)  # owns the code that _run points to
        self._compiler.finalize_object()
        address = self._compiler.get_function_address("fma_loop")
        self._run = ctypes.CFUNCTYPE(ctypes.c_float, ctypes.c_int64)(address)

    def restart(self) -> None:
        """Nothing is kept between epochs."""

    def train(self, epochs: int) -> None:
        self._run(epochs * ROUNDS_PER_EPOCH)


def make(*_: Any) -> FmaLoop:
    """A contestant that takes part like the others, so that its rounds lie among theirs."""
    return FmaLoop()


def _vector_unit(features: dict[str, bool]) -> tuple[int, int]:
    """float32 numbers in a vector, and how many accumulators to use."""
    if features.get("avx512f"):
        return 16, ACCUMULATORS_OF_32_REGISTERS
    if features.get("avx") and features.get("fma"):
        return 8, ACCUMULATORS_OF_16_REGISTERS
    if features.get("neon"):
        return 4, ACCUMULATORS_OF_32_REGISTERS
    raise RuntimeError("this processor has no vector FMA that the loop knows how to use (AVX-512, AVX2 or NEON)")


def _loop(lanes: int, accumulators: int) -> str:
    """LLVM IR of ``float fma_loop(int64 rounds)``: in each round a[k] := a[k] / 2 + 1 for every accumulator k."""
    number, vector, count = ir.FloatType(), ir.VectorType(ir.FloatType(), lanes), ir.IntType(64)
    module = ir.Module()
    module.triple = binding.get_default_triple()
    fma = ir.Function(module, ir.FunctionType(vector, [vector] * 3), f"llvm.fma.v{lanes}f32")
    function = ir.Function(module, ir.FunctionType(number, [count]), "fma_loop")
    entry, body, end = (function.append_basic_block(name) for name in ("entry", "body", "end"))
    ir.IRBuilder(entry).branch(body)

    def everywhere(value: float) -> ir.Constant:
        return ir.Constant(vector, [value] * lanes)

    builder = ir.IRBuilder(body)
    done = builder.phi(count)
    before = [builder.phi(vector) for _ in range(accumulators)]
    after = [builder.call(fma, [a, everywhere(0.5), everywhere(1.0)]) for a in before]
    done_after = builder.add(done, count(1))
    done.add_incoming(count(0), entry)
    done.add_incoming(done_after, body)
    for k in range(accumulators):
        before[k].add_incoming(everywhere(float(k)), entry)  # different starts, or the compiler would merge the chains
        before[k].add_incoming(after[k], body)
    builder.cbranch(builder.icmp_signed("<", done_after, function.args[0]), body, end)

    builder = ir.IRBuilder(end)
    total = after[0]
    for a in after[1:]:
        total = builder.fadd(total, a)
    builder.ret(builder.extract_element(total, ir.IntType(32)(0)))  # lane 0 uses every chain: none can be dropped
    return str(module)
