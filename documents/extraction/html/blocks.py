"""Splits an HTML tree into blocks: headings, paragraphs, list items, table rows, code."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from lxml import etree

from documents.extraction.html.inline import inline_text, is_anchor
from documents.extraction.html.lists import Lists
from documents.extraction.html.site_parts import is_site
from documents.extraction.html.tags import BLOCKS, HEADINGS, MAIN, NEVER_TEXT
from documents.extraction.html.visibility import Visibility
from documents.extraction.tables.grid import SPAN_MAX, Grid
from documents.extraction.tables.model import describe_table
from documents.text.headings import as_body, as_heading

_LINE_BREAK = "\x1f"  # stands for <br> while blanks are being joined


@dataclass(frozen=True)
class Block:
    """A paragraph, table or item as Markdown; `level` above 0 is a heading's. `is_links`: all of it is link text."""

    text: str
    level: int = 0
    kind: Literal["", "item"] = ""
    is_links: bool = False
    is_main: bool = False


def join_blocks(blocks: Iterable[Block]) -> str:
    """Return the blocks as one Markdown text: list items line by line, all else as paragraphs."""
    parts: list[str] = []
    before = ""
    for block in blocks:
        if parts:
            parts.append("\n" if block.kind and block.kind == before else "\n\n")
        parts.append(block.text)
        before = block.kind
    return "".join(parts)


