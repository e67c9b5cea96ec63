"""Reads PowerPoint presentations, shows and templates (.pptx)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from io import BytesIO
from typing import Any

from lxml import etree
from pptx.opc.package import PartFactory
from pptx.package import Package
from pptx.parts.presentation import PresentationPart

from documents.extraction.archives import open_archive, parse_xml, with_readable_entries
from documents.extraction.content import Content
from documents.extraction.failures import Unreadable
from documents.extraction.office.charts import chart_lines, diagram_lines
from documents.extraction.office.pptx_background import Background
from documents.extraction.office.pptx_order import Box, box_of, in_reading_order
from documents.extraction.office.pptx_text import MATH, A, shape_text
from documents.extraction.tables.grid import Grid
from documents.extraction.tables.model import describe_table
from documents.text.extraction_notes import Note
from documents.text.headings import as_body, as_heading

_P = "{http://schemas.openxmlformats.org/presentationml/2006/main}"
_R = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
_ALTERNATIVES = "{http://schemas.openxmlformats.org/markup-compatibility/2006}AlternateContent"
# Main parts that the library does not know; it reads them as well as the others.
PartFactory.part_type_for |= dict.fromkeys(
    (
        "application/vnd.ms-powerpoint.slideshow.macroEnabled.main+xml",
        "application/vnd.ms-powerpoint.template.macroEnabled.main+xml",
    ),
    PresentationPart,
)
_NUMBERS = ("sldNum", "dt")  # placeholders: slide number and date
_GROUPS_MAX = 30  # one in the other
_NO_DESCRIPTION = re.compile(
    r"(?i)\s*|.*\.(?:png|jpe?g|gif|emf|wmf|svg|bmp|tiff?)|(?:picture|image|bild|grafik|logo) ?\d*"
)


def read(data: bytes) -> Content:
    """Return each slide as a page: its title as heading, what stands on it by position, notes and comments.

    A hidden slide is an empty page and its text `hidden`, as are shapes that are hidden or beside the slide.
    """
    data, damaged_parts = _openable(data)
    presentation = Package.open(BytesIO(data)).main_document_part.presentation  # `Presentation` knows no shows
    reader = _Reader(presentation)
    slides: list[str] = []
    damaged: list[int] = []
    listed = presentation.element.sldIdLst  # not `presentation.slides`, which needs all of them to be there
    for number, entry in enumerate(listed if listed is not None else (), 1):
        try:
            slides.append(reader.slide_text(presentation.part.related_slide(entry.rId), number))
        except (KeyError, AttributeError, ValueError, Unreadable):
            slides.append("")
            damaged.append(number)
    if damaged and not any(slides):
        raise Unreadable("broken")
    properties = presentation.core_properties
    notes = [Note("damaged_pages", len(damaged), tuple(damaged))] if damaged else []
    notes += [Note("damaged_parts", damaged_parts)] if damaged_parts else []
    return Content(
        slides,
        has_pages=True,
        markdown=True,
        title=properties.title or None,
        language=(properties.language or "").split("-")[0].lower() or None,
        notes=[*notes, *reader.notes],
        hidden="\n\n".join(reader.hidden),
    )


def _openable(data: bytes) -> tuple[bytes, int]:
    """Return a file that the library opens, and how many parts of it are damaged. Raises what `open_archive` raises."""
    try:
        open_archive(data).close()
    except Unreadable as failure:
        if failure.reason != "cut_off":
            raise
        return with_readable_entries(data)
    return data, 0


class _Reader:
    """Reads slides, and gathers what it leaves out."""

    def __init__(self, presentation: Any) -> None:
        self.notes: list[Note] = []
        self.hidden: list[str] = []
        self._footers: set[str] = set()
        self._background = Background(None)
        self._width, self._height = presentation.slide_width or 0, presentation.slide_height or 0

    def slide_text(self, slide: Any, number: int) -> str:
        """Return the text of one slide, "" if it has none or is hidden."""
        _unwrap_alternatives(slide._element)
        title = slide.shapes.title
        self._background = Background(slide)
        heading = self._text(title) if title is not None else ""
        blocks = self._blocks(slide.shapes, slide.part, skipped=title)
        if slide.has_notes_slide and slide.notes_slide.notes_text_frame is not None:
            notes = shape_text(slide.notes_slide.notes_text_frame._element)
            blocks += [f"Notes: {as_body(notes)}"] if notes else []
        blocks += [f"Comment: {as_body(text)}" for text in _comments(slide.part)]
        if not heading and not blocks:
            return ""
        text = "\n\n".join([as_heading(1, heading or f"Slide {number}"), *blocks])
        if slide._element.get("show") in ("0", "false"):
            self.hidden.append(text)
            self.notes.append(Note("hidden_slides", 1, (number,)))
            return ""
        return text

    def _blocks(self, shapes: Iterable[Any], part: Any, *, skipped: Any = None, depth: int = 0) -> list[str]:
        """Return the texts of shapes by their position."""
        placed: list[tuple[Box, list[str]]] = []
        for shape in shapes:
            if skipped is not None and shape._element is skipped._element:
                continue
            box = box_of(shape)
            texts = [text for text in self._shape(shape, part, depth) if text]
            if not texts or (box, texts) in placed:
                continue
            if _is_hidden(shape._element) or (not depth and self._is_beside(box)):
                self.hidden += texts
                self.notes.append(Note("hidden_text"))
            else:
                placed.append((box, texts))
        return [text for place in in_reading_order([box for box, _ in placed]) for text in placed[place][1]]

    def _is_beside(self, box: Box) -> bool:
        """Return whether a shape is off the slide, where authors put what is not to be shown."""
        if not self._width or not self._height or not box.width:
            return False
        return (
            box.left >= self._width or box.top >= self._height or box.left + box.width <= 0 or box.top + box.height <= 0
        )

    def _shape(self, shape: Any, part: Any, depth: int) -> Iterator[str]:
        element = shape._element
        if hasattr(shape, "shapes"):
            if depth >= _GROUPS_MAX:
                raise Unreadable("too_complex")
            yield from self._blocks(shape.shapes, part, depth=depth + 1)
        elif element.tag == f"{_P}graphicFrame":
            yield from self._frame(element, part)
        elif element.tag == f"{_P}pic":
            yield from self._picture(element)
        else:
            kind = element.find(f".//{_P}nvPr/{_P}ph")
            text = self._text(shape, is_placed=not depth)
            if kind is not None and kind.get("type") in _NUMBERS:
                return
            if kind is not None and kind.get("type") == "ftr":
                if text in self._footers:
                    return
                self._footers.add(text)
            yield as_body(text)

    def _frame(self, element: Any, part: Any) -> Iterator[str]:
        """Yield the text of a table, chart or diagram."""
        table = element.find(f".//{A}tbl")
        if table is not None:
            yield "\n".join(map(as_body, self._table_lines(table)))
            return
        data = element.find(f".//{A}graphicData")
        for child in data if data is not None else ():
            name = etree.QName(child).localname
            if name == "chart":
                yield "\n".join(map(as_body, chart_lines(_related(part, child.get(f"{_R}id")))))
            elif name == "relIds":
                yield "\n".join(diagram_lines(_related(part, child.get(f"{_R}dm"))))
            else:
                self.notes.append(Note("files_inside"))

    def _table_lines(self, table: Any) -> Iterator[str]:
        """Yield the lines of a table; a cell that reaches over several columns or rows is in each."""
        properties = table.find(f"{A}tblPr")
        has_header = properties is not None and properties.get("firstRow") in ("1", "true")
        grid = Grid()
        for row in table.iterfind(f"{A}tr"):
            for cell in row.iterfind(f"{A}tc"):
                if cell.get("hMerge") not in ("1", "true") and cell.get("vMerge") not in ("1", "true"):
                    spans = (
                        int(found) if (found := cell.get(name, "1")).isdecimal() else 1
                        for name in ("gridSpan", "rowSpan")
                    )
                    columns, rows = spans
                    text = shape_text(cell, self._unseen(cell.find(f"{A}tcPr"), None))
                    grid.add(" ".join(text.split()), columns=columns, rows=rows)
            grid.end_row(is_header=has_header and not grid.header_rows)
        yield from describe_table(grid.rows, header_rows=grid.header_rows)

    def _text(self, shape: Any, *, is_placed: bool = True) -> str:
        """Return what can be seen of a shape's text; `is_placed`: its box says where on the slide it is."""
        filled = shape._element.find(f"{_P}spPr")
        return shape_text(shape._element, self._unseen(filled, box_of(shape) if is_placed else None))

    def _unseen(self, filled: Any, box: Box | None) -> Callable[[Any, str], bool]:
        """Return what tells whether a run in a shape or cell can't be seen, and keeps the text of one that can't."""

        def is_unseen(properties: Any, text: str) -> bool:
            if not text.strip() or not self._background.hides(properties, filled, box):
                return False
            self.hidden.append(text)
            self.notes.append(Note("hidden_text"))
            return True

        return is_unseen

    def _picture(self, element: Any) -> Iterator[str]:
        """Yield what a picture is said to show; count those of which nothing is said."""
        if any(element.find(f".//{A}{kind}") is not None for kind in ("videoFile", "audioFile", "wavAudioFile")):
            self.notes.append(Note("media"))
            return
        description = element.find(f".//{_P}cNvPr").get("descr") or ""
        if _NO_DESCRIPTION.fullmatch(description):
            self.notes.append(Note("pictures"))
        else:
            yield as_body(f"Picture: {' '.join(description.split())}")


