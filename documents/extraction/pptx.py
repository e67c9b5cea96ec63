"""PowerPoint presentations."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from io import BytesIO
from typing import Any

from pptx import Presentation

from documents.extraction.archives import open_archive
from documents.extraction.content import Content
from documents.extraction.table_grid import Grid
from documents.extraction.tables import describe_table
from documents.headings import as_body, as_heading


def read(data: bytes) -> Content:
    """Return each slide as a page: its title as heading, its texts and tables in order, then the speaker's notes."""
    open_archive(data).close()
    presentation = Presentation(BytesIO(data))
    slides = [_slide_text(slide, number) for number, slide in enumerate(presentation.slides, 1)]
    properties = presentation.core_properties
    return Content(
        slides, has_pages=True, markdown=True, title=properties.title or None, language=properties.language or None
    )


def _slide_text(slide: Any, number: int) -> str:
    """Return the text of one slide, "" if it has none."""
    title = slide.shapes.title
    blocks = list(_shape_texts(slide.shapes, skipped=title))
    if slide.has_notes_slide and slide.notes_slide.notes_text_frame is not None:
        notes = slide.notes_slide.notes_text_frame.text.strip()
        blocks += [f"Notes: {as_body(notes)}"] if notes else []
    heading = title.text_frame.text.strip() if title is not None and title.has_text_frame else ""
    if not heading and not blocks:
        return ""
    return "\n\n".join([as_heading(1, heading or f"Slide {number}"), *blocks])


def _shape_texts(shapes: Iterable[Any], *, skipped: Any = None) -> Iterator[str]:
    """Yield the text of each shape, those in groups too."""
    for shape in shapes:
        if skipped is not None and shape.shape_id == skipped.shape_id:
            continue
        if hasattr(shape, "shapes"):
            yield from _shape_texts(shape.shapes)
        elif getattr(shape, "has_table", False) and shape.has_table:
            if table := "\n".join(map(as_body, _table_lines(shape.table))):
                yield table
        elif shape.has_text_frame and (text := shape.text_frame.text.strip()):
            yield as_body(text)


def _table_lines(table: Any) -> Iterator[str]:
    """Yield the lines of a table; a merged cell's text is in each of its places."""
    grid = Grid()
    for row in table.rows:
        for cell in row.cells:
            if not cell.is_spanned:
                grid.add(cell.text, columns=cell.span_width, rows=cell.span_height)
        grid.end_row(is_header=table.first_row and not grid.header_rows)
    yield from describe_table(grid.rows, header_rows=grid.header_rows)
