"""Writes the lists of a page as Markdown: numbers of ordered lists, terms with their definitions."""

from __future__ import annotations

from dataclasses import dataclass

from lxml import etree

_LEVEL_MAX = 4  # indentation stops there
_ROMAN = ((1000, "m"), (900, "cm"), (500, "d"), (400, "cd"), (100, "c"), (90, "xc"), (50, "l"), (40, "xl"))
_ROMAN_END = ((10, "x"), (9, "ix"), (5, "v"), (4, "iv"), (1, "i"))


@dataclass
class _OpenList:
    tag: str
    next: int = 1
    step: int = 1
    style: str = "1"


class Lists:
    """The open lists at a position of a page, and the marker of the next block of text in them."""

    def __init__(self) -> None:
        self._open: list[_OpenList] = []
        self._marker = ""
        self._terms: list[str] = []
        self.is_in_term = False

    def is_open(self) -> bool:
        """Return whether a block here is part of a list."""
        return bool(self._open) or bool(self._marker)

    def start(self, tag: str, element: etree._Element) -> None:
        """Update the lists at the start of an element."""
        if tag in ("ul", "ol", "menu"):
            self._open.append(_opened(tag, element))
        elif tag == "li":
            self._marker = self._number(element)
        elif tag == "dt":
            self.is_in_term = True
        elif tag == "dd" and self._terms:
            self.is_in_term = False
            term = ", ".join(self._terms)
            self._marker = f"{term} " if term[-1] in ":?!." else f"{term}: "

    def name(self, term: str) -> None:
        """Add a term whose definition follows."""
        if term:
            self._terms.append(" ".join(term.split()))

    def end(self, tag: str) -> str:
        """Update the lists at the end of an element; return the terms that had no definition."""
        if tag in ("ul", "ol", "menu") and self._open:
            self._open.pop()
        if tag == "li":
            self._marker = ""
        if tag == "dt":
            self.is_in_term = False
        if tag == "dd":
            self._terms, self._marker = [], ""
        if tag != "dl":
            return ""
        lone, self._terms = ", ".join(self._terms), []
        return lone

    def item(self, text: str) -> str:
        """Return a block of text as it stands in the list: its marker goes before the first block of an item."""
        indent = "  " * min(max(len(self._open) - 1, 0), _LEVEL_MAX)
        if self._marker:
            line = indent + self._marker + text
            self._marker = ""
            return line
        return f"{indent}  {text}" if self._open else text

    def _number(self, element: etree._Element) -> str:
        """Return what the item begins with: its number in an ordered list, else a dash."""
        if not self._open or self._open[-1].tag != "ol":
            return "- "
        innermost = self._open[-1]
        number = _whole(element.get("value"), innermost.next)
        innermost.next = number + innermost.step
        return f"{_written(number, element.get('type') or innermost.style)}. "


def _opened(tag: str, element: etree._Element) -> _OpenList:
    if tag != "ol":
        return _OpenList(tag)
    is_reversed = "reversed" in element.attrib
    first = sum(1 for _ in element.iterchildren("li")) if is_reversed else 1
    return _OpenList(tag, _whole(element.get("start"), first), -1 if is_reversed else 1, element.get("type") or "1")


def _whole(said: str | None, otherwise: int) -> int:
    """Return a whole number that an attribute says, as far as it is one."""
    said = (said or "").strip()
    return int(said) if said.lstrip("-").isdecimal() and len(said) < 6 else otherwise


def _written(number: int, style: str) -> str:
    """Return a number in the list's style: 3, c, C, iii or III."""
    if style in ("a", "A") and 0 < number <= 26:
        return chr(ord(style) + number - 1)
    if style in ("i", "I") and 0 < number < 4000:
        rest, letters = number, ""
        for value, sign in (*_ROMAN, *_ROMAN_END):
            letters += sign * (rest // value)
            rest %= value
        return letters if style == "i" else letters.upper()
    return str(number)
