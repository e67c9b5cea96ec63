"""Draws curves as SVG: one chart for all series with the same axes, the charts below each other."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

from monitoring.lab.benchmarks.reports.figures import Series

WIDTH, HEIGHT = 720, 400  # of one chart
LEFT, RIGHT, TOP, BOTTOM = 70, 24, 52, 48
LEGEND_LINE = 18
TITLE_CHARS = 100  # of a line
COLOURS = ("#0b6e99", "#c4442d", "#3d8b37", "#8c4fa0", "#b07d12", "#4a5568")  # dark enough on white
MARKS = ("", "6 4", "2 3")  # of lines, for readers who can't tell the colours apart
LOGARITHMIC_FROM = 50.0  # the largest x over the smallest


@dataclass(frozen=True)
class Axes:
    """Where the points of one chart go: from values to places in the picture."""

    xs: tuple[float, ...]
    top: float  # the largest y

    @property
    def is_logarithmic(self) -> bool:
        """Return whether the x axis is: sizes of corpora are, and numbers of clients from one to hundreds."""
        return min(self.xs) > 0 and max(self.xs) / min(self.xs) >= LOGARITHMIC_FROM

    def x(self, value: float) -> float:
        """Return the horizontal position of a value."""
        low, high, at = min(self.xs), max(self.xs), value
        if self.is_logarithmic:
            low, high, at = math.log(low), math.log(high), math.log(value)
        share = (at - low) / (high - low) if high > low else 0.5
        return LEFT + share * (WIDTH - LEFT - RIGHT)

    def y(self, value: float) -> float:
        """Return the place of a y; the axis begins at 0, so that a difference looks as large as it is."""
        return HEIGHT - BOTTOM - value / self.top * (HEIGHT - TOP - BOTTOM)


def picture(title: str, conditions: str, series: Sequence[Series]) -> str:
    """Return the SVG of the curves, under a title and the conditions that they were measured under."""
    drawn = [each for each in map(_finite, series) if each.points]
    charts: dict[tuple[str, str], list[Series]] = {}
    for each in drawn:
        charts.setdefault((each.x_label, each.y_label), []).append(each)
    lines = [title, *_wrapped(conditions)]
    head = 20 + LEGEND_LINE * len(lines)
    parts, at = [], float(head)
    for group in charts.values():
        parts.append(f'<g transform="translate(0 {at:g})">{"".join(_chart(group))}</g>')
        at += HEIGHT + LEGEND_LINE * len(group)
    texts = [_text(16, 24 + LEGEND_LINE * line, text, weight=not line) for line, text in enumerate(lines)]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{at:g}" viewBox="0 0 {WIDTH} {at:g}" '
        f'font-family="sans-serif" font-size="13" role="img"><title>{escape(title)}</title>'
        f'<rect width="100%" height="100%" fill="#fff"/>{"".join(texts)}{"".join(parts)}</svg>\n'
    )


def ticks(top: float, count: int = 5) -> list[float]:
    """Return round numbers from 0 to at least `top`, e.g. 0, 20, 40, 60, 80, 100 for 97."""
    if top <= 0:
        return [0.0, 1.0]
    rough = top / count
    unit = 10.0 ** math.floor(math.log10(rough))
    step = next(unit * factor for factor in (1, 2, 2.5, 5, 10) if unit * factor >= rough * 0.999)
    return [step * number for number in range(math.ceil(top / step * 0.999) + 1)]


def _chart(group: Sequence[Series]) -> Iterator[str]:
    xs = tuple(sorted({x for series in group for x, _ in series.points}))
    marks = ticks(max(y for series in group for _, y in series.points))
    axes = Axes(xs, marks[-1])
    bottom, right = HEIGHT - BOTTOM, WIDTH - RIGHT
    for mark in marks:
        yield f'<path d="M{LEFT} {axes.y(mark):.1f}H{right}" stroke="#ddd"/>'
        yield _text(LEFT - 8, axes.y(mark) + 4, f"{mark:,g}", anchor="end")
    for x in _labelled(axes):
        yield f'<path d="M{axes.x(x):.1f} {bottom}v5" stroke="#333"/>'
        yield _text(axes.x(x), bottom + 18, f"{x:,g}", anchor="middle")
    yield f'<path d="M{LEFT} {TOP - 10}V{bottom}H{right}" fill="none" stroke="#333"/>'
    yield _text((LEFT + right) / 2, HEIGHT - 10, group[0].x_label, anchor="middle")
    yield _text(12, TOP - 20, group[0].y_label)
    for number, series in enumerate(group):
        colour, dashes = COLOURS[number % len(COLOURS)], MARKS[number // len(COLOURS) % len(MARKS)]
        places = [(axes.x(x), axes.y(y)) for x, y in sorted(series.points)]
        path = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in places)
        yield f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="2" stroke-dasharray="{dashes or "none"}"/>'
        if len(places) <= 40:
            yield "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in places)
        line = HEIGHT + LEGEND_LINE * number
        yield f'<path d="M{LEFT} {line}h28" stroke="{colour}" stroke-width="2" stroke-dasharray="{dashes or "none"}"/>'
        yield _text(LEFT + 36, line + 4, series.name)


def _labelled(axes: Axes) -> list[float]:
    """Return the x values that get a label: the measured ones while they are few, else round numbers."""
    if len(axes.xs) <= 8:
        return list(axes.xs)
    if axes.is_logarithmic:
        powers = range(math.ceil(math.log10(axes.xs[0])), math.floor(math.log10(axes.xs[-1])) + 1)
        return [10.0**power for power in powers]
    return [x for x in ticks(axes.xs[-1], 8) if axes.xs[0] <= x <= axes.xs[-1]]


def _finite(series: Series) -> Series:
    points = tuple(point for point in series.points if all(map(math.isfinite, point)))
    return Series(series.name, points, series.x_label, series.y_label)


def _wrapped(text: str) -> list[str]:
    lines = [""]
    for word in text.split():
        if lines[-1] and len(lines[-1]) + len(word) >= TITLE_CHARS:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return [line for line in lines if line]


def _text(x: float, y: float, text: str, *, anchor: str = "start", weight: bool = False) -> str:
    bold = ' font-weight="bold"' if weight else ""
    return f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}"{bold}>{escape(text)}</text>'
