"""Cuts a text into the pieces that are searched and quoted. Pure: no Django."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from semantic_text_splitter import MarkdownSplitter, TextSplitter

from documents.text.borders import Border, find_borders, page_at
from documents.text.headings import Heading, find_headings, heading_text
from documents.text.normalization import searchable
from documents.text.table_cutting import Span, TableCutter, trimmed
from documents.text.table_rows import Table, find_tables, tables_within

Unit = Literal["chars", "tokens"]
HEADING_PATH_MAX_CHARS = 500  # as wide as Chunk.heading
WINDOW_PIECES = 12  # the splitter takes quadratic time in text without borders, so it gets this much at a time
_WINDOW_BORDERS = ("\n\n", "\n", ". ", "。", " ")
# About one token for the tokenizers of small models. The estimate is rather too high than too low: of a piece that is
# longer than the model's input, the end is silently not embedded.
_TOKEN = re.compile(r"[A-Za-z]{1,5}|\d{1,2}|[\u0400-\u052f]{1,2}|[^\sA-Za-z\d]")


@dataclass(frozen=True)
class Piece:
    """A passage: `text == source[start:end]`, the path of headings above it, and the page that it starts on.

    `borders` are the places in it from which on another page or path of headings holds, in order; most have none.
    """

    ordinal: int
    text: str
    heading: str
    page: int | None
    start: int
    end: int
    borders: tuple[Border, ...] = ()


class _Splitter(Protocol):
    def chunk_indices(self, text: str) -> list[tuple[int, str]]: ...


@dataclass(frozen=True)
class _Section:
    """A span that starts with its heading lines, if it has any; `body` is where they end."""

    start: int
    body: int
    end: int
    level: int
    path: str


@dataclass(frozen=True)
class _Measure:
    size: int
    overlap: int
    unit: Unit
    markdown: bool

    def of(self, text: str) -> int:
        return len(text) if self.unit == "chars" else count_tokens(text)

    def splitter(self, size: int) -> _Splitter:
        kind = MarkdownSplitter if self.markdown else TextSplitter
        overlap = min(self.overlap, size - 1)
        if self.unit == "tokens":
            return kind.from_callback(count_tokens, size, overlap=overlap)
        return kind(size, overlap=overlap)


def cut(
    text: str,
    *,
    page_starts: Sequence[int] = (),
    size: int,
    overlap: int,
    unit: Unit = "chars",
    markdown: bool = False,
) -> list[Piece]:
    """Return the pieces of `text` in reading order; together they contain all of it but blanks.

    `text` is normalised. No piece is longer than `size`, and two neighbours share at most `overlap`, both in
    characters or (about) tokens. Borders are those of headings, paragraphs, sentences, words, in this order. With
    `markdown`, "#" lines and underlined lines are headings; a piece never lies in two sections, except that short
    sections are kept together. `page_starts` are offsets in `text`. Tables are cut between rows; a piece that begins
    inside of a row has the row's key, and the name of the column that goes on, at the end of its heading.
    """
    if not 0 <= overlap < size:
        raise ValueError("overlap must be at least 0, and less than size")
    measure = _Measure(size, overlap, unit, markdown)
    headings = find_headings(text) if markdown else []
    tables = find_tables(text)
    sections = list(_sections(text, headings))
    section_starts = [section.start for section in sections]
    pieces: list[Piece] = []
    for section in _gathered(iter(sections), text, measure):
        for span in _uncontained(_spans(text, section, measure, tables_within(tables, section.body, section.end))):
            start, end = span.start, span.end
            path = " > ".join(filter(None, (section.path, span.row)))[:HEADING_PATH_MAX_CHARS]
            inside = sections[bisect_right(section_starts, start) : bisect_left(section_starts, end)]
            borders = find_borders(
                start,
                end,
                heading=path,
                page_starts=page_starts,
                sections={each.start: each.path for each in inside},
            )
            page = page_at(start, page_starts)
            pieces.append(Piece(len(pieces), text[start:end], path, page, start, end, borders))
    return pieces


def count_tokens(text: str) -> int:
    """Return an estimate, rather too high than too low, of how many tokens a model's tokenizer makes of `text`."""
    return sum(1 for _ in _TOKEN.finditer(text))


