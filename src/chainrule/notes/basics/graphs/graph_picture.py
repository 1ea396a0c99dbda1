"""A computation graph as a picture: nodes in columns by depth, arrows forwards, few crossings.

The columns are ordered and spaced as in Sugiyama, Tagawa & Toda 1981: an arrow over several columns goes through a
stop in each, nodes and stops move to the mean of their neighbours, and keep their distance.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from chainrule.notes.basics.graphs.computation_graph import Graph, Node
from chainrule.notes.svg import BLUE, INK, RED, Picture, number, text_width

__all__: list[str] = []

MARGIN, GUTTER, BOX = 40.0, 54.0, 34.0
COMPUTED, PARAMETER, GIVEN, EDGE = "#eef4fb", "#fdf6e3", "#ffffff", "#9fb0c3"
ROW, PASS = 96.0, 34.0  # from node to node; for an arrow that passes


@dataclass
class Position:
    """Where a node stands, or where a long arrow passes (``name`` is then None)."""

    name: str | None
    column: int
    x: float = 0.0
    y: float = 0.0
    before: list["Position"] = field(default_factory=list)
    after: list["Position"] = field(default_factory=list)

    @property
    def room(self) -> float:
        """How much of a column it takes up."""
        return ROW if self.name else PASS


def picture(graph: Graph) -> str:
    """The graph as SVG: values above the nodes, derivatives below.

    >>> from chainrule.notes import example_graph
    >>> picture(example_graph()).count("<rect")  # six nodes, and the paper
    7
    """
    value, d = graph.forward(), graph.backward()
    places = _places(graph)
    columns = [[p for p in places if p.column == c] for c in range(max(p.column for p in places) + 1)]
    _arrange(columns)
    label = {n.name: _label(n) for n in graph.nodes.values()}
    below = {name: f"d{name} = {number(d[f'd{name}'])}" for name in graph.nodes if graph.nodes[name].wanted}
    wide = {v: max(46.0, text_width(label[v]) + 24, text_width(below.get(v, ""), 14) + 8) for v in graph.nodes}
    width = [max(wide[p.name] if p.name else 0.0 for p in column) for column in columns]
    left = [MARGIN + sum(width[:c]) + GUTTER * c for c in range(len(columns))]
    top = min(p.y for p in places) - MARGIN - BOX
    height = max(p.y for p in places) - top + MARGIN + BOX + 18
    for place in places:
        place.x, place.y = left[place.column] + width[place.column] / 2, place.y - top
    drawn = Picture(f"computation graph of {graph.last.name}", left[-1] + width[-1] + MARGIN, height)
    for place in places:
        if place.name:
            for arrow in _arrows(place):
                ends = [wide[str(p.name)] / 2 for p in (arrow[0], arrow[-1])]
                points = [(p.x, p.y) for p in arrow]
                points[0] = (points[0][0] + ends[0], points[0][1])
                points[-1] = (points[-1][0] - ends[1] - 1, points[-1][1])
                drawn.arrow(points)
    for place in places:
        if place.name:
            node = graph.nodes[place.name]
            fill = COMPUTED if node.operation else PARAMETER if node.wanted else GIVEN
            drawn.box(place.x, place.y, wide[place.name], BOX, fill, EDGE, radius=8 if node.operation else BOX / 2)
            drawn.formula(place.x, place.y + 5.5, label[place.name], INK)
            drawn.formula(place.x, place.y - BOX / 2 - 7, number(value[place.name]), BLUE, 14)
            drawn.formula(place.x, place.y + BOX / 2 + 18, below.get(place.name, ""), RED, 14)
    drawn.formula(MARGIN, height - 16, "above: value", BLUE, 13, "start")
    drawn.formula(MARGIN + 92, height - 16, f"below: derivative of {graph.last.name}", RED, 13, "start")
    return drawn.svg()


def _label(node: Node) -> str:
    return f"{node.name} = {node.formula}" if node.formula else node.name


def _arrows(place: Position) -> list[list[Position]]:
    """Every way from here over stops to the next node."""
    ends = [[place, following] for following in place.after if following.name]
    return ends + [[place, *rest] for stop in place.after if not stop.name for rest in _arrows(stop)]


def _places(graph: Graph) -> list[Position]:
    """Nodes and stops, linked: computed nodes right of all their inputs, inputs just left of their first use."""
    column: dict[str, int] = {}
    uses: dict[str, list[str]] = {name: [] for name in graph.nodes}
    for node in graph.nodes.values():
        inputs = [v for v in dict.fromkeys(node.inputs) if isinstance(v, str)]
        column[node.name] = 1 + max((column[v] for v in inputs), default=-1)
        for v in inputs:
            uses[v].append(node.name)
    for name, node in graph.nodes.items():
        if node.operation is None and uses[name]:
            column[name] = min(column[user] for user in uses[name]) - 1
    place = {name: Position(name, column[name]) for name in graph.nodes}
    stops: list[Position] = []
    for name, users in uses.items():
        chain = [place[name]]
        for user in sorted(users, key=column.__getitem__):
            while chain[-1].column < column[user] - 1:
                stop = Position(None, chain[-1].column + 1)
                stops.append(stop)
                _link(chain[-1], stop)
                chain.append(stop)
            _link(chain[column[user] - 1 - column[name]], place[user])
    return [*place.values(), *stops]


def _link(a: Position, b: Position) -> None:
    a.after.append(b)
    b.before.append(a)


def _arrange(columns: list[list[Position]]) -> None:
    """Order each column by its neighbours' means, then move everything towards the means."""
    for column in columns:
        _space(column, [0.0] * len(column))
    for sweep in range(24):
        forwards = sweep % 2 == 0
        for column in columns if forwards else columns[::-1]:
            near = [(p.before if forwards else p.after) or p.after or p.before for p in column]
            wish = [
                float(np.mean([q.y for q in places])) if places else p.y for p, places in zip(column, near, strict=True)
            ]
            order = sorted(range(len(column)), key=wish.__getitem__)
            column[:] = [column[k] for k in order]
            _space(column, [wish[k] for k in order])
    for _ in range(12):
        for column in columns:
            _space(column, [float(np.mean([q.y for q in p.before + p.after] or [p.y])) for p in column])


def _space(column: list[Position], wish: Sequence[float]) -> None:
    """The places nearest to the wishes (least squares) that keep order and distance: pool adjacent violators."""
    gaps = [(p.room + q.room) / 2 for p, q in pairwise(column)]
    offset = np.concatenate([[0.0], np.cumsum(gaps)])
    pools: list[tuple[float, int]] = []  # mean and count
    for y in np.asarray(wish) - offset:
        pools.append((float(y), 1))
        while len(pools) > 1 and pools[-2][0] > pools[-1][0]:
            (y0, n0), (y1, n1) = pools[-2:]
            pools[-2:] = [((n0 * y0 + n1 * y1) / (n0 + n1), n0 + n1)]
    level = [y for y, n in pools for _ in range(n)]
    for p, y, o in zip(column, level, offset, strict=True):
        p.y = y + float(o)
