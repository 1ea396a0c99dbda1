"""The fused engine: whole runs of training steps in compiled code, the same bits on any thread count and vector width.

target, assembly          the processor, and structured code for LLVM
emitting, maps, sums      kernels from expressions; by_example: where the outputs of an example belong together
unit_sums, lookups        what input layers need beside maps; input_parts, input_programs: their kernels and programs
tiles, products           matrix products: the arithmetic, and what drives it
moves, picking, steps     moving numbers, and the numbers of a step
signatures                what kernels take: the contract between their code and who calls them
compiling, store, library from text to code that can be called, once on a machine
parts, memory, building   which kernels a network needs, where its numbers stand, and the equations as programs
program, driver, threads  running them
gate                      where arrays pass on their way to compiled code
engine                    the protocol of ``chainrule.engines``
"""

from chainrule.engines.fused.engine import Fused
from chainrule.engines.fused.target import UnsuitableProcessor
from chainrule.ir import Untraceable

__all__ = ["Fused", "UnsuitableProcessor", "Untraceable"]
