"""Classifies the lines of a text (heading, item, row, prose), and where sentences end. Pure: no Django."""

from __future__ import annotations

import enum
import re
from collections.abc import Sequence
from dataclasses import dataclass


class LineKind(enum.Enum):
    """The kind of a line."""

    PROSE = "prose"
    HEADING = "heading"  # "# Pay", an underlined line, a bold line of its own
    TITLE = "title"  # a short line that was ended on purpose: "3.2 Holidays"
    LABEL = "label"  # ends in a colon: "You need:"
    ASKED = "asked"  # "Q: How many days?"
    PAIR = "pair"  # "Phone: 1234"
    ITEM = "item"
    ROW = "row"  # of a table
    NAMED_ROW = "named row"  # of a table, with the columns' names in it: "Name: Ada; Room: 12"
    CODE = "code"
    SIGNS = "signs"  # a rule, the row below a table's header, front matter
    BLANK = "blank"


@dataclass(frozen=True)
class Line:
    """`text[start:end]` without its line end; `is_end`: no sentence goes on into the next line."""

    start: int
    end: int
    kind: LineKind
    is_end: bool


QUESTION_MARKS = ("?", "？", "؟")
# These are one sentence each, whatever full stops they have, and go on into no other line.
WHOLE = frozenset(
    [
        LineKind.HEADING,
        LineKind.TITLE,
        LineKind.LABEL,
        LineKind.ROW,
        LineKind.NAMED_ROW,
        LineKind.SIGNS,
        LineKind.CODE,
        LineKind.BLANK,
        LineKind.ASKED,
    ]
)
_BEGINS_SENTENCE = frozenset(
    [
        LineKind.HEADING,
        LineKind.ROW,
        LineKind.NAMED_ROW,
        LineKind.ITEM,
        LineKind.SIGNS,
        LineKind.CODE,
        LineKind.BLANK,
        LineKind.ASKED,
    ]
)
_FLOWING = frozenset([LineKind.PROSE, LineKind.ITEM, LineKind.PAIR])
LABEL_MAX_CHARS = 160
TITLE_SHARE = (
    0.6  # of the block's widest line; if the next word would have fitted into that, the line was ended on purpose
)

_LINE = re.compile(r"(?m)^[^\n]*$")
_FENCE = re.compile(r"\s{0,3}(?:```|~~~)")
_HEADING = re.compile(r"\s{0,3}#{1,6}(?:\s|$)|\s{0,3}(?:>\s*)?(?:\*\*|__)[^*_\n]{1,120}(?:\*\*|__)\s*:?\s*$")
_UNDERLINE = re.compile(r"\s{0,3}(?:=+|-{2,})\s*$")
_RULE = re.compile(r"\s{0,3}([-*_=~])(?:\s*\1){2,}\s*$")
_BELOW_HEADER = re.compile(r"\s*\|?\s*:?-{1,}:?\s*(?:\|\s*:?-{1,}:?\s*)*\|?\s*$")
_ROW = re.compile(r"\s*\|.*\|\s*$|[^\n|]*\S\s\|\s\S[^\n]*$")
_ITEM = re.compile(r"\s*(?:[-*+•–·▪◦‣]|\(?\d{1,3}[.)]|\(?[a-z]\)|[①-⑳])\s+\S")
_ASKED = re.compile(
    r"\s*(?:\*\*)?(?:Q|Question|F|Frage|Hỏi|P|Pregunta|问|問)\s?\d{0,3}\s?[:：.](?:\*\*)?\s*\S", re.IGNORECASE
)
_ANSWERED = re.compile(
    r"\s*(?:\*\*)?(?:A|Answer|Antwort|Đáp|Trả lời|R|Respuesta|Réponse|答)\s?\d{0,3}\s?[:：.](?:\*\*)?\s*\S",
    re.IGNORECASE,
)
_PAIR = re.compile(r"\s*(?:\*\*)?[^\W_][^.:：!?\n|]{0,40}(?:\*\*)?[:：](?:\*\*)?\s*\S")
_NAMED_ROW = re.compile(r"[^\W_#>][^;!?\n]{0,80}?: \S[^\n]*?; [^\W_][^;:!?\n]{0,80}: \S")
_META = re.compile(r"---\s*\n((?:[ \t]*(?:[\w-]+:.*|-\s.*|#.*)?\n){1,60}?)(?:---|\.\.\.)\s*(?:\n|\Z)")