class BlockReader:
    """Walks over a tree once and collects its blocks, and separately the texts that no reader can see.

    `visibility` None: hidden text is text like any other. `keeps_all`: navigation too.
    """

    def __init__(self, visibility: Visibility | None, *, keeps_all: bool = False) -> None:
        self._visibility = visibility
        self._keeps_all = keeps_all
        self.hidden: list[str] = []
        self._skipped: etree._Element | None = None
        self._blocks: list[Block] = []
        self._pieces: list[str] = []
        self._link_chars = 0
        self._links = self._mains = self._pres = 0  # how many of them are open
        self._lists = Lists()
        self._tables: list[Grid | None] = []  # open tables: the cells of one of data, None for one of layout
        self._others = 0  # cells of the open row that are no names of columns
        self._row_names = 0  # rows of the open table that begin with a name of their own

    def read(self, root: etree._Element) -> list[Block]:
        """Return the blocks in the order of the page."""
        walker = etree.iterwalk(root, events=("start", "end"))
        for event, element in walker:
            if event == "end":
                self._close(element)
            elif self._is_left_out(element) or self._is_written_whole(element):
                self._skipped = element
                walker.skip_subtree()  # its end still comes, and with it the text behind it
            else:
                self._open(element)
        self._flush()
        return self._blocks

    def _open(self, element: etree._Element) -> None:
        tag = element.tag
        if tag in BLOCKS:
            self._start_block(tag, element)
        elif tag == "a":
            self._links += 1
        elif tag == "br":
            self._pieces.append(_LINE_BREAK)
        self._add(element.text)

    def _is_written_whole(self, element: etree._Element) -> bool:
        """Return whether an element is text as a whole, and write it: a formula, a raised or struck text, a picture."""
        if (text := inline_text(element, behind=self._pieces[-1] if self._pieces else "")) is None:
            return False
        self._pieces.append(text)
        return True

    def _start_block(self, tag: str, element: etree._Element) -> None:
        if tag == "table":
            self._flush()
            self._tables.append(Grid() if _is_data(element) else None)
            self._others, self._row_names = 0, 0
        elif self._is_in_row():
            self._pieces.append(" ")
            return
        else:
            self._end_term()
            self._flush()
        self._lists.start(tag, element)
        if tag == "pre":
            self._pres += 1
        elif tag in MAIN:
            self._mains += 1

    def _close(self, element: etree._Element) -> None:
        if element is self._skipped:
            self._skipped = None
        else:
            tag = element.tag
            if tag in BLOCKS:
                self._end_block(tag, element)
            elif tag == "a":
                self._links -= 1
        self._add(element.tail)

    def _end_block(self, tag: str, element: etree._Element) -> None:
        grid = self._tables[-1] if self._tables else None
        if tag in ("td", "th") and grid is not None:
            self._end_cell(grid, element)
        elif tag == "tr" and grid is not None:
            self._end_row(grid, element)
        elif tag == "caption" and grid is not None:
            self._flush()
        elif tag == "table":
            self._tables.pop()
            self._end_table(grid) if grid is not None else self._flush()
        elif self._is_in_row():
            self._pieces.append(" ")
        else:
            self._end_term(tag)
            self._flush(tag)
            if lone := self._lists.end(tag):
                self._emit(as_body(lone), plain_chars=len(lone))
            if tag == "pre":
                self._pres -= 1
            elif tag in MAIN:
                self._mains -= 1

    def _end_term(self, tag: str = "") -> None:
        """Keep the text since the last block for the definition that follows, if it is a term."""
        if self._lists.is_in_term and tag not in HEADINGS:
            self._lists.name(self._take())

    def _is_in_row(self) -> bool:
        return bool(self._tables) and self._tables[-1] is not None

    def _end_cell(self, grid: Grid, element: etree._Element) -> None:
        is_name_of_column = element.tag == "th" or element.get("role") == "columnheader"
        if not is_name_of_column or element.get("scope") in ("row", "rowgroup"):
            self._others += 1
        grid.add(self._take(), columns=_span(element, "colspan"), rows=_span(element, "rowspan"))

    def _end_row(self, grid: Grid, element: etree._Element) -> None:
        is_header = not self._others or next(element.iterancestors("thead", "table")).tag == "thead"
        first = next((cell for cell in element.iterchildren("td", "th")), None)
        self._row_names += first is not None and first.tag == "th" and not is_header
        grid.end_row(is_header=is_header)
        self._others = 0

    def _end_table(self, grid: Grid) -> None:
        """Add the rows of a table of data as one block."""
        if rest := self._take():  # text that stands in no cell
            grid.add(rest)
            grid.end_row()
        has_row_names = self._row_names == len(grid.rows) - grid.header_rows
        lines = list(describe_table(grid.rows, header_rows=grid.header_rows, has_row_names=has_row_names))
        size = sum(len(cell) for row in grid.rows for cell in row)
        self._emit("\n".join(map(as_body, lines)), plain_chars=size)

    def _add(self, text: str | None) -> None:
        if not text:
            return
        if _LINE_BREAK in text and not self._pres:
            text = text.replace(_LINE_BREAK, " ")
        self._pieces.append(text)
        if self._links:
            self._link_chars += len(text.strip())

    def _take(self) -> str:
        """Return the text since the last block, blanks joined."""
        text = "".join(self._pieces)
        self._pieces = []
        if self._pres:
            return text.replace(_LINE_BREAK, "\n").strip("\n")
        if _LINE_BREAK not in text:  # nearly always
            return " ".join(text.split())
        lines = (" ".join(line.split()) for line in text.split(_LINE_BREAK))
        return "\n".join(line for line in lines if line)

    def _flush(self, tag: str = "") -> None:
        """Add the text since the last block as a block."""
        if not self._pieces:
            return
        text = self._take()
        size = len(text)
        if not text.strip():
            self._link_chars = 0
        elif self._pres:
            fence = "`" * max(3, 1 + max((len(run) for run in re.findall(r"`{3,}", text)), default=0))
            self._emit(f"{fence}\n{text}\n{fence}", plain_chars=size)
        elif tag in HEADINGS:
            self._emit(as_heading(HEADINGS[tag], text), plain_chars=size, level=HEADINGS[tag])
        elif self._lists.is_open():
            self._emit(self._lists.item(text), plain_chars=size, kind="item")
        else:
            self._emit(as_body(text), plain_chars=size)

    def _emit(self, text: str, *, plain_chars: int, level: int = 0, kind: Literal["", "item"] = "") -> None:
        is_links = self._link_chars >= 0.8 * plain_chars > 0
        self._link_chars = 0
        if text.strip():
            self._blocks.append(Block(text, level, kind, is_links, bool(self._mains)))

    def _is_left_out(self, element: etree._Element) -> bool:
        """Return whether an element is no text, part of the site rather than the page, or hidden."""
        tag = element.tag
        if not isinstance(tag, str) or tag in NEVER_TEXT:
            is_shown = tag == "template" and element.get("shadowrootmode") == "open"
            return not (is_shown or (tag == "noscript" and self._keeps_all))
        if self._keeps_all or tag in ("html", "body", "main", "article"):
            return False
        if is_site(element) or is_anchor(element):
            return True
        if self._visibility is None or not self._visibility.hides(element):
            return False
        if text := _text_in(element):
            self.hidden.append(text)
        return True


def _text_in(element: etree._Element) -> str:
    """Return the text of an element on one line, without scripts."""
    pieces: list[str] = []
    for event, node in etree.iterwalk(element, events=("start", "end")):
        if node.tag in BLOCKS or node.tag == "br":
            pieces.append(" ")
        if event == "start":
            pieces.append((node.text or "") if node.tag not in ("script", "style") else "")
        elif node is not element:
            pieces.append(node.tail or "")
    return " ".join("".join(pieces).split())


def _is_data(table: etree._Element) -> bool:
    """Return whether the cells of a table are data. Those of one that holds tables or headings are parts of a page."""
    if table.get("role") in ("presentation", "none"):
        return False
    return table.find(".//table") is None and not any(True for _ in table.iter(*HEADINGS))


def _span(cell: etree._Element, name: str) -> int:
    """Return how many columns or rows a cell covers."""
    said = (cell.get(name) or "1").strip()
    if said == "0" and name == "rowspan":
        return SPAN_MAX  # all rows that follow
    return int(said) if said.isdecimal() and len(said) < 6 else 1
