"""Reads Word documents (.docx).

Tracked changes count as accepted: what was inserted is read, what was deleted is not. Comments are not part of the
document and are not read, but counted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from documents.extraction.content import Content
from documents.extraction.embedded import read_embedded
from documents.extraction.failures import Unreadable
from documents.extraction.office.charts import chart_lines, diagram_lines
from documents.extraction.office.docx_numbering import Numbering
from documents.extraction.office.docx_runs import ParagraphFindings, ParagraphReader, is_other_form
from documents.extraction.office.docx_styles import Styles, W, is_on, numbering_of, outline_level
from documents.extraction.office.package import Package
from documents.extraction.tables.grid import COPIED_MAX_CHARS, Grid
from documents.extraction.tables.model import describe_table
from documents.text.extraction_notes import Note
from documents.text.headings import as_body, as_heading

_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_PARAGRAPH, _TABLE, _ROW, _CELL = f"{W}p", f"{W}tbl", f"{W}tr", f"{W}tc"
_LEFT_OUT = frozenset(f"{W}{name}" for name in ("del", "moveFrom", "sdtPr", "tblPr", "sectPr"))
_MAIN_NAMES = ("word/document.xml", "word/document2.xml")


def read(data: bytes, *, depth: int = 0) -> Content:
    """Return paragraphs, lists and tables in order; page headers come first, notes and page footers last.

    Raises Unreadable: broken where there is no text and something is damaged; what `open_archive` raises.
    """
    package = Package(data)
    main = package.main(*_MAIN_NAMES)
    root = package.xml(main)
    if root is None:
        raise Unreadable("broken")
    reader = _Reader(package, main, depth)
    blocks = list(reader.blocks(root))
    parts = [
        *_distinct(_margin_texts(package, main, "header", reader)),
        *blocks,
        *_notes_below(package, main, reader),
        *_distinct(_margin_texts(package, main, "footer", reader)),
    ]
    notes = [*package.notes, *reader.notes()]
    if not parts and any(note.code == "damaged_parts" for note in notes):
        raise Unreadable("broken")
    return Content(
        [_joined(parts)],
        markdown=True,
        title=package.property_of("title"),
        language=(package.property_of("language") or "").split("-")[0].lower() or None,
        notes=notes,
        hidden="\n".join(reader.found.hidden),
    )


class _Reader:
    """Turns the elements of a Word part into Markdown blocks."""

    def __init__(self, package: Package, main: str, depth: int) -> None:
        self._package = package
        self._main = main
        self._depth = depth
        self.found = ParagraphFindings()
        self._embedded: list[Note] = []
        self._styles = Styles(_first(package, main, "styles"))
        self._numbering = Numbering(_first(package, main, "numbering"), self._styles)
        self._paragraphs = ParagraphReader(self._styles, self.found)

    def notes(self) -> list[Note]:
        """Return notes on what was left out."""
        comments = sum(
            len(root.findall(f"{W}comment"))
            for part in self._package.related(self._main, "comments")
            if (root := self._package.xml(part)) is not None
        )
        counted = {
            "comments": comments,
            "tracked_deletions": self.found.deletions,
            "pictures": self.found.pictures,
            "files_inside": self.found.objects,
            "hidden_text": len(self.found.hidden),
        }
        return [*(Note(code, count) for code, count in counted.items() if count), *self._embedded]

    def blocks(self, parent: Any) -> Iterator[str]:
        """Yield the paragraphs and tables under `parent` in order, those in content controls and text boxes too."""
        joined: list[Any] = []  # paragraphs whose end is deleted: their text goes on in the next one
        for element in parent.iterchildren():
            if element.tag == _PARAGRAPH and _is_joined(element):
                self.found.deletions += 1
                joined.append(element)
            elif element.tag == _PARAGRAPH:
                yield from self._paragraph(element, joined)
                joined = []
            elif element.tag == _TABLE:
                yield from self._table(element)
            elif element.tag == f"{W}altChunk":
                yield from self._chunk(element)
            elif element.tag == f"{W}sdt" and is_on(element.find(f"{W}sdtPr"), f"{W}showingPlcHdr"):
                continue
            elif isinstance(element.tag, str) and element.tag not in _LEFT_OUT and not is_other_form(element):
                yield from self.blocks(element)

    def _paragraph(self, paragraph: Any, joined: Sequence[Any]) -> Iterator[str]:
        properties = paragraph.find(f"{W}pPr")
        named = properties.find(f"{W}pStyle") if properties is not None else None
        style = (named.get(f"{W}val") or "") if named is not None else ""
        text = "".join(self._paragraphs.read(each, style) for each in (*joined, paragraph)).strip()
        boxes, self.found.boxes = self.found.boxes, []
        numbering = numbering_of(properties) or self._styles.numbering(style)
        if text:
            label = ""
            if numbering and numbering[0] != "0":
                label = self._numbering.label(*numbering, style)
            level = outline_level(properties)
            if level is None:
                level = self._styles.level(style)
            if level:
                yield as_heading(level, text if label in ("", "-") else f"{label} {text}")
            else:
                yield f"{label} {text}" if label else as_body(text)
        for box in boxes:
            yield from self.blocks(box)
        drawn, self.found.parts = self.found.parts, []
        for relation, kind in drawn:
            yield from self._drawn(relation, kind)

    def _drawn(self, relation: str, kind: str) -> Iterator[str]:
        """Yield the numbers of a chart, or the words of a diagram."""
        found = self._package.relations(self._main).get(relation)
        root = self._package.xml(found.target) if found else None
        if root is not None:
            lines = chart_lines(root) if kind == "chart" else diagram_lines(root)
            if text := "\n".join(map(as_body, lines)):
                yield text

    def _table(self, table: Any) -> Iterator[str]:
        """Yield a table as one block; the cells of one that only gives a page its shape, one after the other."""
        if _is_layout(table, self._styles):
            for row in _children(table, _ROW):
                for cell in _children(row, _CELL):
                    yield from self.blocks(cell)
            return
        grid = Grid()
        above: dict[int, str] = {}  # column -> text of the cell that may go on below
        for row in _children(table, _ROW):
            properties = row.find(f"{W}trPr")
            if properties is not None and properties.find(f"{W}del") is not None:
                self.found.deletions += 1
                continue
            before = _number(properties, "gridBefore", 0)
            grid.skip(before)
            self._cells(grid, row, above, before)
            grid.end_row(is_header=is_on(properties, f"{W}tblHeader"))
        if lines := "\n".join(map(as_body, describe_table(grid.rows, header_rows=grid.header_rows))):
            yield lines

    def _cells(self, grid: Grid, row: Any, above: dict[int, str], column: int) -> None:
        for cell in _children(row, _CELL):
            properties = cell.find(f"{W}tcPr")
            columns = max(1, _number(properties, "gridSpan", 1))
            merged = properties.find(f"{W}vMerge") if properties is not None else None
            text = " ".join(" ".join(self.blocks(cell)).split())
            if merged is not None and merged.get(f"{W}val") != "restart" and not text:
                text = above.get(column, "")
            above[column] = text if len(text) <= COPIED_MAX_CHARS else ""
            grid.add(text, columns=columns)
            column += columns

    def _chunk(self, element: Any) -> Iterator[str]:
        """Yield the text of another document that is shown here."""
        relation = self._package.relations(self._main).get(element.get(_RELATION) or "")
        content = (
            read_embedded(self._package.bytes_of(relation.target), relation.target, self._depth) if relation else None
        )
        if content is None:
            self._embedded.append(Note("files_inside"))
            return
        self._embedded += content.notes
        self.found.hidden += [content.hidden] if content.hidden else []
        for part in content.parts:
            if part.strip():
                yield part if content.markdown else as_body(part)


def _is_joined(paragraph: Any) -> bool:
    """Return whether a tracked change deletes the end of a paragraph that another one follows."""
    mark = paragraph.find(f"{W}pPr/{W}rPr")
    if mark is None or (mark.find(f"{W}del") is None and mark.find(f"{W}moveFrom") is None):
        return False
    following = next(paragraph.itersiblings(_PARAGRAPH, _TABLE, f"{W}sdt"), None)
    return following is not None and following.tag == _PARAGRAPH


def _is_layout(table: Any, styles: Styles) -> bool:
    """Return whether a table has one column only, or headings in it."""
    if all(sum(1 for _ in _children(row, _CELL)) <= 1 for row in _children(table, _ROW)):
        return True
    return any(styles.level(style.get(f"{W}val") or "") > 0 for style in table.iter(f"{W}pStyle"))


def _children(parent: Any, tag: str) -> Iterator[Any]:
    """Yield the rows of a table or cells of a row, those wrapped in content controls or tracked changes too."""
    for element in parent.iterchildren():
        if element.tag == tag:
            yield element
        elif isinstance(element.tag, str) and element.tag.startswith((f"{W}sdt", f"{W}customXml", f"{W}ins")):
            yield from _children(element, tag)


def _number(properties: Any, name: str, usual: int) -> int:
    element = properties.find(f"{W}{name}") if properties is not None else None
    value = (element.get(f"{W}val") or "") if element is not None else ""
    return int(value) if value.isdecimal() and len(value) < 6 else usual


def _first(package: Package, main: str, kind: str) -> Any:
    """Return the root of the part that is related to the main one in that way, or None."""
    parts = package.related(main, kind)
    return package.xml(parts[0]) if parts else None


def _margin_texts(package: Package, main: str, kind: str, reader: _Reader) -> Iterator[str]:
    """Yield the text of page headers or footers."""
    for part in package.related(main, kind):
        root = package.xml(part)
        if root is not None:
            yield from reader.blocks(root)


def _notes_below(package: Package, main: str, reader: _Reader) -> Iterator[str]:
    """Yield the footnotes and endnotes."""
    for kind in ("footnotes", "endnotes"):
        for part in package.related(main, kind):
            root = package.xml(part)
            for note in root.iterchildren() if root is not None else ():
                if note.get(f"{W}type") not in ("separator", "continuationSeparator", "continuationNotice"):
                    yield from reader.blocks(note)


def _joined(blocks: list[str]) -> str:
    """Return the blocks as one text: list items line by line, all else as paragraphs."""
    parts: list[str] = []
    for number, block in enumerate(blocks):
        if number:
            is_item = block.startswith("- ") and blocks[number - 1].startswith("- ")
            parts.append("\n" if is_item else "\n\n")
        parts.append(block)
    return "".join(parts)


def _distinct(texts: Iterable[str]) -> list[str]:
    """Return each text once: first, even and odd pages repeat their headers."""
    return list(dict.fromkeys(texts))