def read_lines(text: str) -> list[Line]:
    """Return the lines of a text in order."""
    spans = [match.span() for match in _LINE.finditer(text)]
    lines = [text[start:end] for start, end in spans]
    kinds = _kinds(text, lines)
    widths = _widths(lines, kinds)
    for place in range(len(lines) - 1):
        if kinds[place] is LineKind.PROSE and _was_ended(lines, place, widths[place]) and kinds[place + 1] in _FLOWING:
            kinds[place] = LineKind.TITLE
    return [Line(start, end, kinds[place], _ends(lines, kinds, place)) for place, (start, end) in enumerate(spans)]


def _kinds(text: str, lines: Sequence[str]) -> list[LineKind]:
    """Return the kind of each line; titles are still prose."""
    meta = _META.match(text)
    hidden = text[: meta.end()].count("\n") if meta else 0
    kinds: list[LineKind] = []
    is_code = False
    for place, line in enumerate(lines):
        if place < hidden:
            kinds.append(LineKind.SIGNS)
        elif _FENCE.match(line):
            kinds.append(LineKind.CODE)
            is_code = not is_code
        elif is_code:
            kinds.append(LineKind.CODE)
        elif _UNDERLINE.match(line) and kinds and kinds[-1] in {LineKind.PROSE, LineKind.PAIR, LineKind.LABEL}:
            kinds[-1] = LineKind.HEADING
            kinds.append(LineKind.SIGNS)
        else:
            kinds.append(_kind(line))
    return kinds


def _kind(line: str) -> LineKind:
    stripped = line.rstrip()
    if not stripped:
        return LineKind.BLANK
    if _RULE.match(line) or ("-" in line and _BELOW_HEADER.match(line)):
        return LineKind.SIGNS
    if _HEADING.match(line):
        return LineKind.HEADING
    if _ASKED.match(line) and stripped.rstrip("*").endswith(QUESTION_MARKS):
        return LineKind.ASKED
    if _NAMED_ROW.match(line):
        return LineKind.NAMED_ROW
    if _ROW.match(line):
        return LineKind.ROW
    if stripped.endswith((":", "：", ":**", "：**")) and len(stripped) <= LABEL_MAX_CHARS:
        return LineKind.LABEL
    if _ITEM.match(line):
        return LineKind.ITEM
    return LineKind.PAIR if _PAIR.match(line) else LineKind.PROSE


def _ends(lines: Sequence[str], kinds: Sequence[LineKind], place: int) -> bool:
    if place + 1 == len(lines) or kinds[place] in WHOLE or kinds[place + 1] in _BEGINS_SENTENCE:
        return True
    if _ANSWERED.match(lines[place + 1]):
        return True
    following = lines[place + 1].lstrip()
    if following[:1].islower() or lines[place].rstrip().endswith((",", "-", "(")):
        return False
    if kinds[place + 1] is LineKind.TITLE:
        return True
    pair_before = place > 0 and kinds[place - 1] is LineKind.PAIR
    return kinds[place] is LineKind.PAIR and (kinds[place + 1] is LineKind.PAIR or pair_before)


def _widths(lines: Sequence[str], kinds: Sequence[LineKind]) -> list[int]:
    """Return the length of the longest line in each line's block."""
    widths = [0] * len(lines)
    begin = 0
    for end in range(len(lines) + 1):
        if end == len(lines) or kinds[end] not in _FLOWING:
            widest = max(map(len, lines[begin:end]), default=0)
            widths[begin:end] = [widest] * (end - begin)
            begin = end + 1
    return widths


def _was_ended(lines: Sequence[str], place: int, width: int) -> bool:
    """Return whether a line without a full stop is a title: it ended although the next word would have fitted."""
    line, following = lines[place].strip(), lines[place + 1].strip()
    if not following or following[0].islower() or not line or not line[-1].isalnum():
        return False
    return len(line) + 1 + len(following.split()[0]) < TITLE_SHARE * width