def embedded_text(title: str, piece: Piece) -> str:
    """Return what is embedded for a piece: title and heading path on the first line, then its searchable text.

    Heading lines at the start of the text are left out, because the path has them.
    """
    body = piece.text
    path = piece.heading.split(" > ") if piece.heading else []
    while path and (found := heading_text(body)) and found[0] in path:
        body = body[found[1] :].lstrip()
    if title and title not in path[:1]:
        path.insert(0, title)
    return searchable("\n".join(part for part in (" > ".join(path), body) if part))


def _sections(text: str, headings: Sequence[Heading]) -> Iterator[_Section]:
    """Yield the spans between headings, each with the path of headings in force there."""
    open_headings: list[Heading] = []
    if not headings or headings[0].start > 0:
        yield _Section(0, 0, headings[0].start if headings else len(text), 0, "")
    for number, heading in enumerate(headings):
        open_headings = [above for above in open_headings if above.level < heading.level] + [heading]
        end = headings[number + 1].start if number + 1 < len(headings) else len(text)
        path = " > ".join(above.text for above in open_headings if above.text)
        yield _Section(heading.start, heading.end, end, heading.level, path[:HEADING_PATH_MAX_CHARS])


def _gathered(sections: Iterator[_Section], text: str, measure: _Measure) -> Iterator[_Section]:
    """Yield the sections, short ones joined with the next as long as both fit into one piece.

    A heading without text of its own is joined to the next section. Pieces of a line or two have too few words to be
    found. The end of one chapter and the start of the next stay apart.
    """
    held: _Section | None = None
    for section in sections:
        if held is None:
            held = section
            continue
        has_body = bool(text[held.body : held.end].strip())
        is_short = measure.of(text[held.start : held.end]) < measure.size // 2
        fits = measure.of(text[held.start : section.end]) <= measure.size
        if not has_body and measure.of(text[held.start : section.body]) <= measure.size // 2:
            held = _Section(held.start, section.body, section.end, section.level, section.path)
        elif is_short and fits and section.level >= held.level:
            held = _Section(held.start, held.body, section.end, held.level, held.path)
        else:
            yield held
            held = section
    if held is not None:
        yield held


def _spans(text: str, section: _Section, measure: _Measure, tables: Sequence[Table]) -> Iterator[Span]:
    """Yield the span of each piece of a section; the first begins with the section's heading lines."""
    start, end = trimmed(text, section.start, section.end)
    if start == end:
        return
    if measure.of(text[start:end]) <= measure.size:
        yield Span(start, end)
        return
    body, _ = trimmed(text, section.body, section.end)
    heading_size = measure.of(text[start:body])
    if heading_size > measure.size // 2:
        body, heading_size = start, 0

    def prose(begin: int, stop: int) -> Iterator[Span]:
        return _prose(text, begin, stop, measure, measure.size)

    if tables:
        yield from TableCutter(text, measure.of, measure.size, prose).cut(start, body, section.end, tables)
        return
    first = True
    # A smaller size, so that heading and first piece fit together.
    for span in _prose(text, body, section.end, measure, measure.size - heading_size):
        yield Span(start, span.end) if first else span
        first = False


def _prose(text: str, start: int, end: int, measure: _Measure, size: int) -> Iterator[Span]:
    """Yield the spans that the splitter makes of a part of the text, none larger than `size`."""
    splitter = measure.splitter(size)
    for window_start, window_end in _windows(text, start, end, size):
        for offset, chunk in splitter.chunk_indices(text[window_start:window_end]):
            piece_start, piece_end = trimmed(text, window_start + offset, window_start + offset + len(chunk))
            if piece_start < piece_end:
                yield Span(piece_start, piece_end)


def _uncontained(spans: Iterator[Span]) -> Iterator[Span]:
    """Yield the spans that don't lie within their neighbour: with a large overlap, the splitter makes such spans."""
    held: Span | None = None
    for span in spans:
        if held is None:
            held = span
        elif span.start <= held.start:
            held = max(held, span, key=lambda either: either.end)
        elif span.end > held.end:
            yield held
            held = span
    if held is not None:
        yield held


def _windows(text: str, start: int, end: int, size: int) -> Iterator[tuple[int, int]]:
    """Yield [start, end) of parts small enough for the splitter, cut at the best border in their second half."""
    width = max(size * WINDOW_PIECES, 2)
    while end - start > width:
        for border in _WINDOW_BORDERS:
            found = text.rfind(border, start + width // 2, start + width)
            if found >= 0:
                stop = found + len(border)
                break
        else:
            stop = start + width
        yield start, stop
        start = stop
    if start < end:
        yield start, end
