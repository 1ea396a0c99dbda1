"""``python -m benchmarks``: measure, print, keep; or print again what was kept."""

import json
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any

from benchmarks import (
    accuracy,
    accuracy_time,
    busy,
    cold,
    digits,
    estimators,
    exported,
    growth,
    input_layers,
    machine,
    memory,
    packs,
    predict,
    simplechains,
    speed,
    threads,
)
from benchmarks.kept import keep
from benchmarks.report import report
from benchmarks.speed_tables import agrees

# By name of its command: add_arguments(parser), run(arguments), and draw(result, folder) where it makes pictures.
COMMANDS: dict[str, Any] = {
    "speed": speed,
    "threads": threads,
    "input_layers": input_layers,
    "packs": packs,
    "busy": busy,
    "growth": growth,
    "cold": cold,
    "accuracy_time": accuracy_time,
    "memory": memory,
    "digits": digits,
    "predict": predict,
    "simplechains": simplechains,
    "estimators": estimators,
    "exported": exported,
    "accuracy": accuracy,
}


def main(words: list[str] | None = None) -> int:
    parser = _parser()
    arguments = parser.parse_args(words)
    if "act" not in arguments:
        parser.print_help()
        return 0
    try:
        return arguments.act(arguments)
    except (ValueError, OSError) as error:
        print(f"benchmarks: {error}", file=sys.stderr)
        return 2


def _measure(arguments: Namespace) -> int:
    name = arguments.name
    result = {"kind": name, "machine": machine.describe()} | COMMANDS[name].run(arguments)
    print(report(result))
    if result["kind"] == "check":
        return 0 if all(agrees(case, result) for case in result["cases"]) else 1
    path = keep(result, arguments.out)
    if hasattr(COMMANDS[name], "draw"):
        try:
            for picture in COMMANDS[name].draw(result, path.parent):
                print(f"written to {picture}", file=sys.stderr)
        except ModuleNotFoundError as error:
            print(f"no pictures: {error}", file=sys.stderr)
    return 0


def _show(arguments: Namespace) -> int:
    print(report(json.loads(arguments.file.read_text())))
    return 0


def _parser() -> ArgumentParser:
    parser = ArgumentParser("python -m benchmarks", description=__doc__)
    kinds = parser.add_subparsers(title="commands", metavar="")
    for name, module in COMMANDS.items():
        about = module.__doc__.splitlines()[0]
        command = kinds.add_parser(name, help=about, description=about)
        module.add_arguments(command)
        command.add_argument("--out", type=Path, help=f"default: benchmarks/results/<processor>/{name}.json")
        command.set_defaults(act=_measure, name=name)
    shown = kinds.add_parser("show", help="Print a result again.")
    shown.add_argument("file", type=Path)
    shown.set_defaults(act=_show)
    return parser


if __name__ == "__main__":
    sys.exit(main())
