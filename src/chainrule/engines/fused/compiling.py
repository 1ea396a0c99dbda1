"""From a module's text to an address that can be called."""

import ctypes
from functools import cache
from typing import Any

from chainrule.engines.fused.processor import Processor

KERNEL = ctypes.CFUNCTYPE(None, ctypes.c_void_p, *[ctypes.c_int64] * 3)  # arguments; first, last, thread
EXECUTE = ctypes.CFUNCTYPE(None, ctypes.c_void_p, *[ctypes.c_int64] * 2)  # arguments; thread, threads
ALONE = ctypes.CFUNCTYPE(None, ctypes.c_void_p)  # arguments


def object_code(text: str, target: Processor) -> bytes:
    """The module's machine code. Nothing is reordered or fused: no flag of the text allows it."""
    module, machine = optimized(text, target)
    return bytes(machine.emit_object(module))


def optimized(text: str, target: Processor) -> tuple[Any, Any]:
    """The parsed module after LLVM's clean-up, and the machine it is for. Vectors are written as such already."""
    from llvmlite import binding

    machine = target.machine()
    module: Any = binding.parse_assembly(text)
    module.data_layout = str(machine.target_data)
    module.verify()
    options: Any = binding.create_pipeline_tuning_options(speed_level=2)
    options.loop_vectorization = options.slp_vectorization = options.loop_unrolling = False
    builder: Any = binding.create_pass_builder(machine, options)
    builder.getModulePassManager().run(module, builder)
    return module, machine


@cache
def _engine() -> Any:
    """Keeps loaded code for the life of the process."""
    from llvmlite import binding

    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    empty: Any = binding.parse_assembly("")
    machine: Any = binding.Target.from_default_triple().create_target_machine()
    return binding.create_mcjit_compiler(empty, machine)


def load(name: str, code: bytes) -> int:
    """The address of a function of that name in object code."""
    from llvmlite import binding

    engine = _engine()
    engine.add_object_file(binding.ObjectFileRef.from_data(code))
    engine.finalize_object()
    address = int(engine.get_function_address(name))
    assert address, f"{name} is not in its own object code"
    return address
