"""A small SVG writer for the notes' pictures: boxes, lines, arrows and one-line formulas; no plotting library."""

import re
from collections.abc import Sequence
from html import escape
from itertools import pairwise

__all__: list[str] = []

INK, FAINT, BLUE, RED, PAPER = "#24303c", "#8c98a6", "#1c5fa8", "#b5342a", "#ffffff"
MINUS = "\N{MINUS SIGN}"

_SERIF = "'STIX Two Text', 'Latin Modern Roman', Cambria, Georgia, 'Times New Roman', serif"

# a word, with its index below (w_1) and above (x^(2), W^T); anything else stands as it is
_WORD = re.compile(r"(?<![\d.])([^\W\d_]+)(?:_(\w+))?(?:\^(\([^)]*\)|\[[^\]]*\]|\w+))?")
_UPRIGHT = {"log", "exp", "tanh", "max", "sigmoid", "relu", "where", "above", "below", "value", "derivative", "of"}


class Picture:
    """Shapes in the order in which they are drawn; ``svg()`` is the whole picture.

    >>> picture = Picture("a line", 100, 50)
    >>> picture.path([(0, 0), (100, 50)])
    >>> picture.svg().startswith('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 50"')
    True
    """

    def __init__(self, title: str, width: float, height: float) -> None:
        self.title = title
        self.width, self.height = width, height
        self._shapes: list[str] = []

    def box(self, x: float, y: float, width: float, height: float, fill: str, stroke: str, radius: float = 8) -> None:
        """A box with its centre at (x, y)."""
        place = f'x="{x - width / 2:.1f}" y="{y - height / 2:.1f}" width="{width:.1f}" height="{height:.1f}"'
        self._shapes.append(f'<rect {place} rx="{radius}" fill="{fill}" stroke="{stroke}" stroke-width="1.2"/>')

    def path(
        self, points: Sequence[tuple[float, float]], stroke: str = INK, width: float = 1.2, dash: str = "none"
    ) -> None:
        """A line from point to point."""
        d = "M" + " L".join(f"{x:.1f},{y:.1f}" for x, y in points)
        self._shapes.append(self._stroke(d, stroke, width, dash))

    def arrow(self, points: Sequence[tuple[float, float]], stroke: str = FAINT) -> None:
        """A smooth arrow through the points, level at each of them."""
        d = f"M{points[0][0]:.1f},{points[0][1]:.1f}"
        for (x0, y0), (x1, y1) in pairwise(points):
            middle = (x0 + x1) / 2
            d += f" C{middle:.1f},{y0:.1f} {middle:.1f},{y1:.1f} {x1:.1f},{y1:.1f}"
        self._shapes.append(self._stroke(d, stroke, 1.3, "none"))
        x, y = points[-1]
        self._shapes.append(f'<path d="M{x:.1f},{y:.1f} l-8,-4 l2,4 l-2,4 z" fill="{stroke}"/>')

    def formula(
        self, x: float, y: float, formula: str, fill: str = INK, size: float = 16, anchor: str = "middle"
    ) -> None:
        """A formula on one line, with its indices lowered and raised: ``w_1^[2]``."""
        at = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size:g}" fill="{fill}"'
        self._shapes.append(f"<text {at}>{_spans(formula, size)}</text>")

    def svg(self) -> str:
        """The picture as an SVG document, to stand in a page or in a file of its own."""
        head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {self.width:.0f} {self.height:.0f}"'
        size = f' width="{self.width:.0f}" height="{self.height:.0f}" role="img" font-family="{_SERIF}">'
        paper = f'<rect width="100%" height="100%" rx="10" fill="{PAPER}"/>'
        return "\n".join([head + size, f"<title>{escape(self.title)}</title>", paper, *self._shapes, "</svg>"])

    @staticmethod
    def _stroke(d: str, stroke: str, width: float, dash: str) -> str:
        dashes = f'stroke-dasharray="{dash}" stroke-linecap="round"'
        return f'<path d="{d}" fill="none" stroke="{stroke}" stroke-width="{width}" {dashes}/>'


def number(value: float) -> str:
    """Four digits; 0 without a sign.

    >>> number(-0.24973), number(-0.0)
    ('-0.2497', '0')
    """
    return f"{value + 0.0:.4g}"


def text_width(formula: str, size: float = 16) -> float:
    """About how wide a formula is drawn; browsers differ by a few per cent."""
    plain = re.sub(r"[_^]", "", formula)
    small = sum(len(low) + len(high) for _, low, high in _WORD.findall(formula))
    return size * (0.53 * (len(plain) - small) + 0.37 * small)


def _spans(formula: str, size: float) -> str:
    """The formula as tspans: letters italic, indices small, hyphens drawn as minus signs.

    Every shift up or down is taken back by the next span.
    """
    spans, shift, end = "", 0.0, 0

    def span(text: str, at: float = 0.0, small: bool = False, italic: bool = False) -> str:
        nonlocal shift
        dy, shift = at - shift, at
        style = (f' dy="{dy:.1f}"' if dy else "") + (f' font-size="{0.72 * size:.1f}"' if small else "")
        style += ' font-style="italic"' if italic else ""
        return f"<tspan{style}>{escape(text).replace('-', MINUS)}</tspan>"

    for word in _WORD.finditer(formula):
        if word.start() > end:
            spans += span(formula[end : word.start()])
        base, low, high = word.groups()
        spans += span(base, italic=base not in _UPRIGHT)
        spans += span(low, 0.22 * size, small=True) if low else ""
        spans += span(high, -0.38 * size, small=True) if high else ""
        end = word.end()
    return spans + (span(formula[end:]) if end < len(formula) else "")
