"""Word documents."""

from __future__ import annotations

import re
from collections.abc import Iterator
from io import BytesIO
from typing import Any

from docx import Document
from lxml import etree

from documents.extraction.archives import open_archive, parse_xml
from documents.extraction.content import Content
from documents.extraction.tables import join_cells
from documents.headings import as_body, as_heading

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
_PARAGRAPH, _TABLE, _ROW, _CELL = f"{_W}p", f"{_W}tbl", f"{_W}tr", f"{_W}tc"
_TEXT_BOX = f"{_W}txbxContent"
_CHARACTERS = {f"{_W}tab": "\t", f"{_W}br": "\n", f"{_W}cr": "\n", f"{_W}noBreakHyphen": "-"}
# Deleted text, field codes, what an older program shows instead of a drawing, and properties.
_LEFT_OUT = frozenset(
    (f"{_W}del", f"{_W}moveFrom", f"{_W}instrText", f"{_W}delText", f"{_W}pPr", f"{_W}tblPr", f"{_W}sectPr", _FALLBACK)
)
_HEADING_STYLE = re.compile(r"heading ([1-9])", re.I)


def read(data: bytes) -> Content:
    """Return paragraphs, lists and tables in order; page headers come first, notes and page footers last."""
    open_archive(data).close()
    document = Document(BytesIO(data))
    body = _Reader(_heading_levels(document))
    blocks = list(body.blocks(document.element.body))
    parts = [
        *_distinct(_margin_texts(document, "header", body)),
        *blocks,
        *_notes(document, body),
        *_distinct(_margin_texts(document, "footer", body)),
    ]
    properties = document.core_properties
    return Content(
        [_joined(parts)],
        markdown=True,
        title=properties.title or None,
        language=(properties.language or "").split("-")[0].lower() or None,
    )


class _Reader:
    """Turns the elements of a Word part into Markdown blocks. `levels`: heading level by style id."""

    def __init__(self, levels: dict[str, int]) -> None:
        self._levels = levels

    def blocks(self, parent: Any) -> Iterator[str]:
        """Yield the paragraphs and tables under `parent` in order, those in content controls and text boxes too."""
        for element in parent.iterchildren():
            if element.tag == _PARAGRAPH:
                yield from self._paragraph(element)
            elif element.tag == _TABLE:
                if table := "\n".join(self._rows(element)):
                    yield table
            elif isinstance(element.tag, str) and element.tag not in _LEFT_OUT:
                yield from self.blocks(element)

    def _paragraph(self, paragraph: Any) -> Iterator[str]:
        boxes: list[Any] = []
        text = "".join(_runs(paragraph, boxes)).strip()
        if text:
            level = self._level(paragraph)
            if level:
                yield as_heading(level, text)
            elif paragraph.find(f"{_W}pPr/{_W}numPr") is not None:
                yield f"- {text}"
            else:
                yield as_body(text)
        for box in boxes:
            yield from self.blocks(box)

    def _rows(self, table: Any) -> Iterator[str]:
        """Yield the rows of a table as lines."""
        for row in _children(table, _ROW):
            cells = (" ".join(" ".join(self.blocks(cell)).split()) for cell in _children(row, _CELL))
            if line := join_cells(cells):
                yield as_body(line)

    def _level(self, paragraph: Any) -> int:
        """Return the heading level of a paragraph (1..6), 0 if it is none."""
        properties = paragraph.find(f"{_W}pPr")
        if properties is None:
            return 0
        outline = properties.find(f"{_W}outlineLvl")
        if outline is not None and (outline.get(f"{_W}val") or "").isdigit():
            level = int(outline.get(f"{_W}val"))
            return level + 1 if level < 6 else 0
        style = properties.find(f"{_W}pStyle")
        return 0 if style is None else self._levels.get(style.get(f"{_W}val") or "", 0)


def _runs(parent: Any, boxes: list[Any]) -> Iterator[str]:
    """Yield the visible text of a paragraph piece by piece; text boxes in it are put into `boxes`."""
    for element in parent.iterchildren():
        tag = element.tag
        if tag == f"{_W}t":
            yield element.text or ""
        elif tag in _CHARACTERS:
            yield _CHARACTERS[tag]
        elif tag == _TEXT_BOX:
            boxes.append(element)
        elif tag == f"{_W}r" and element.find(f"{_W}rPr/{_W}vanish") is not None:
            continue
        elif isinstance(tag, str) and tag not in _LEFT_OUT:
            yield from _runs(element, boxes)


def _children(parent: Any, tag: str) -> Iterator[Any]:
    """Yield the rows of a table or cells of a row, those wrapped in content controls too."""
    for element in parent.iterchildren():
        if element.tag == tag:
            yield element
        elif isinstance(element.tag, str) and element.tag.startswith(f"{_W}sdt"):
            yield from _children(element, tag)


def _heading_levels(document: Any) -> dict[str, int]:
    """Return the level of each style that is a heading, by name, by outline level, or by the style it is based on."""
    levels: dict[str, int] = {}
    parents: dict[str, str] = {}
    for style in document.styles.element.iterfind(f"{_W}style"):
        identity = style.get(f"{_W}styleId") or ""
        name = style.find(f"{_W}name")
        words = (name.get(f"{_W}val") or "") if name is not None else ""
        outline = style.find(f"{_W}pPr/{_W}outlineLvl")
        based = style.find(f"{_W}basedOn")
        if found := _HEADING_STYLE.fullmatch(words.strip()):
            levels[identity] = int(found[1])
        elif words.lower() == "title":
            levels[identity] = 1
        elif outline is not None and (outline.get(f"{_W}val") or "") in set("012345"):
            levels[identity] = int(outline.get(f"{_W}val")) + 1
        elif based is not None:
            parents[identity] = based.get(f"{_W}val") or ""
    for identity, parent in parents.items():
        for _ in range(10):  # styles may be based on each other in a circle
            if parent in levels:
                levels[identity] = levels[parent]
                break
            parent = parents.get(parent, "")
    return levels


def _margin_texts(document: Any, kind: str, reader: _Reader) -> Iterator[str]:
    """Yield the text of page headers or footers."""
    for part in _related(document, kind):
        yield from reader.blocks(part)


def _notes(document: Any, reader: _Reader) -> Iterator[str]:
    """Yield the footnotes and endnotes."""
    for kind in ("footnotes", "endnotes"):
        for part in _related(document, kind):
            for note in part.iterchildren():
                if note.get(f"{_W}type") not in ("separator", "continuationSeparator", "continuationNotice"):
                    yield from reader.blocks(note)


def _related(document: Any, kind: str) -> Iterator[etree._Element]:
    """Yield the roots of the document's parts of that kind. Nothing outside the file is followed."""
    for relation in document.part.rels.values():
        if not relation.is_external and relation.reltype.endswith(f"/{kind}"):
            yield parse_xml(relation.target_part.blob)


def _joined(blocks: list[str]) -> str:
    """Return the blocks as one text: list items line by line, all else as paragraphs."""
    parts: list[str] = []
    for number, block in enumerate(blocks):
        if number:
            is_item = block.startswith("- ") and blocks[number - 1].startswith("- ")
            parts.append("\n" if is_item else "\n\n")
        parts.append(block)
    return "".join(parts)


def _distinct(texts: Iterator[str]) -> list[str]:
    """Return each text once: first, even and odd pages repeat their headers."""
    return list(dict.fromkeys(texts))
