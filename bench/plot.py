"""How cost grows with the number of servers, drawn from what `bench.poll` measured.

`python -m bench.plot [--results FOLDER] [--output FILE]`: reads `poll.json`, writes an SVG
(docs/growth.svg) of one panel for each cost, both axes logarithmic. It follows the reader's
light or dark scheme.
"""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from bench.common import parser, result_name

OUTPUT = Path(__file__).parents[1] / "docs" / "growth.svg"
WIDTH, HEIGHT = 300, 270
LEFT, RIGHT, TOP, BOTTOM = 50, 24, 44, 44
"""A panel's size and margins, in SVG units."""

STYLE = """
svg { --ink: #1f2328; --quiet: #59636e; --grid: #d8dee4; --line: #0b62c4; --goal: #b35900;
  --paper: #ffffff; font: 12px system-ui, sans-serif; }
@media (prefers-color-scheme: dark) {
  svg { --ink: #e6edf3; --quiet: #9da7b1; --grid: #30363d; --line: #58a6ff; --goal: #e3964a;
    --paper: #0d1117; }
}
text { fill: var(--quiet); }
.title { fill: var(--ink); font-weight: 600; font-size: 13px; }
.value { fill: var(--ink); font-size: 11px; paint-order: stroke; stroke: var(--paper);
  stroke-width: 3px; }
.paper { fill: var(--paper); }
.grid { stroke: var(--grid); }
.goal { stroke: var(--goal); stroke-dasharray: 5 4; }
.goal-name { fill: var(--goal); font-size: 11px; }
.line { fill: none; stroke: var(--line); stroke-width: 2; }
.point { fill: var(--line); stroke: var(--paper); }
"""


class PlotError(Exception):
    """Nothing to draw; the message says what to do."""


@dataclass(frozen=True)
class Cost:
    """A column of `bench.poll`, the title of its panel, and the limit set for it, if any."""

    column: str
    title: str
    goal: float | None = None
    goal_name: str = ""


COSTS = (
    Cost("CPU ms a reading", "CPU a reading, ms"),
    Cost("daemon CPU %", "CPU of the daemon, % of a core", 100, "one core"),
    Cost("KB a server", "Memory a server, KB", 100, "goal: 100 KB"),
)

Point = tuple[float, float]


class Axis:
    """A logarithmic axis over whole decades that hold `values`, drawn from `low` to `high`."""

    def __init__(self, values: Sequence[float], low: float, high: float) -> None:
        self.first = math.floor(math.log10(min(values)) + 1e-9)
        self.last = max(self.first + 1, math.ceil(math.log10(max(values)) - 1e-9))
        self._low, self._high = low, high

    def at(self, value: float) -> float:
        """Where `value` is drawn."""
        share = (math.log10(value) - self.first) / (self.last - self.first)
        return round(self._low + share * (self._high - self._low), 1)

    def ticks(self) -> Iterator[float]:
        """Powers of ten, from end to end."""
        for power in range(self.first, self.last + 1):
            yield 10.0**power


def draw(rows: Sequence[Mapping[str, Any]]) -> str:
    """The SVG of all panels. `rows` are those of `bench.poll`. Raises PlotError."""
    panels = [_panel(cost, points) for cost in COSTS if (points := _points(rows, cost.column))]
    if not panels:
        raise PlotError("no row has a cost to draw; run: python -m bench.poll")
    width = WIDTH * len(panels)
    placed = (
        f'<g transform="translate({number * WIDTH} 0)">\n{panel}\n</g>'
        for number, panel in enumerate(panels)
    )
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {HEIGHT}" role="img">',
            "<title>Cost of the daemon by number of servers</title>",
            f"<style>{STYLE}</style>",
            f'<rect class="paper" width="{width}" height="{HEIGHT}"/>',
            *placed,
            "</svg>\n",
        ]
    )


