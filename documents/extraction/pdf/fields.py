"""Reads what was written onto a PDF page: filled form fields, text notes, comments."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Collection, Sequence
from functools import partial
from typing import Any, NamedTuple

import pypdfium2.raw as pdfium

_UNSEEN = pdfium.FPDF_ANNOT_FLAG_HIDDEN | pdfium.FPDF_ANNOT_FLAG_NOVIEW
_COMMENTS = (
    pdfium.FPDF_ANNOT_TEXT,
    pdfium.FPDF_ANNOT_HIGHLIGHT,
    pdfium.FPDF_ANNOT_UNDERLINE,
    pdfium.FPDF_ANNOT_SQUIGGLY,
    pdfium.FPDF_ANNOT_STRIKEOUT,
    pdfium.FPDF_ANNOT_CARET,
    pdfium.FPDF_ANNOT_SQUARE,
    pdfium.FPDF_ANNOT_CIRCLE,
    pdfium.FPDF_ANNOT_INK,
    pdfium.FPDF_ANNOT_POLYGON,
)
_ANNOTATIONS_MAX = 20_000  # per page
_VALUE_MAX_BYTES = 200_000
_TICKED = {"", "yes", "on", "1", "true"}
_COINCIDENCE_MAX_CHARS = 3  # a field of "12" may be on the page for another reason


class Annotation(NamedTuple):
    """The text of one field or note: as a line, and the words in it that a page may show."""

    line: str
    words: str
    is_drawn: bool  # the file says how it looks, so that the page may show it


def find_written(page: Any, form: Any) -> list[Annotation]:
    """Return the filled fields, text notes and comments of a page: "Name: Ada", "Comment: why?".

    `form` is the document's form environment, None if it has no form. A hidden field or note is left out.
    """
    found: list[Annotation] = []
    for number in range(min(max(0, pdfium.FPDFPage_GetAnnotCount(page)), _ANNOTATIONS_MAX)):
        annotation = pdfium.FPDFPage_GetAnnot(page, number)
        if not annotation:
            continue
        try:
            if not pdfium.FPDFAnnot_GetFlags(annotation) & _UNSEEN:
                line, words = _said(annotation, form)
                is_drawn = pdfium.FPDFAnnot_GetAP(annotation, pdfium.FPDF_ANNOT_APPEARANCEMODE_NORMAL, None, 0) > 2
                if line:
                    found.append(Annotation(line, " ".join(words.split()), is_drawn))
        finally:
            pdfium.FPDFPage_CloseAnnot(annotation)
    return found


def not_shown(written: Sequence[Annotation], shown: str) -> list[str]:
    """Return the lines of what a page does not show in its text already, each once."""
    flat = " ".join(shown.split())
    lines = [
        each.line
        for each in written
        if each.words not in flat or not (each.is_drawn or len(each.words) > _COINCIDENCE_MAX_CHARS)
    ]
    return list(dict.fromkeys(lines))


def _said(annotation: Any, form: Any) -> tuple[str, str]:
    """Return the line and the words of an annotation; both empty if it has none."""
    kind = pdfium.FPDFAnnot_GetSubtype(annotation)
    if kind == pdfium.FPDF_ANNOT_WIDGET:
        return _field(annotation, form) if form is not None else ("", "")
    text = _text(partial(pdfium.FPDFAnnot_GetStringValue, annotation, b"Contents"))
    if kind in (pdfium.FPDF_ANNOT_FREETEXT, pdfium.FPDF_ANNOT_STAMP):
        return text, text
    return (f"Comment: {text}", text) if text and kind in _COMMENTS else ("", "")


def _field(annotation: Any, form: Any) -> tuple[str, str]:
    """Return a filled field; of a box that is ticked its name, and what it stands for if that says anything."""
    kind = pdfium.FPDFAnnot_GetFormFieldType(form, annotation)
    label = _text(partial(pdfium.FPDFAnnot_GetFormFieldAlternateName, form, annotation))
    name = label or _text(partial(pdfium.FPDFAnnot_GetFormFieldName, form, annotation))
    if kind in (pdfium.FPDF_FORMFIELD_CHECKBOX, pdfium.FPDF_FORMFIELD_RADIOBUTTON):
        if not pdfium.FPDFAnnot_IsChecked(form, annotation):
            return "", ""
        value = _text(partial(pdfium.FPDFAnnot_GetFormFieldExportValue, form, annotation))
        line = f"{name}: {'yes' if value.lower() in _TICKED else value}"
        return line, line
    if kind in (pdfium.FPDF_FORMFIELD_TEXTFIELD, pdfium.FPDF_FORMFIELD_COMBOBOX, pdfium.FPDF_FORMFIELD_LISTBOX):
        value = _text(partial(pdfium.FPDFAnnot_GetFormFieldValue, form, annotation))
        return (f"{name}: {value}" if name else value, value) if value else ("", "")
    return "", ""


def count_annotations(page: Any, kinds: Collection[int]) -> int:
    """Return how many annotations of these kinds a page has."""
    count = 0
    for number in range(min(max(0, pdfium.FPDFPage_GetAnnotCount(page)), _ANNOTATIONS_MAX)):
        annotation = pdfium.FPDFPage_GetAnnot(page, number)
        if annotation:
            count += pdfium.FPDFAnnot_GetSubtype(annotation) in kinds
            pdfium.FPDFPage_CloseAnnot(annotation)
    return count


def _text(ask: Callable[..., int]) -> str:
    """Return a string that PDFium writes into a buffer; `ask` takes one and its size, and returns the bytes needed."""
    size = min(ask(None, 0), _VALUE_MAX_BYTES)
    if size <= 2:
        return ""
    buffer = (ctypes.c_ushort * (size // 2 + 1))()
    ask(buffer, size)
    return (
        bytes(buffer)[: size - 2]
        .decode("utf-16-le", "ignore")
        .replace("\r\n", "\n")
        .replace("\r", "\n")
        .strip("\x00 \n")
    )
