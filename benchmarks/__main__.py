"""``python -m benchmarks``: measure, print, keep; or print again what was kept."""

import json
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any

from benchmarks import machine, speed
from benchmarks.report import agrees, report

RESULTS = Path(__file__).resolve().parent / "results"


def main(words: list[str] | None = None) -> int:
    arguments = _parser().parse_args(words)
    try:
        return arguments.act(arguments)
    except (ValueError, OSError) as error:
        print(f"benchmarks: {error}", file=sys.stderr)
        return 2


def _speed(arguments: Namespace) -> int:
    result = speed.run(arguments)
    print(report(result))
    if arguments.check:
        return 0 if all(agrees(case, result) for case in result["cases"]) else 1
    _write(result, arguments.out or RESULTS / machine.slug(result["machine"]["processor"]) / "speed.json")
    return 0


def _show(arguments: Namespace) -> int:
    print(report(json.loads(arguments.file.read_text())))
    return 0


def _write(result: dict[str, Any], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(result, indent=1) + "\n")
    print(f"written to {path}", file=sys.stderr)


def _parser() -> ArgumentParser:
    parser = ArgumentParser("python -m benchmarks", description=__doc__)
    kinds = parser.add_subparsers(required=True)
    timed = kinds.add_parser("speed", help="microseconds per training step, beside other libraries")
    speed.add_arguments(timed)
    timed.add_argument("--out", type=Path, help="default: benchmarks/results/<processor>/speed.json")
    timed.set_defaults(act=_speed)
    shown = kinds.add_parser("show", help="print a result again")
    shown.add_argument("file", type=Path)
    shown.set_defaults(act=_show)
    return parser


if __name__ == "__main__":
    sys.exit(main())
