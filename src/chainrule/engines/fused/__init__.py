"""The fused engine: whole runs of training steps in compiled code, the same bits on any thread count and vector width.

engine                                   the protocol of ``chainrule.engines``
gate                                     where arrays pass on their way to compiled code
kernel_selection, memory, lowering       which kernels a network needs, where numbers stand, the equations as programs
input_kernels, input_lowering            the same for input layers
program, program_cache, executor         running them; threads, thread_choice, barrier, cpu_quota: on how many threads
matmul, microkernels                     matrix products: what drives them, and their arithmetic
elementwise, reductions, column_sums     kernels from expressions; rowwise: where outputs of an example belong together
data_movement, row_gather, lookups       moving numbers; shuffling: the order of rows
step_state                               the numbers of a step
signatures                               what kernels take: the contract between their code and who calls them
processor, ir_builder, codegen           the processor, structured code for LLVM, and expressions in it
compiling, disk_cache, kernel_registry   from text to code that can be called, once on a machine
"""

from chainrule.engines.fused.engine import Fused
from chainrule.engines.fused.processor import UnsuitableProcessor
from chainrule.ir import Untraceable

__all__ = ["Fused", "UnsuitableProcessor", "Untraceable"]