def _points(rows: Sequence[Mapping[str, Any]], column: str) -> list[Point]:
    """A logarithm has no place for 0, nor for less: a small fleet's memory may be in the noise."""
    return sorted(
        (float(row["servers"]), float(row[column])) for row in rows if (row.get(column) or 0) > 0
    )


def _panel(cost: Cost, points: Sequence[Point]) -> str:
    goals = [cost.goal] if cost.goal is not None else []
    x = Axis([servers for servers, _ in points], LEFT, WIDTH - RIGHT)
    y = Axis([*(value for _, value in points), *goals], HEIGHT - BOTTOM, TOP)
    parts = [_text(LEFT, 22, cost.title, "title", "start"), *_grid(x, y)]
    if cost.goal is not None:
        height = y.at(cost.goal)
        parts.append(_line(LEFT, height, WIDTH - RIGHT, height, "goal"))
        parts.append(_text(LEFT + 4, height - 5, cost.goal_name, "goal-name", "start"))
    places = [(x.at(servers), y.at(value)) for servers, value in points]
    path = " ".join(f"{left:g},{top:g}" for left, top in places)
    parts.append(f'<polyline class="line" points="{path}"/>')
    for (left, top), (servers, value) in zip(places, points, strict=True):
        said = f"{servers:,.0f} servers: {value:g}"
        parts.append(
            f'<circle class="point" cx="{left:g}" cy="{top:g}" r="4"><title>{said}</title></circle>'
        )
        height = _label(top, y.at(cost.goal) if cost.goal is not None else None)
        # The first stands right of the axis' own numbers, below a line that rises from it.
        if left == places[0][0]:
            height = top + 15 if places[-1][1] < top else height
            parts.append(_text(left + 5, height, f"{value:g}", "value", "start"))
        else:
            parts.append(_text(left, height, f"{value:g}", "value", "middle"))
    parts.append(_text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 10, "servers", "", "middle"))
    return "\n".join(parts)


def _label(point: float, goal: float | None) -> float:
    """Where a point's value stands: over it, or below where the title or the goal's line is."""
    over = point - 9
    free = point > TOP + 16 and (goal is None or not over - 12 < goal < over + 3)
    return over if free else point + 19


def _grid(x: Axis, y: Axis) -> Iterator[str]:
    for value in x.ticks():
        left = x.at(value)
        yield _line(left, TOP, left, HEIGHT - BOTTOM, "grid")
        yield _text(left, HEIGHT - BOTTOM + 16, f"{value:,.0f}", "", "middle")
    for value in y.ticks():
        top = y.at(value)
        yield _line(LEFT, top, WIDTH - RIGHT, top, "grid")
        yield _text(LEFT - 6, top + 4, f"{value:,g}", "", "end")


def _line(x1: float, y1: float, x2: float, y2: float, kind: str) -> str:
    return f'<line class="{kind}" x1="{x1:g}" y1="{y1:g}" x2="{x2:g}" y2="{y2:g}"/>'


def _text(x: float, y: float, said: str, kind: str, anchor: str) -> str:
    named = f' class="{kind}"' if kind else ""
    return f'<text{named} x="{x:g}" y="{y:g}" text-anchor="{anchor}">{escape(said)}</text>'


def _rows(path: Path) -> list[dict[str, Any]]:
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))["rows"]
    except (OSError, ValueError, KeyError) as error:
        raise PlotError(f"{path} can't be read: {error}; run: python -m bench.poll") from None
    return list(rows)


def main(arguments: Sequence[str] | None = None) -> int:
    """Draw the plot; the exit status."""
    made = parser(__doc__)
    made.add_argument("--output", type=Path, default=OUTPUT, help="the SVG (docs/growth.svg)")
    options = made.parse_args(arguments)
    name = result_name("poll", short=options.short)
    try:
        drawn = draw(_rows(options.results / name))
    except PlotError as error:
        print(f"error: {error}")
        return 1
    options.output.write_text(drawn, encoding="utf-8")
    print(f"{options.output}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
