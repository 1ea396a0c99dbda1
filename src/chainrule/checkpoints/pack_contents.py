"""What a checkpoint of a pack holds: where every member stands, what its observer has seen, and which pack it is.

float32, float64   the vectors of all, one after the other; ``vectors`` has the (name, dtype, size) of each
counts             of each member, as the file of a single run has them
observer           what it says of what it has seen
pack               the identity of each member, and that of the observer
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from chainrule.checkpoints.contents import (
    FORMAT,
    described_differences,
    differences,
    identity,
    making_sense,
    packed,
    require_kind,
    require_same,
    unpacked,
)
from chainrule.packs.pack import Observer, Pack

DTYPES = ("float32", "float64")
MOST_SAID = 6  # differences


class PackContents:
    """What a checkpoint keeps of a pack, and how the pack goes on from that: see ``RunContents``."""

    def __init__(self, pack: Pack) -> None:
        digests: dict[int, str] = {}
        observer = {"kind": type(pack.observer).__name__, **pack.observer.identity()}
        members = [identity(run, digests) for run in pack.runs]
        self.identity: dict[str, Any] = {"members": members, "observer": json.loads(json.dumps(observer))}

    def progress(self, pack: Pack) -> str:
        """How far it has come."""
        return f"{pack.step:,} steps of {len(pack.runs)} networks, {pack.rounds} rounds done"

    def packed(self, pack: Pack) -> tuple[dict[str, Any], dict[str, Any]]:
        """The description and the arrays of where it stands."""
        vectors, counts = {}, []
        for i, run in enumerate(pack.runs):
            of_run, arrays = packed(run)
            counts.append(of_run)
            vectors |= {f"{i}.{name}": array for name, array in arrays.items()}
        seen, of_observer = pack.observer.state()
        vectors |= {f"observer.{k}": vector for k, vector in enumerate(of_observer)}
        listed, arrays = joined(vectors)
        description = {
            "format": FORMAT,
            "pack": self.identity,
            "rounds": pack.rounds,
            "in_round": pack.in_round,
            "has_ended": pack.has_ended,
            "diverged": [i for i, run in enumerate(pack.runs) if run.now.state.diverged],
            "counts": counts,
            "observer": seen,
            "vectors": listed,
        }
        return description, arrays

    def go_on(self, pack: Pack, description: Mapping[str, Any], arrays: Mapping[str, Any], name: str) -> None:
        """Bring the pack to where the one stood that was packed so, if it is the same.

        RequestError: it is another, and what differs. NotSealed: no such pack has been packed so.
        """
        with making_sense(name):
            require_kind(description, "pack", name)
            require_same("pack", self._differences(pack, description["pack"], description["counts"], name), name)
            rounds, in_round, has_ended, counts = (
                description[entry] for entry in ("rounds", "in_round", "has_ended", "counts")
            )
            if type(rounds) is not int or rounds < 0 or not (type(in_round) is type(has_ended) is bool):
                raise ValueError("its rounds are none")
            if any(of_run["epochs"] > rounds + in_round for of_run in counts):
                raise ValueError(f"more epochs are done than {rounds} rounds have")
            vectors = _by_owner(split(description["vectors"], arrays))
            seen = [*vectors.pop("observer", {}).values()]
            saved = [
                unpacked(of_run, vectors.pop(str(i)), self.identity["members"][i], run.engine)
                for i, (of_run, run) in enumerate(zip(counts, pack.runs, strict=True))
            ]
            if vectors:
                raise ValueError(f"it has vectors of {', '.join(vectors)}")
            for run, (state, curves) in zip(pack.runs, saved, strict=True):
                run.go_on(state, curves)
                run.history.stopped = ""
            for i in description["diverged"]:
                pack.runs[i].diverge()
            pack.rounds, pack.in_round, pack.has_ended = rounds, in_round, has_ended
            pack.observer.go_on(pack, description["observer"], seen)

    def _differences(
        self, pack: Pack, then: Mapping[str, Any], counts: Sequence[Mapping[str, Any]], name: str
    ) -> list[str]:
        """How a pack that is kept differs from the one at hand."""
        runs, members = pack.runs, self.identity["members"]
        if len(then["members"]) != len(runs):
            return [f"members: {len(then['members'])} then, {len(runs)} now"]
        who: dict[str, list[int]] = {}
        for i, run in enumerate(runs):
            found = differences(then["members"][i], counts[i], members[i], run, f"{name}, members[{i}]")
            planned = then["members"][i]["recipe"]["epochs"], run.engine.recipe.epochs
            if not found and planned[0] != planned[1] and type(pack.observer) is not Observer:
                found = [f"epochs: {planned[0]} then, {planned[1]} now, and the observer sees who has ended"]
            for one in found:
                who.setdefault(one, []).append(i)
        of_all = [f"every member: {one}" for one, which in who.items() if len(which) == len(runs) > 1]
        of_some = [
            f"members[{i}]: {one}"
            for one, which in who.items()
            if len(which) < len(runs) or len(runs) == 1
            for i in which
        ]
        of_observer = described_differences(then["observer"], self.identity["observer"])
        said = [*of_all, *(f"observer: {one}" for one in of_observer), *of_some]
        return said if len(said) <= MOST_SAID else [*said[:MOST_SAID], f"and {len(said) - MOST_SAID} more"]


def joined(vectors: Mapping[str, Any]) -> tuple[list[list[Any]], dict[str, Any]]:
    """The vectors one after the other, those of a dtype in one array, and their (name, dtype, size): a file takes few
    arrays.

    >>> listed, arrays = joined({"a": np.zeros(2), "b": np.ones(1), "c": np.ones(3, np.float32)})
    >>> listed, arrays["float64"].tolist()
    ([['a', 'float64', 2], ['b', 'float64', 1], ['c', 'float32', 3]], [0.0, 0.0, 1.0])
    """
    each: dict[str, list[Any]] = {dtype: [np.empty(0, dtype)] for dtype in DTYPES}
    for vector in vectors.values():
        each[vector.dtype.name].append(vector)
    listed = [[name, vector.dtype.name, vector.size] for name, vector in vectors.items()]
    return listed, {dtype: np.concatenate(of_dtype) for dtype, of_dtype in each.items()}


def split(listed: Sequence[Sequence[Any]], arrays: Mapping[str, Any]) -> dict[str, Any]:
    """The vectors again, as views. LookupError, TypeError, ValueError: it is not what ``joined`` gives."""
    if list(arrays) != list(DTYPES):
        raise ValueError("it holds something else")
    vectors: dict[str, Any] = {}
    ends = dict.fromkeys(DTYPES, 0)
    for name, dtype, size in listed:
        if name in vectors or type(size) is not int or size < 0:
            raise ValueError(f"its vector {name!r} is none")
        begin, ends[dtype] = ends[dtype], ends[dtype] + size
        vectors[name] = arrays[dtype][begin : ends[dtype]]
    if any(arrays[dtype].shape != (end,) for dtype, end in ends.items()):
        raise ValueError("its vectors are of other sizes")
    return vectors


def _by_owner(vectors: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The vectors of each member, by its number, and those of the observer."""
    found: dict[str, dict[str, Any]] = {}
    for name, vector in vectors.items():
        owner, _, own = name.partition(".")
        found.setdefault(owner, {})[own] = vector
    return found
