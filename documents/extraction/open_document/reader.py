"""Reads OpenDocument texts, sheets and slides (ODT, ODS, ODP), their templates, and flat XML files of these."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from lxml import etree

from documents.extraction.archives import open_archive, parse_xml
from documents.extraction.content import Content
from documents.extraction.failures import Unreadable
from documents.extraction.mathml import math_text
from documents.extraction.office.pptx_order import Box, in_reading_order
from documents.extraction.open_document.package import Parts
from documents.extraction.open_document.places import box_of
from documents.extraction.open_document.styles import Styles
from documents.extraction.open_document.tables import Rows, header_rows, visible_rows
from documents.extraction.open_document.text import (
    CHART,
    DRAW,
    OFFICE,
    PRESENTATION,
    STYLE,
    SVG,
    TABLE,
    TEXT,
    XLINK,
    ParagraphParts,
    text_of,
)
from documents.extraction.tables.model import describe_rows, describe_table
from documents.text.extraction_notes import Note
from documents.text.headings import as_body, as_heading

_DC = "{http://purl.org/dc/elements/1.1/}"
_CONTENTS = frozenset(f"{TEXT}{kind}" for kind in ("table-of-content", "illustration-index", "table-index"))
_LEFT_OUT = frozenset((f"{TEXT}tracked-changes", f"{TEXT}sequence-decls", f"{OFFICE}forms", f"{TEXT}variable-decls"))
_DEPTH_MAX = 100


def read(data: bytes) -> Content:
    """Return a text with its headings, lists, tables and notes; each sheet as a section; each slide as a page.

    Hidden sheets, slides, rows and columns, and deleted text are left out and noted. Raises Unreadable: password,
    broken, too_complex.
    """
    if data[:4] == b"PK\x03\x04":
        with open_archive(data, damaged_allowed=True) as archive:
            return _Reader(Parts(archive)).content()
    return _Reader(Parts(None, parse_xml(data))).content()


@dataclass
class _Reader:
    """Turns the body into Markdown blocks, and gathers what is left out."""

    parts: Parts
    counts: dict[str, int] = field(default_factory=dict)
    hidden: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)  # footnotes, endnotes and comments
    styles: Styles = field(init=False)
    lists: list[tuple[str, list[int]]] = field(default_factory=list)  # open: style, number of the item at each depth
    last: dict[tuple[str, int], int] = field(default_factory=dict)  # by style and depth: number of the last item

    def __post_init__(self) -> None:
        roots = (self.parts.find(part) for part in ("styles.xml", "content.xml"))
        self.styles = Styles(root for root in roots if root is not None)

    def content(self) -> Content:
        """Return the content of the file."""
        body = self.parts.body()
        kind = etree.QName(body).localname
        if kind == "presentation" or kind == "drawing":
            pages = [self._slide(page, number) for number, page in enumerate(body.iterfind(f"{DRAW}page"), 1)]
        elif kind == "spreadsheet":
            pages = [sheet for table in body.iterfind(f"{TABLE}table") if (sheet := self._sheet(table))]
        else:
            pages = [self._document(body)]
        meta = self.parts.find("meta.xml")
        if self.parts.damaged:
            self.counts["damaged_parts"] = len(self.parts.damaged)
            if not any(pages):
                raise Unreadable("broken")
        return Content(
            pages,
            has_pages=kind in ("presentation", "drawing"),
            markdown=True,
            title=_field(meta, "title"),
            language=(_field(meta, "language") or "").split("-")[0].lower() or None,
            notes=[Note(code, count) for code, count in self.counts.items()],
            hidden="\n\n".join(self.hidden),
        )

    def _count(self, code: str) -> None:
        self.counts[code] = self.counts.get(code, 0) + 1

    def _document(self, body: Any) -> str:
        """Return a text: page headers come first, notes, comments and page footers last."""
        main = list(self.blocks(body))
        margins = {"header": dict[str, None](), "footer": dict[str, None]()}
        styles = self.parts.find("styles.xml")
        for page in styles.iter(f"{STYLE}master-page") if styles is not None else ():
            for margin in page:
                name = etree.QName(margin).localname.split("-")[0]
                if name in margins:
                    margins[name] |= dict.fromkeys(self.blocks(margin))
        return _joined([*margins["header"], *main, *self.notes, *margins["footer"]])

    def blocks(self, parent: Any, depth: int = 0) -> Iterator[str]:
        """Yield the headings, paragraphs, items and tables below an element."""
        if depth > _DEPTH_MAX:
            raise Unreadable("too_complex")
        for element in parent:
            tag = element.tag
            if not isinstance(tag, str) or tag in _LEFT_OUT or tag in _CONTENTS:
                continue
            if tag in (f"{TEXT}h", f"{TEXT}p"):
                yield from self._paragraph(element, depth)
            elif tag == f"{TEXT}list":
                yield from self._items(element, depth)
            elif tag == f"{TABLE}table":
                yield from self._table(element)
            elif tag.startswith(DRAW):
                yield from self.drawn(element, depth)
            elif tag == f"{OFFICE}annotation":
                self._note(element, depth)
            elif element.get(f"{TEXT}display") != "none":
                yield from self.blocks(element, depth + 1)

    def _paragraph(self, element: Any, depth: int) -> Iterator[str]:
        beside = ParagraphParts()
        text = text_of(element, self.styles, beside)
        if self.styles.hides(element.get(f"{TEXT}style-name")):
            beside.hidden.append(text)
            text = ""
        for each in filter(None, beside.hidden):
            self.hidden.append(each)
            self._count("hidden_text")
        if text and element.tag == f"{TEXT}h":
            level = element.get(f"{TEXT}outline-level") or "1"
            yield as_heading(int(level) if level.isdigit() else 1, text)
        elif text:
            yield as_body(text)
        for frame in beside.frames:
            yield from self.drawn(frame, depth + 1)
        for note in beside.notes:
            self._note(note, depth)

    def _note(self, note: Any, depth: int) -> None:
        """Keep a footnote or comment for the end of the text."""
        is_comment = note.tag == f"{OFFICE}annotation"
        body = note if is_comment else note.find(f"{TEXT}note-body")
        if body is not None and (said := " ".join(self.blocks(body, depth + 1))):
            self.notes.append(f"Comment: {said}" if is_comment else said)

    def _items(self, listed: Any, depth: int) -> Iterator[str]:
        """Yield the items of a list, each with its number or a dash."""
        outer = self.lists[-1] if self.lists else ("", [])
        style = listed.get(f"{TEXT}style-name") or outer[0]
        level = len(outer[1]) + 1
        number = self.styles.start(style, level) - 1
        if listed.get(f"{TEXT}continue-numbering") == "true":
            number = self.last.get((style, level), number)
        for item in listed:
            if item.tag not in (f"{TEXT}list-item", f"{TEXT}list-header"):
                continue
            number += item.tag == f"{TEXT}list-item"
            if (told := item.get(f"{TEXT}start-value") or "").isdecimal() and len(told) < 8:
                number = int(told)
            self.lists.append((style, [*outer[1], number]))
            label = self.styles.label(*self.lists[-1])
            for place, block in enumerate(self.blocks(item, depth + 1)):
                is_plain = not place and item[0].tag != f"{TEXT}list" and not block.startswith(("#", " "))
                yield f"{label} {block}" if is_plain and item.tag == f"{TEXT}list-item" else block
            self.lists.pop()
        self.last[style, level] = number

    def _table(self, table: Any) -> Iterator[str]:
        rows = Rows(lambda cell: _flat(self.blocks(cell)))
        described = describe_table(visible_rows(table, rows), header_rows=header_rows(table))
        if lines := "\n".join(map(as_body, described)):
            yield lines

    def _sheet(self, table: Any) -> str:
        """Return a sheet with its rows as lines; "" if it is empty or hidden."""
        rows = Rows(self._cell, is_sheet=True)
        blocks = ["\n".join(map(as_body, describe_rows(visible_rows(table, rows))))]
        blocks += [block for shapes in table.iterfind(f"{TABLE}shapes") for block in self.blocks(shapes)]
        blocks += self.notes
        self.notes = []
        if not any(blocks):
            return ""
        text = "\n\n".join([as_heading(1, table.get(f"{TABLE}name") or "Sheet"), *filter(None, blocks)])
        if self.styles.hides(table.get(f"{TABLE}style-name")):
            self._count("hidden_sheets")
            self.hidden.append(text)
            return ""
        if rows.hidden:
            self.counts["hidden_rows"] = self.counts.get("hidden_rows", 0) + rows.hidden
        return text

    def _cell(self, cell: Any) -> str:
        """Return the text of a sheet's cell; a note on it goes below the sheet."""
        before = len(self.notes)
        text = _flat(self.blocks(cell))
        for place in range(before, len(self.notes)):
            self.notes[place] = f"Note on {text or 'a cell'}: {self.notes[place].removeprefix('Comment: ')}"
        return text

    def _slide(self, page: Any, number: int) -> str:
        """Return a slide: its title, what stands on it by position, and its notes."""
        title, placed = "", list[tuple[Box, str]]()
        for shape in page:
            if not isinstance(shape.tag, str) or not shape.tag.startswith(DRAW):
                continue
            text = "\n\n".join(self.drawn(shape, 0))
            kind = shape.get(f"{PRESENTATION}class")
            if kind == "title" and not title:
                title = " ".join(text.split())
            elif text and kind not in ("page-number", "date-time"):
                placed.append((box_of(shape), text))
        blocks = [placed[place][1] for place in in_reading_order([box for box, _ in placed])]
        notes = page.find(f"{PRESENTATION}notes")
        said = "\n".join(self.blocks(notes)) if notes is not None else ""
        blocks += [f"Notes: {said}"] if said else []
        blocks += self.notes
        self.notes = []
        if not title and not blocks:
            return ""
        text = "\n\n".join([as_heading(1, title or f"Slide {number}"), *blocks])
        if self.styles.hides(page.get(f"{DRAW}style-name")):
            self._count("hidden_slides")
            self.hidden.append(text)
            return ""
        return text

    def drawn(self, element: Any, depth: int) -> Iterator[str]:
        """Yield the text of a shape or frame: a text box, table, chart, or what a picture is said to show."""
        if depth > _DEPTH_MAX:
            raise Unreadable("too_complex")
        table = element.find(f"{TABLE}table")
        embedded = element.find(f"{DRAW}object")
        if table is not None:
            yield from self._table(table)
        elif embedded is not None:
            yield from self._object(embedded)
        elif element.find(f"{DRAW}plugin") is not None:
            self._count("media")
        elif element.find(f"{DRAW}object-ole") is not None:
            self._count("files_inside")
        elif element.find(f"{DRAW}image") is not None and element.find(f"{DRAW}text-box") is None:
            said = element.findtext(f"{SVG}desc") or element.findtext(f"{SVG}title") or ""
            if said.strip():
                yield as_body(f"Picture: {' '.join(said.split())}")
            else:
                self._count("pictures")
        else:
            yield from self.blocks(element, depth + 1)

    def _object(self, embedded: Any) -> Iterator[str]:
        """Yield a chart's title and numbers, or a formula."""
        name = (embedded.get(f"{XLINK}href") or "").removeprefix("./").strip("/")
        root = embedded[0] if len(embedded) else (self.parts.find(f"{name}/content.xml") if name else None)
        if root is None:
            self._count("files_inside")
            return
        chart = next(root.iter(f"{CHART}chart"), None)
        if chart is None:
            if formula := math_text(root):
                yield as_body(formula)
            return
        for heading in chart.iterfind(f"{CHART}title"):
            yield from self.blocks(heading)
        for table in chart.iterfind(f"{TABLE}table"):
            yield from self._table(table)


def _field(meta: Any, name: str) -> str | None:
    text = meta.findtext(f".//{_DC}{name}") if meta is not None else None
    return " ".join(text.split()) or None if text else None


def _flat(blocks: Iterator[str]) -> str:
    return " ".join(" ".join(blocks).split())


def _joined(blocks: list[str]) -> str:
    """Return the blocks as one text: list items line by line, all else as paragraphs."""
    pieces: list[str] = []
    for number, block in enumerate(blocks):
        is_item = number and block.startswith("- ") and blocks[number - 1].startswith("- ")
        pieces += ["\n" if is_item else "\n\n" if number else "", block]
    return "".join(pieces)
