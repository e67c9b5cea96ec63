"""OpenDocument texts, sheets and slides (ODT, ODS, ODP), their templates, and the same in one XML file."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from lxml import etree

from documents.extraction.archives import open_archive, parse_xml
from documents.extraction.content import Content
from documents.extraction.failures import Unreadable
from documents.extraction.notes import Note
from documents.extraction.odf_tables import Rows, visible_rows
from documents.extraction.odf_text import CHART, DRAW, OFFICE, PRESENTATION, STYLE, SVG, TABLE, TEXT, XLINK, text_of
from documents.extraction.pptx_order import Box, in_reading_order
from documents.extraction.tables import describe_rows
from documents.headings import as_body, as_heading

_DC = "{http://purl.org/dc/elements/1.1/}"
_CONTENTS = frozenset(f"{TEXT}{kind}" for kind in ("table-of-content", "illustration-index", "table-index"))
_LEFT_OUT = frozenset((f"{TEXT}tracked-changes", f"{TEXT}sequence-decls", f"{OFFICE}forms", f"{TEXT}variable-decls"))
_UNITS = {"cm": 360_000, "mm": 36_000, "in": 914_400, "pt": 12_700, "pc": 152_400, "px": 9_525}
_DEPTH_MAX = 100


def read(data: bytes) -> Content:
    """Return a text with its headings, lists, tables and notes; each sheet as a section; each slide as a page.

    Hidden sheets, slides, rows and columns, and deleted text are left out and noted. Raises Unreadable: password,
    broken, too_complex.
    """
    if data[:4] == b"PK\x03\x04":
        with open_archive(data) as archive:
            return _Reader(_Parts(archive)).content()
    return _Reader(_Parts(None, parse_xml(data))).content()


class _Parts:
    """The XML parts of a file, which may be one."""

    def __init__(self, archive: zipfile.ZipFile | None, flat: Any = None) -> None:
        self._archive, self._flat = archive, flat
        if archive is not None:
            manifest = self.find("META-INF/manifest.xml")
            if manifest is not None and next(manifest.iter("{*}encryption-data"), None) is not None:
                raise Unreadable("password")

    def find(self, name: str) -> Any:
        """Return the root of a part, None if it is missing or, beside the main one, damaged."""
        if self._archive is None:
            return self._flat
        try:
            return parse_xml(self._archive.read(name))
        except KeyError:
            return None

    def body(self) -> Any:
        """Return what holds the document. Raises Unreadable: broken."""
        root = self.find("content.xml")
        body = None if root is None else root.find(f"{OFFICE}body")
        if body is None or not len(body):
            raise Unreadable("broken")
        return body[0]


@dataclass
class _Reader:
    """Turns the body into Markdown blocks, and gathers what is left out."""

    parts: _Parts
    counts: dict[str, int] = field(default_factory=dict)
    hidden: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)  # footnotes, endnotes and comments
    styles: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def content(self) -> Content:
        """Return all that the file has."""
        body = self.parts.body()
        kind = etree.QName(body).localname
        self.styles = _styles(self.parts)
        if kind == "presentation" or kind == "drawing":
            pages = [self._slide(page, number) for number, page in enumerate(body.iterfind(f"{DRAW}page"), 1)]
        elif kind == "spreadsheet":
            pages = [sheet for table in body.iterfind(f"{TABLE}table") if (sheet := self._sheet(table))]
        else:
            pages = [self._document(body)]
        meta = self.parts.find("meta.xml")
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
            elif element.get(f"{TEXT}display") != "none":
                yield from self.blocks(element, depth + 1)

    def _paragraph(self, element: Any, depth: int) -> Iterator[str]:
        frames: list[Any] = []
        notes: list[Any] = []
        hidden: list[str] = []
        text = text_of(element, frames, notes, hidden, self._is_hidden)
        if self._is_hidden(element):
            hidden.append(text)
            text = ""
        for each in filter(None, hidden):
            self.hidden.append(each)
            self._count("hidden_text")
        if text and element.tag == f"{TEXT}h":
            level = element.get(f"{TEXT}outline-level") or "1"
            yield as_heading(int(level) if level.isdigit() else 1, text)
        elif text:
            yield as_body(text)
        for frame in frames:
            yield from self.drawn(frame, depth + 1)
        for note in notes:
            said = " ".join(
                self.blocks(note.find(f"{TEXT}note-body") if note.tag == f"{TEXT}note" else note, depth + 1)
            )
            if said:
                self.notes.append(said if note.tag == f"{TEXT}note" else f"Comment: {said}")

    def _is_hidden(self, element: Any) -> bool:
        return "hidden" in self.styles.get(element.get(f"{TEXT}style-name") or "", ())

    def _items(self, listed: Any, depth: int) -> Iterator[str]:
        """Yield the items of a list."""
        for item in listed:
            if item.tag not in (f"{TEXT}list-item", f"{TEXT}list-header"):
                continue
            for number, block in enumerate(self.blocks(item, depth + 1)):
                is_plain = not number and not block.startswith(("- ", "#", " "))
                yield f"- {block}" if is_plain else block

    def _table(self, table: Any) -> Iterator[str]:
        rows = Rows(lambda cell: _flat(self.blocks(cell)))
        if lines := "\n".join(map(as_body, describe_rows(visible_rows(table, rows)))):
            yield lines

    def _sheet(self, table: Any) -> str:
        """Return a sheet with its rows as lines; "" if it is empty or hidden."""
        rows = Rows(lambda cell: _flat(self.blocks(cell)), is_sheet=True)
        lines = "\n".join(map(as_body, describe_rows(visible_rows(table, rows))))
        if not lines:
            return ""
        text = f"{as_heading(1, table.get(f'{TABLE}name') or 'Sheet')}\n\n{lines}"
        if "hidden" in self.styles.get(table.get(f"{TABLE}style-name") or "", ()):
            self._count("hidden_sheets")
            self.hidden.append(text)
            return ""
        if rows.hidden:
            self.counts["hidden_rows"] = self.counts.get("hidden_rows", 0) + rows.hidden
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
                placed.append((_box_of(shape), text))
        blocks = [placed[place][1] for place in in_reading_order([box for box, _ in placed])]
        notes = page.find(f"{PRESENTATION}notes")
        said = "\n".join(self.blocks(notes)) if notes is not None else ""
        blocks += [f"Notes: {said}"] if said else []
        blocks += self.notes
        self.notes = []
        if not title and not blocks:
            return ""
        text = "\n\n".join([as_heading(1, title or f"Slide {number}"), *blocks])
        if "hidden" in self.styles.get(page.get(f"{DRAW}style-name") or "", ()):
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
            if formula := " ".join("".join(root.itertext("{http://www.w3.org/1998/Math/MathML}*")).split()):
                yield as_body(formula)
            return
        for heading in chart.iterfind(f"{CHART}title"):
            yield from self.blocks(heading)
        for table in chart.iterfind(f"{TABLE}table"):
            yield from self._table(table)


def _styles(parts: _Parts) -> Mapping[str, frozenset[str]]:
    """Return the names of the styles that hide what has them."""
    hiding: dict[str, frozenset[str]] = {}
    for part in ("content.xml", "styles.xml"):
        root = parts.find(part)
        for style in root.iter(f"{STYLE}style") if root is not None else ():
            for properties in style:
                if (
                    properties.get(f"{TEXT}display") == "none"
                    or properties.get(f"{TABLE}display") == "false"
                    or properties.get(f"{PRESENTATION}visibility") == "hidden"
                ):
                    hiding[style.get(f"{STYLE}name") or ""] = frozenset({"hidden"})
    return hiding


def _box_of(shape: Any) -> Box:
    return Box(*(_length(shape.get(f"{SVG}{side}")) for side in ("x", "y", "width", "height")))


def _length(text: str | None) -> int:
    """Return a length such as "2.5cm" in units of which an inch has 914,400; 0 for what is none."""
    try:
        return int(float((text or "")[:-2]) * _UNITS.get((text or "")[-2:], 0))
    except (ValueError, OverflowError):
        return 0


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
