"""Splits a passage into parts that can be quoted, each with its heading or label. Pure: no Django."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from querying.text.blocks import QUESTION_MARKS, Line, LineKind, read_lines
from querying.text.sentences import Span, sentences_of

_START = re.compile(
    r"(?:\s|#{1,6}\s|>\s?|[-*+•–·▪◦‣]\s|\(?\d{1,3}[.)]\s|\|"
    r"|(?:A|Answer|Antwort|Đáp|Trả lời|R|Respuesta|Réponse|答)\s?[:：]\s?)*"
)
_WORDS_INSIDE = r"needed|erforderlich|requerida|nécessaire|souhaitée|dẫn nguồn|nguồn|来源请求|來源請求"
FOOTNOTE = re.compile(rf"\s?\[(?:\d{{1,3}}(?:\s*[,;–-]\s*\d{{1,3}})*|[^\[\]\n]{{0,24}}(?:{_WORDS_INSIDE})\??)\]")
_END = re.compile(rf"(?:(?<!\w)(?:{FOOTNOTE.pattern})|\s|\|)+\Z")
# Behind a comma or a full stop, before the full stop at the end, and any "[citation needed]". Elsewhere brackets are
# text: map[7].
FOOTNOTE_INSIDE = re.compile(
    rf"(?<=[.,;:!?”\"。，；])(?:{FOOTNOTE.pattern})+|\s?\[[^\[\]\n]{{0,24}}(?:{_WORDS_INSIDE})\??\]"
)
_UNQUOTED = frozenset([LineKind.HEADING, LineKind.SIGNS, LineKind.CODE, LineKind.ASKED])


@dataclass(frozen=True)
class Quotable:
    """`text[start:end]`: a sentence, an item or a row, without the signs of Markdown around it."""

    start: int
    end: int
    kind: LineKind
    heading: str = ""  # the nearest one above, within the passage
    asked: str = ""  # the label or question right above it: what it is the answer to
    before: str = ""  # the sentence before it, in the same paragraph
    columns: str = ""  # the header of its table


@lru_cache(maxsize=1024)  # the good passages of a corpus are found often
def quotables_of(text: str) -> tuple[Quotable, ...]:
    """Return the quotable parts of a text, in order: headings, code, questions of a FAQ only if nothing else is."""
    lines = read_lines(text)
    starts = [line.start for line in lines]
    found: list[Quotable] = []
    heading = asked = before = columns = ""
    last = -1
    for span in sentences_of(text):
        place = max(0, bisect_right(starts, span.start) - 1)
        kind = lines[place].kind
        if any(lines[between].kind is LineKind.BLANK for between in range(last + 1, place)):
            before = columns = ""
            if found and found[-1].asked and kind is not LineKind.ITEM:
                asked = ""
        is_first, last = place != last, place
        part = _trimmed(text, span)
        words = text[part.start : part.end]
        if kind in {LineKind.HEADING, LineKind.TITLE} and is_first:
            heading, asked, before = _bare(words), "", ""
        is_header = kind is LineKind.ROW and _is_header(lines, place)
        if any(map(str.isalnum, words)) and not is_header:
            found.append(Quotable(part.start, part.end, kind, heading, asked, before, columns))
        if is_header:
            columns = words if lines[place + 1].kind is LineKind.SIGNS else ""  # named rows repeat it
        elif kind in {LineKind.LABEL, LineKind.ASKED} or (kind is LineKind.HEADING and _asks(words)):
            asked, before = _bare(words), ""
        elif kind in {LineKind.PROSE, LineKind.ITEM}:
            before = words
    return tuple([each for each in found if each.kind not in _UNQUOTED] or found)


def with_items(text: str, quotables: Sequence[Quotable], place: int, most_chars: int) -> Quotable:
    """Return the label or item at this place together with the items below it, as many as fit."""
    whole = quotables[place]
    for following in quotables[place + 1 :]:
        if (
            following.asked != _bare(text[whole.start : quotables[place].end])
            or following.end - whole.start > most_chars
        ):
            break
        whole = replace(whole, end=following.end)
    return whole


def _is_header(lines: Sequence[Line], place: int) -> bool:
    return place + 1 < len(lines) and lines[place + 1].kind in {LineKind.SIGNS, LineKind.NAMED_ROW}


def _asks(words: str) -> bool:
    return words.rstrip("*_ ").endswith(QUESTION_MARKS)


def _bare(words: str) -> str:
    return words.strip("*_ ")


def _trimmed(text: str, span: Span) -> Span:
    """Return the span without list marks, heading signs and pipes at its start, pipes and footnotes at its end."""
    words = text[span.start : span.end]
    start = span.start + _START.match(words).end()  # type: ignore[union-attr]  # it matches nothing, too
    end = span.end
    if start < end and (tail := _END.search(text, start, end)):
        end = tail.start()
    return Span(start, end) if any(map(str.isalnum, text[start:end])) else span  # "1. ." is its number