def _is_hidden(element: Any) -> bool:
    properties = element.find(f"./*/{_P}cNvPr")
    return properties is not None and properties.get("hidden") in ("1", "true")


def _related(part: Any, relation: str | None) -> Any:
    """Return the root of a part that a slide refers to. Raises KeyError if there is none."""
    return parse_xml(part.related_part(relation or "").blob)


def _comments(part: Any) -> Iterator[str]:
    """Yield the comments on a slide."""
    for relation in part.rels.values():
        if not relation.is_external and relation.reltype.endswith("/comments"):
            for comment in parse_xml(relation.target_part.blob):
                text = shape_text(comment) or " ".join((comment.findtext("{*}text") or "").split())
                if text:
                    yield text


def _unwrap_alternatives(slide: Any) -> None:
    """Put in place of each choice between an older and a newer form of a shape the newer one, if it has text."""
    for choice in list(slide.iter(_ALTERNATIVES)):
        parent = choice.getparent()
        if parent is None:
            continue
        forms: Sequence[Any] = [form for form in choice if len(form)]
        chosen = next(
            (form for form in forms if next(form.iter(f"{A}t", MATH), None) is not None), forms[0] if forms else None
        )
        for child in list(chosen) if chosen is not None else ():
            choice.addprevious(child)
        parent.remove(choice)
