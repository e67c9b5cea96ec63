"""Writes inline elements of HTML that mean more than their letters: formulas, raised and struck text, pictures."""

from __future__ import annotations

import re

from lxml import etree

from documents.extraction.html.tags import BLOCKS, HEADINGS
from documents.extraction.marks import raised, struck
from documents.extraction.mathml import math_text

_STRUCK = frozenset({"del", "s", "strike"})
_ANCHOR = re.compile(r"[#¶§🔗\u200b\s]*")  # what such a link consists of
_PICTURE_WORDS_MIN = 3  # of a description that says what a picture shows, rather than whose logo it is
_FILE = re.compile(r"(?i).*\.(?:png|jpe?g|gif|svg|webp|bmp)")


def inline_text(element: etree._Element, *, behind: str) -> str | None:
    """Return the text of an element that is to be read as a whole, behind other text; None for all others."""
    tag = element.tag
    if tag == "math":
        return f" {math_text(element)} "
    if tag == "img":
        said = " ".join((element.get("alt") or "").split())
        is_said = len(said.split()) >= _PICTURE_WORDS_MIN and not _FILE.fullmatch(said)
        return f" {said} " if is_said else ""
    if tag == "sup" and behind[-1:].isdecimal() and not _holds_blocks(element):
        return raised(_plain(element), behind=behind)
    if tag in _STRUCK and not _holds_blocks(element):
        return struck(_plain(element))
    return None


def is_anchor(element: etree._Element) -> bool:
    """Return whether an element is the link to itself that some programs put into headings: "¶"."""
    if element.tag != "a" or not _ANCHOR.fullmatch(_plain(element)):
        return False
    return next(element.iterancestors(*HEADINGS), None) is not None and element.find(".//img") is None


def _plain(element: etree._Element) -> str:
    return re.sub(r"\s+", " ", "".join(str(piece) for piece in element.itertext()))


def _holds_blocks(element: etree._Element) -> bool:
    return any(True for _ in element.iter(*BLOCKS, "br", "img", "math"))
