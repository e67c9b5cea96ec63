"""Computes the numbers that Word shows before list paragraphs: "2.1", "(b)", "iv."."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from documents.extraction.office.docx_styles import Styles, W

_PLACE = re.compile(r"%([1-9])")
_ROMAN = ((1000, "m"), (900, "cm"), (500, "d"), (400, "cd"), (100, "c"), (90, "xc"), (50, "l"), (40, "xl"), (10, "x"))
_ROMAN_SMALL = ((9, "ix"), (5, "v"), (4, "iv"), (1, "i"))
_DIGITS = "〇一二三四五六七八九"
_CHINESE = (
    "chineseCounting",
    "chineseCountingThousand",
    "japaneseCounting",
    "taiwaneseCounting",
    "taiwaneseCountingThousand",
)
LEVELS = 9


@dataclass
class _Level:
    """One depth of a list: the first number, how numbers are written, the pattern they stand in."""

    start: int = 1
    form: str = "decimal"
    pattern: str = ""
    restarts: bool = True
    is_legal: bool = False  # all numbers in the pattern are written as 1, 2, 3
    style: str = ""


@dataclass
class _List:
    levels: list[_Level]
    counters: list[int | None] = field(default_factory=lambda: [None] * LEVELS)
    started: set[tuple[str, int]] = field(default_factory=set)


class Numbering:
    """Counts the paragraphs of lists. `root`: of the part with the lists, None if it is missing."""

    def __init__(self, root: Any, styles: Styles) -> None:
        self._lists: dict[str, _List] = {}  # by the id of the abstract list, whose numbers all its uses share
        self._uses: dict[str, tuple[str, dict[int, _Level], dict[int, int]]] = {}
        if root is None:
            return
        links: dict[str, str] = {}
        for abstract in root.iterfind(f"{W}abstractNum"):
            identity = abstract.get(f"{W}abstractNumId") or ""
            self._lists[identity] = _List(_levels(abstract))
            if (link := abstract.find(f"{W}numStyleLink")) is not None:
                links[identity] = link.get(f"{W}val") or ""
        for number in root.iterfind(f"{W}num"):
            linked = number.find(f"{W}abstractNumId")
            abstract_id = (linked.get(f"{W}val") or "") if linked is not None else ""
            self._uses[number.get(f"{W}numId") or ""] = (abstract_id, *_overrides(number))
        for identity, style in links.items():
            use = self._uses.get(styles.list_of(style) or "")
            if use and use[0] in self._lists:
                self._lists[identity] = self._lists[use[0]]

    def label(self, number: str, level: int | None, style: str = "") -> str:
        """Return what stands before the next paragraph of a list: "2.1", "(b)", "-" for bullets, "" for nothing.

        `level` None: that of the list which is made for the paragraph's style.
        """
        use = self._uses.get(number)
        if use is None or use[0] not in self._lists:
            return "-"
        abstract, overridden, starts = use
        found = self._lists[abstract]
        if level is None:
            level = next((depth for depth, each in enumerate(found.levels) if style and each.style == style), 0)
        level = min(level, LEVELS - 1)
        here = overridden.get(level, found.levels[level])
        if here.form == "bullet":
            return "-"
        counters = found.counters
        if level in starts and (number, level) not in found.started:
            counters[level] = starts[level] - 1
        found.started.add((number, level))
        counters[level] = here.start if counters[level] is None else (counters[level] or 0) + 1
        for deeper in range(level + 1, LEVELS):
            if found.levels[deeper].restarts:
                counters[deeper] = None

        def shown(place: re.Match[str]) -> str:
            depth = int(place[1]) - 1
            other = overridden.get(depth, found.levels[depth])
            value = counters[depth]
            return number_in_words(other.start if value is None else value, "decimal" if here.is_legal else other.form)

        return _PLACE.sub(shown, here.pattern).strip()


def number_in_words(number: int, form: str) -> str:
    """Return a number in one of Word's forms: 4 in "lowerRoman" is "iv"."""
    if form in ("upperRoman", "upperLetter"):
        return number_in_words(number, f"lower{form[5:]}").upper()
    if form == "lowerLetter" and number > 0:
        return chr(ord("a") + (number - 1) % 26) * min((number - 1) // 26 + 1, 10)
    if form == "lowerRoman" and 0 < number < 4000:
        roman = ""
        for value, letters in (*_ROMAN, *_ROMAN_SMALL):
            roman += letters * (number // value)
            number %= value
        return roman
    if form == "decimalZero":
        return f"{number:02d}"
    if form == "none":
        return ""
    if form in _CHINESE and 0 < number < 100:
        tens, ones = divmod(number, 10)
        return (("" if tens == 1 else _DIGITS[tens]) + "十" if tens else "") + (_DIGITS[ones] if ones else "")
    return str(number)


def _levels(abstract: Any) -> list[_Level]:
    levels = [_Level() for _ in range(LEVELS)]
    for element in abstract.iterfind(f"{W}lvl"):
        depth = element.get(f"{W}ilvl") or ""
        if depth.isdecimal() and int(depth) < LEVELS:
            levels[int(depth)] = _level(element)
    return levels


def _level(element: Any) -> _Level:
    start = _value(element, "start")
    form = _value(element, "numFmt") or "decimal"
    return _Level(
        start=int(start) if start.isdecimal() and len(start) < 8 else 1,
        form=form,
        pattern=_value(element, "lvlText"),
        restarts=_value(element, "lvlRestart") != "0",
        is_legal=element.find(f"{W}isLgl") is not None,
        style=_value(element, "pStyle"),
    )


def _overrides(number: Any) -> tuple[dict[int, _Level], dict[int, int]]:
    """Return what a use of a list has of its own: levels, and first numbers."""
    levels: dict[int, _Level] = {}
    starts: dict[int, int] = {}
    for element in number.iterfind(f"{W}lvlOverride"):
        depth = element.get(f"{W}ilvl") or ""
        if not depth.isdecimal() or int(depth) >= LEVELS:
            continue
        if (own := element.find(f"{W}lvl")) is not None:
            levels[int(depth)] = _level(own)
        start = _value(element, "startOverride")
        if start.isdecimal() and len(start) < 8:
            starts[int(depth)] = int(start)
    return levels, starts


def _value(element: Any, name: str) -> str:
    child = element.find(f"{W}{name}")
    return (child.get(f"{W}val") or "") if child is not None else ""
