"""The processor that code is made for: its vectors, its registers, and what LLVM is told about it."""

from dataclasses import dataclass
from functools import cache
from typing import Any

from chainrule.errors import RunError


@dataclass(frozen=True)
class Processor:
    """A kind of processor.

    triple, cpu, features   LLVM's names
    vector_bytes            width of a vector register: 64 with AVX-512, 32 with AVX2, 16 with NEON
    registers               how many vector registers there are
    """

    triple: str
    cpu: str
    features: str
    vector_bytes: int
    registers: int

    def lanes(self, dtype: str) -> int:
        """How many numbers of a dtype a vector holds.

        >>> AVX2.lanes("float32"), AVX2.lanes("float64")
        (8, 4)
        """
        return self.vector_bytes // (4 if dtype == "float32" else 8)

    @property
    def masks_freely(self) -> bool:
        """A move of some lanes takes no longer than one of all."""
        return self.vector_bytes == 64

    def machine(self) -> Any:
        """LLVM's TargetMachine."""
        from llvmlite import binding

        binding.initialize_all_targets()
        binding.initialize_all_asmprinters()
        # Relocation is "static": addresses stand in the code in full. By way of a table of offsets (GOT), which is what
        # "pic" takes, LLVM's loader mixes up the tables of several modules as soon as one of them has data that is
        # relocated.
        made: Any = binding.Target.from_triple(self.triple).create_target_machine(
            cpu=self.cpu, features=self.features, opt=3, reloc="static", codemodel="jitdefault", jit=True
        )
        return made


# x86-64-v4 has AVX-512 F, BW, CD, DQ and VL; x86-64-v3 has AVX2 and FMA (x86-64 psABI, micro-architecture levels).
# "prefer-256-bit" is a habit of LLVM's for some processors; the kernels choose their own width.
AVX512 = Processor("x86_64-unknown-linux-gnu", "x86-64-v4", "-prefer-256-bit", 64, 32)
AVX2 = Processor("x86_64-unknown-linux-gnu", "x86-64-v3", "", 32, 16)
NEON = Processor("aarch64-unknown-linux-gnu", "generic", "+neon", 16, 32)

_NEEDED = {
    AVX512: ("avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl", "fma"),
    AVX2: ("avx2", "fma", "bmi2"),
    NEON: ("neon",),
}


class UnsuitableProcessor(RunError):
    """No fused multiply-add on vectors: the reference engine is the one for this machine."""


@cache
def here() -> Processor:
    """The widest kind that this processor is. UnsuitableProcessor: none of them."""
    from llvmlite import binding

    triple = binding.get_process_triple()
    has = binding.get_host_cpu_features()
    for target in (AVX512, AVX2, NEON):
        same = target.triple.split("-")[0] == triple.split("-")[0].replace("arm64", "aarch64").replace(
            "amd64", "x86_64"
        )
        if same and all(has.get(feature, False) for feature in _NEEDED[target]):
            return Processor(triple, target.cpu, target.features, target.vector_bytes, target.registers)
    raise UnsuitableProcessor(
        f"compiled code needs a processor with AVX2 and FMA, or NEON; this one is {binding.get_host_cpu_name()}. "
        "The reference engine runs anywhere."
    )
