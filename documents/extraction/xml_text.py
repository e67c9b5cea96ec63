"""Reads XML files: workbooks of Excel 2003 as tables, all others as the text between their tags."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lxml import etree

from documents.extraction import plain_text
from documents.extraction.archives import TAGS_MAX, parse_damaged_xml, parse_xml
from documents.extraction.content import Content
from documents.extraction.failures import Unreadable
from documents.extraction.office.spreadsheet_xml import SS, read_workbook
from documents.text.extraction_notes import Note

_WORD = frozenset(
    {
        "{http://schemas.microsoft.com/office/word/2003/wordml}wordDocument",
        "{http://schemas.microsoft.com/office/2006/xmlPackage}package",
    }
)
_VALUE_MAX_CHARS = 200  # of one field of a record
_BINARY_MIN_CHARS, _BINARY_WORD_MIN_CHARS = 200, 40  # of pictures and the like that are written as letters


def read(data: bytes) -> Content:
    """Return a paragraph per element that has text; a record of short fields is a line: "name: Ada; room: 12".

    A file without text between its tags is returned as it is written: its data is in attributes. Raises Unreadable:
    too_complex; word_xml; picture for a drawing without text.
    """
    if data.count(b"<") > TAGS_MAX:
        raise Unreadable("too_complex")
    notes = []
    try:
        root: etree._Element | None = parse_xml(data)
    except Unreadable:
        root, notes = parse_damaged_xml(data), [Note("damaged_parts")]
    if root is None:
        return plain_text.read(data)
    if root.tag in _WORD:
        raise Unreadable("word_xml")
    if root.tag == f"{SS}Workbook":
        return read_workbook(root)
    etree.strip_tags(root, etree.ProcessingInstruction, etree.Entity)
    text = "\n\n".join(_paragraphs(root))
    if text:
        return Content([text], notes=notes)
    if _name(root) == "svg":
        raise Unreadable("picture")
    return plain_text.read(data)


def _paragraphs(element: etree._Element) -> Iterator[str]:
    """Yield the text below an element in paragraphs."""
    children = list(element)
    is_mixed = any(text and text.strip() for text in (element.text, *(child.tail for child in children)))
    if is_mixed or not children:
        if (text := _flat(element)) and not _is_binary(text):
            yield text
    elif record := _record(children):
        yield record
    else:
        for child in children:
            yield from _paragraphs(child)


def _record(children: Sequence[etree._Element]) -> str:
    """Return short fields of different names as one line, "" if the elements are something else."""
    if any(len(child) for child in children) or len({child.tag for child in children}) < len(children):
        return ""
    fields = {_name(child): text for child in children if (text := _flat(child))}
    is_record = len(fields) > 1 and all(len(text) <= _VALUE_MAX_CHARS for text in fields.values())
    return "; ".join(f"{name}: {text}" for name, text in fields.items()) if is_record else ""


def _flat(element: etree._Element) -> str:
    return " ".join("".join(str(text) for text in element.itertext()).split())


def _is_binary(text: str) -> bool:
    return len(text) >= _BINARY_MIN_CHARS and all(len(word) >= _BINARY_WORD_MIN_CHARS for word in text.split())


def _name(element: etree._Element) -> str:
    return etree.QName(element).localname
