"""Just enough SVG for the pictures of drills: shapes and text with their attributes, everything escaped.

Colours are of Okabe and Ito's palette, which people with any colour vision tell apart; what is bad is hatched as well.
"""

from __future__ import annotations

from xml.sax.saxutils import escape, quoteattr

BLUE, VERMILLION, GREEN, ORANGE = "#0072B2", "#D55E00", "#009E73", "#E69F00"
INK, FAINT, PAPER, LIGHT = "#222222", "#BBBBBB", "#FFFFFF", "#A9CCE3"
# Fills for what failed, and for what was refused cleanly.
HATCHED, SPOTTED = "url(#hatch)", "url(#spots)"
FONT = "font-family: 'DejaVu Sans', Verdana, Arial, sans-serif"
# An average glyph's share of the font size: enough to keep labels from running into each other.
GLYPH = 0.6

_HATCH = (
    '<pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
    f'<rect width="6" height="6" fill="{VERMILLION}"/><rect width="2" height="6" fill="{PAPER}"/></pattern>'
)


_SPOTS = (
    '<pattern id="spots" width="8" height="8" patternUnits="userSpaceOnUse">'
    f'<rect width="8" height="8" fill="{ORANGE}" fill-opacity="0.45"/>'
    f'<circle cx="4" cy="4" r="1.8" fill="{INK}"/></pattern>'
)


class Drawing:
    """An SVG document in the making; lengths are units of its view box."""

    def __init__(self, width: float, height: float, title: str) -> None:
        self.width, self.height = width, height
        self._title = title
        self._parts: list[str] = []

    def rectangle(self, x: float, y: float, width: float, height: float, fill: str, *, title: str = "") -> None:
        """A filled rectangle, with a text that browsers show beside the pointer."""
        hint = f"<title>{escape(title)}</title>" if title else ""
        size = f'width="{max(width, 0):.2f}" height="{max(height, 0):.2f}"'
        self._parts.append(f'<rect x="{x:.2f}" y="{y:.2f}" {size} fill={quoteattr(fill)}>{hint}</rect>')

    def line(self, x1: float, y1: float, x2: float, y2: float, colour: str = INK, *, width: float = 1.5,
             dash: str = "") -> None:  # fmt: skip
        """A straight line; `dash` as in `stroke-dasharray`."""
        dashed = f' stroke-dasharray="{dash}"' if dash else ""
        ends = f'x1="{x1:.2f}" y1="{y1:.2f}" x2="{x2:.2f}" y2="{y2:.2f}"'
        self._parts.append(f'<line {ends} stroke="{colour}" stroke-width="{width}"{dashed}/>')

    def path(self, points: list[tuple[float, float]], colour: str) -> None:
        """A line through points; a lone point becomes a dot."""
        if len(points) == 1:
            (x, y), *_ = points
            self._parts.append(f'<circle cx="{x:.2f}" cy="{y:.2f}" r="3" fill="{colour}"/>')
            return
        along = " ".join(f"{x:.2f},{y:.2f}" for x, y in points)
        self._parts.append(f'<polyline points="{along}" fill="none" stroke="{colour}" stroke-width="3"/>')

    def text(self, x: float, y: float, words: str, *, size: float = 20, anchor: str = "start", colour: str = INK,
             bold: bool = False) -> None:  # fmt: skip
        """One line of text, on a paper-coloured edge that keeps it legible on top of anything."""
        weight = ' font-weight="bold"' if bold else ""
        edge = f'paint-order="stroke" stroke="{PAPER}" stroke-width="5"'
        place = f'x="{x:.2f}" y="{y:.2f}" font-size="{size:g}" text-anchor="{anchor}"'
        self._parts.append(f'<text {place} fill="{colour}"{weight} {edge}>{escape(words)}</text>')

    def render(self) -> str:
        """The document, which needs nothing beside itself."""
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {self.width:g} {self.height:g}" '
            f'width="{self.width:g}" height="{self.height:g}" style={quoteattr(FONT)} role="img">'
        )
        body = "\n".join(self._parts)
        paper = f'<rect width="100%" height="100%" fill="{PAPER}"/>'
        return f"{head}\n<title>{escape(self._title)}</title>\n<defs>{_HATCH}{_SPOTS}</defs>\n{paper}\n{body}\n</svg>\n"
