"""Reads what the sheets of an Excel workbook share: texts, number formats, and the list of sheets. Pure: no Django."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from lxml import etree

from documents.extraction.office.number_formats import BUILT_IN, formatter_of, plain_number
from documents.extraction.office.package import Package

_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")


@dataclass(frozen=True)
class Sheet:
    """A sheet's name, the part that it is in, and whether readers see it."""

    name: str
    part: str
    is_visible: bool


class Book:
    """The shared texts of a workbook by number, and the number formats of its cells by style."""

    def __init__(self, package: Package, main: str) -> None:
        self._package = package
        self._main = main
        self._root = package.xml(main)
        self.is_1904 = False
        self.missing_texts = 0
        if self._root is not None:
            properties = next(self._root.iter("{*}workbookPr"), None)
            self.is_1904 = properties is not None and properties.get("date1904") in ("1", "true")
        self._texts = _shared_texts(package, _part(package, main, "sharedStrings"))
        self._formatters = list(_formatters(package, _part(package, main, "styles"), is_1904=self.is_1904))

    def sheets(self) -> list[Sheet]:
        """Return the sheets in their order; where the workbook doesn't tell, those that are there."""
        relations = self._package.relations(self._main)
        found: list[Sheet] = []
        for element in self._root.iter("{*}sheet") if self._root is not None else ():
            relation = relations.get(element.get(_RELATION) or "")
            if relation is None or relation.kind == "worksheet":
                part = relation.target if relation else f"xl/worksheets/sheet{len(found) + 1}.xml"
                is_visible = (element.get("state") or "visible") == "visible"
                found.append(Sheet(element.get("name") or "", part, is_visible))
        if any(self._package.has(sheet.part) for sheet in found):
            return found
        parts = self._package.names("xl/worksheets/sheet")
        return [Sheet(f"Sheet {number}", part, True) for number, part in enumerate(parts, 1)]

    def text(self, number: str) -> str:
        """Return a shared text, "" if there is none of that number."""
        try:
            return self._texts[int(number)]
        except (ValueError, IndexError):
            self.missing_texts += 1
            return ""

    def formatter(self, style: str | None) -> Callable[[str], str]:
        """Return what turns the number in a cell of that style into text."""
        place = int(style) if style and style.isdecimal() else 0
        return self._formatters[place] if place < len(self._formatters) else plain_number


def text_of(element: Any) -> str:
    """Return a text with formats in it, without the readings of its characters."""
    parts = [node.text for node in element.iter("{*}t") if node.text and not node.getparent().tag.endswith("}rPh")]
    text = "".join(parts)
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text) if "_x" in text else text


def streamed(data: bytes, *tags: str) -> Iterator[Any]:
    """Yield the elements of these names as they end, however long the part is, and of damaged XML what can be read."""
    for _event, element in etree.iterparse(
        BytesIO(data),
        events=("end",),
        tag=[f"{{*}}{tag}" for tag in tags],
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        recover=True,
        remove_comments=True,
        huge_tree=True,
    ):
        yield element


def forget(element: Any) -> None:
    """Free an element that was read, and what stands before it."""
    element.clear()
    while (before := element.getprevious()) is not None:
        before.getparent().remove(before)


def _part(package: Package, main: str, kind: str) -> str:
    parts = package.related(main, kind)
    return parts[0] if parts else f"xl/{kind}.xml"


def _shared_texts(package: Package, part: str) -> list[str]:
    texts = []
    data = package.bytes_of(part)
    for element in streamed(data, "si") if data else ():
        texts.append(text_of(element))
        forget(element)
    return texts


def _formatters(package: Package, part: str, *, is_1904: bool) -> Iterator[Callable[[str], str]]:
    """Yield the formatter of each style of cells."""
    root = package.xml(part)
    if root is None:
        return
    codes = dict(BUILT_IN)
    for element in root.iter("{*}numFmt"):
        number = element.get("numFmtId") or ""
        if number.isdecimal():
            codes[int(number)] = (element.get("formatCode") or "")[:500]
    styles = next(root.iter("{*}cellXfs"), None)
    for element in styles.iterchildren("{*}xf") if styles is not None else ():
        number = element.get("numFmtId") or "0"
        yield formatter_of(codes.get(int(number) if number.isdecimal() else 0, "General"), is_1904=is_1904)
