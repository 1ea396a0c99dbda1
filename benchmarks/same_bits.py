"""Random configurations, each trained on several numbers of threads and widths of vectors: are they the same bits?

    python -m benchmarks.same_bits --configurations 200

Everything there is takes part: activations, losses, optimisers, schedules, penalties, dropout, clipping, weights,
sizes, batch sizes, shuffling, float32 and float64. Exit code 1 where a bit differs.
"""

import sys
from argparse import ArgumentParser
from pathlib import Path
from time import perf_counter
from typing import Any

from benchmarks import machine
from benchmarks.kept import keep
from chainrule.engines.fused import threads
from chainrule.engines.fused.processor import AVX2, AVX512, Processor, here
from tests.engines.fused.configurations import bits, configuration, differing

THREADS = (1, 2, 3, 4)
ANY_WORK = 1e-9  # threads are used however small the work


def targets() -> dict[str, Processor]:
    """Those that this machine runs, by their width."""
    own = here()
    found = {f"{8 * own.vector_bytes} bits": own}
    if own.vector_bytes == AVX512.vector_bytes:
        found[f"{8 * AVX2.vector_bytes} bits"] = AVX2
    return found


def run(configurations: int, first: int = 0) -> dict[str, Any]:
    """What differs from one thread and the widest vectors, by configuration."""
    threads.WORTH, threads.ADAPTS = ANY_WORK, False
    different: list[dict[str, Any]] = []
    compared = 0
    begun = perf_counter()
    for number in range(first, first + configurations):
        given = configuration(number)
        expected: dict[str, str] = {}
        for width, target in targets().items():
            for count in THREADS:
                made = bits(given, count, target)
                expected = expected or made
                compared += len(made)
                for name in differing(expected, made):
                    what = {"number": number, "threads": count, "vectors": width, "differs": name}
                    different.append(what | {"configuration": given.describe()})
                    print(f"configuration {number}, {count} threads, {width}: {name} differs", flush=True)
        if (number + 1) % 10 == 0:
            print(f"{number + 1 - first} configurations, {len(different)} differences", file=sys.stderr, flush=True)
    return {
        "kind": "same_bits",
        "machine": machine.describe(),
        "configurations": configurations,
        "first": first,
        "threads": list(THREADS),
        "vectors": list(targets()),
        "checksums_compared": compared,
        "seconds": round(perf_counter() - begun, 1),
        "different": different,
    }


def main(words: list[str] | None = None) -> int:
    parser = ArgumentParser("python -m benchmarks.same_bits", description=__doc__.split("\n", 1)[0])
    parser.add_argument("--configurations", type=int, default=200, help="how many; default %(default)s")
    parser.add_argument("--first", type=int, default=0, help="number of the first; default %(default)s")
    parser.add_argument("--out", type=Path, help="default: benchmarks/results/<processor>/same_bits.json")
    arguments = parser.parse_args(words)
    result = run(arguments.configurations, arguments.first)
    count = len(result["different"])
    print(
        f"{result['configurations']} configurations x {len(THREADS)} numbers of threads x {len(result['vectors'])} "
        f"widths ({', '.join(result['vectors'])}): {result['checksums_compared']} checksums, {count} different"
    )
    keep(result, arguments.out)
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main())
