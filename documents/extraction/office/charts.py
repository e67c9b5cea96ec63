"""Writes charts and diagrams (SmartArt) of Office files as text. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from lxml import etree

from documents.extraction.tables.model import describe_rows

_A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_DEPTH_MAX = 20
_POINTS_MAX = 100_000
_SERIES_MAX = 1000


def chart_lines(root: etree._Element) -> Iterator[str]:
    """Yield the title of a chart (the root of its part), then a line per category: "Month: May; Pallets: 1385"."""
    if title := chart_title(root):
        yield title
    series = list(root.iterfind(".//{*}plotArea//{*}ser"))[:_SERIES_MAX]
    if not series:  # the newer kind of chart: waterfalls, maps, tree maps
        yield from describe_rows(_newer_rows(root))
        return
    names, categories = [], dict[int, str]()
    values: list[dict[int, str]] = []
    for number, each in enumerate(series, 1):
        name = each.find("{*}tx")
        names.append(_words(name) if name is not None else f"Series {number}")
        across = each.find("{*}cat") if each.find("{*}cat") is not None else each.find("{*}xVal")
        up = each.find("{*}val") if each.find("{*}val") is not None else each.find("{*}yVal")
        categories |= {place: text for place, text in _points(across).items() if place not in categories}
        values.append(_points(up))
    places = sorted({*categories, *(place for each in values for place in each)})[:_POINTS_MAX]
    rows = [[categories.get(place, str(place + 1)), *(each.get(place, "") for each in values)] for place in places]
    yield from describe_rows([[_axis_title(root), *names], *rows])


def chart_title(root: etree._Element) -> str:
    """Return the title of a chart, "" if it has none."""
    chart = root.find(".//{*}chart")
    title = root.find(".//{*}title") if chart is None else chart.find("{*}title")
    return _words(title) if title is not None else ""


def _axis_title(root: etree._Element) -> str:
    for axis in root.iterfind(".//{*}catAx"):
        title = axis.find("{*}title")
        if title is not None and (words := _words(title)):
            return words
    return "Category"


def _points(parent: etree._Element | None) -> dict[int, str]:
    """Return the kept values of a series by their place; several levels of a category are joined."""
    if parent is None:
        return {}
    format_code = parent.findtext(".//{*}formatCode") or ""
    levels = list(parent.iterfind(".//{*}lvl")) or [parent]
    found: dict[int, str] = {}
    for level in reversed(levels):
        for point in level.iterfind(".//{*}pt"):
            place, text = point.get("idx") or "", point.findtext("{*}v") or ""
            if place.isdigit() and len(place) < 8 and text.strip():
                shown = as_shown(text, point.get("formatCode") or format_code)
                found[int(place)] = f"{found[int(place)]} {shown}" if int(place) in found else shown
    return found


def as_shown(value: str, format_code: str) -> str:
    """Return a number of a chart as the chart shows it: "0.25" as "25%", without noise behind the decimals."""
    try:
        number = float(value)
    except ValueError:
        return " ".join(value.split())
    if "%" in format_code:
        return f"{round(number * 100, 6):.15g}%"
    return f"{round(number, 10):.15g}"


def _newer_rows(root: etree._Element) -> list[list[str]]:
    """Return names and values of a chart of the newer kind as rows."""
    texts = [[point.text or "" for point in each.iterfind(".//{*}pt")] for each in root.iterfind(".//{*}strDim")]
    numbers = [
        [as_shown(point.text or "", "") for point in each.iterfind(".//{*}pt")]
        for each in root.iterfind(".//{*}numDim")
    ]
    columns = [column[:_POINTS_MAX] for column in (*texts, *numbers)]
    height = max(map(len, columns), default=0)
    return [[column[row] if row < len(column) else "" for column in columns] for row in range(height)]


def diagram_lines(root: etree._Element) -> Iterator[str]:
    """Yield the texts of a diagram (the root of its data part) as items of a list, those below others indented."""
    texts: dict[str, str] = {}
    first = None
    for point in root.iterfind(".//{*}ptLst/{*}pt"):
        kind, identity = point.get("type") or "node", point.get("modelId") or ""
        if kind == "doc":
            first = identity
        elif kind in ("node", "asst"):
            texts[identity] = _words(point)
    below: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for link in root.iterfind(".//{*}cxnLst/{*}cxn"):
        if (link.get("type") or "parOf") == "parOf":
            order = link.get("srcOrd") or "0"
            below[link.get("srcId") or ""].append((int(order) if order.isdigit() else 0, link.get("destId") or ""))
    seen: set[str] = set()
    waiting = [(0, first or "")]
    while waiting:
        depth, identity = waiting.pop()
        if identity in seen:
            continue
        seen.add(identity)
        if texts.get(identity):
            yield f"{'  ' * max(depth - 1, 0)}- {texts[identity]}"
        if depth < _DEPTH_MAX:
            waiting += [(depth + 1, child) for _, child in sorted(below[identity], reverse=True)]
    for identity, text in texts.items():
        if text and identity not in seen:
            yield f"- {text}"


def _words(parent: etree._Element) -> str:
    """Return the text below an element on one line."""
    paragraphs = [
        "".join(text.text or "" for text in paragraph.iterfind(".//{*}t")) for paragraph in parent.iter(f"{_A}p")
    ]
    if not any(paragraphs):
        paragraphs = [text.text or "" for text in parent.iterfind(".//{*}v")]
    return " ".join(" ".join(paragraphs).split())
