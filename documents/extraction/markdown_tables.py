"""Rewrites tables in Markdown (with pipes, or in HTML) as those of every other format. Pure: no Django."""

from __future__ import annotations

import re

from documents.extraction.failures import Unreadable
from documents.extraction.html import page as html_page
from documents.extraction.tables.model import describe_table
from documents.text.headings import as_body

_RULE = re.compile(r"[ \t]*\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*")
_FENCE = re.compile(r" {0,3}(`{3,}(?=[^`]*$)|~{3,})")
_FENCE_LINE = re.compile(r"(?m)^ {0,3}(?:```|~~~)")
_TABLE_TAG = re.compile(r"<(/?)table\b[^>]{0,2000}>", re.IGNORECASE)
_CELL_END = re.compile(r"(?<!\\)\|")
_QUOTE = re.compile(r"(?:[ \t]{0,8}>[ \t]?)*[ \t]*")


def with_described_tables(text: str) -> str:
    """Return the text with a line per row of each table ("Name: Ada; Room: 12") below its header; code stays as it is.

    `text` has "\\n" as its only line end.
    """
    if "|" not in text:
        return text
    lines = text.split("\n")
    kept: list[str] = []
    fence = ""
    place = 0
    while place < len(lines):
        line = lines[place]
        if found := _FENCE.match(line):
            if not fence:
                fence = found[1]
            elif found[1][0] == fence[0] and len(found[1]) >= len(fence) and not line[found.end() :].strip():
                fence = ""
        elif not fence and place + 1 < len(lines) and _is_header(line, lines[place + 1]):
            end = _end_of(lines, place + 2)
            kept += _described(lines[place:end], kept)
            if end < len(lines) and lines[end].strip():
                kept.append("")
            place = end
            continue
        kept.append(line)
        place += 1
    return "\n".join(kept)


def with_html_tables(text: str) -> str:
    """Return the text with tables that are written as HTML as lines, too; code stays as it is."""
    if not _TABLE_TAG.search(text):
        return text
    kept: list[str] = []
    position = start = depth = 0
    for tag in _TABLE_TAG.finditer(text):
        if not tag[1]:
            start = start if depth else tag.start()
            depth += 1
        elif depth:
            depth -= 1
            is_code = len(_FENCE_LINE.findall(text[:start])) % 2 == 1
            if not depth and not is_code:
                described = _html_table(text[start : tag.end()])
                kept += [text[position:start], f"\n\n{described}\n\n"]
                position = tag.end()
    return "".join(kept) + text[position:]


def _html_table(markup: str) -> str:
    try:
        return "\n\n".join(html_page.read_text(markup).parts)
    except Unreadable:
        return markup


def _is_header(line: str, following: str) -> bool:
    if "|" not in line or ("|" not in following and "-" not in following):
        return False
    rule = following[_QUOTE.match(following).end() :]  # type: ignore[union-attr]  # it matches nothing, too
    return bool(_RULE.fullmatch(rule)) and len(_cells(line)) == len(_cells(following))


def _end_of(lines: list[str], place: int) -> int:
    """Return where the rows end: at an empty line, or one without a pipe."""
    while place < len(lines) and "|" in lines[place] and not _FENCE.match(lines[place]):
        place += 1
    return place


def _described(lines: list[str], before: list[str]) -> list[str]:
    """Return the lines of a table, apart from the paragraph above it."""
    rows = [_cells(lines[0]), *map(_cells, lines[2:])]
    described = [as_body(line) for line in describe_table(rows, header_rows=1)]
    return ["", *described] if before and before[-1].strip() else described


def _cells(line: str) -> list[str]:
    """Return the cells of a row; a pipe behind a backslash is text."""
    row = line[_QUOTE.match(line).end() :].strip()  # type: ignore[union-attr]
    row = row.removeprefix("|")
    if row.endswith("|") and not row.endswith("\\|"):
        row = row[:-1]
    return [cell.strip().replace("\\|", "|") for cell in _CELL_END.split(row)]
