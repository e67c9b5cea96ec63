"""Reads HTML pages: what a reader sees of them, without navigation and other parts of the site around it."""

from __future__ import annotations

import re
from dataclasses import replace

from lxml import etree

from documents.extraction.content import Content
from documents.extraction.encodings.decoding import decode_counted
from documents.extraction.failures import Unreadable
from documents.extraction.html.attributes import with_few_attributes
from documents.extraction.html.blocks import Block, BlockReader, join_blocks
from documents.extraction.html.visibility import Visibility
from documents.text.extraction_notes import Note, repaired

_DECLARED = re.compile(
    rb"""<(?:meta\b[^>]{0,500}?\bcharset\s*=\s*|\?xml[^>]{0,200}?\bencoding\s*=\s*)["']?([\w.:-]{2,40})""", re.I
)
_PAGE_END = re.compile(r"</(?:body|html)\s*>", re.IGNORECASE)
_TITLE = re.compile(r"(<title\b[^>]{0,500}>)([^<]*)", re.IGNORECASE)
_TITLE_END = re.compile(r"(</title\s*>)|</head\s*>|<body\b|<meta\b|<link\b", re.IGNORECASE)
_TABLE_ROLES = {  # roles that make elements a table for screen readers
    "table": "table",
    "grid": "table",
    "row": "tr",
    "cell": "td",
    "gridcell": "td",
    "columnheader": "th",
    "rowheader": "td",
}
_NAVIGATION_MAX_CHARS = 60  # of a block that is nothing but links


def read(data: bytes) -> Content:
    """Return headings, paragraphs, lists and table rows in order, without scripts, navigation and hidden text."""
    declared = _DECLARED.search(data[:4096])
    decoded = decode_counted(data, declared=declared[1].decode("ascii") if declared else None)
    content = read_text(decoded.text)
    return replace(content, notes=[*content.notes, *repaired(decoded.repaired)])


def read_text(text: str, *, is_mail: bool = False) -> Content:
    """Return the content of a decoded page, as `read` does. Raises Unreadable: empty, too_complex."""
    root = _parse(text)
    blocks, hidden = read_blocks(root, is_mail=is_mail)
    title = root.findtext(".//title")
    language = root.get("lang") or root.get("{http://www.w3.org/XML/1998/namespace}lang") or root.get("xml:lang")
    return Content(
        [join_blocks(blocks)],
        markdown=True,
        title=" ".join(title.split()) if title else None,
        language=language.split("-")[0].lower() if language else None,
        notes=[Note("hidden_text", len(hidden))] if hidden else [],
        hidden="\n".join(hidden),
    )


def read_blocks(root: etree._Element, *, is_mail: bool = False) -> tuple[list[Block], list[str]]:
    """Return the visible blocks of a page, without runs of mere links at its beginning and end, and its hidden texts.

    A page on which nothing is left that way is read whole: it may be hidden until a script shows it.
    """
    for reader in (BlockReader(Visibility(root)), BlockReader(None), BlockReader(None, keeps_all=True)):
        blocks = reader.read(root)
        if not is_mail:
            blocks = _without_navigation(blocks)
        if blocks:
            return blocks, reader.hidden
    return [], []


def _parse(text: str) -> etree._Element:
    """Return the root element. Nothing is fetched, and comments are dropped.

    Browsers show what stands behind the end of a page (several are often joined in one file), the parser drops it: so
    the end is taken away first.
    """
    parser = etree.HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True, no_network=True, huge_tree=True)
    page = with_few_attributes(_with_title_end(_PAGE_END.sub("", text)))
    root: etree._Element | None = etree.fromstring(page.encode("utf-8", "replace"), parser)
    if root is None:
        raise Unreadable("empty")
    if any(error.type == etree.ErrorTypes.ERR_RESOURCE_LIMIT for error in parser.error_log):
        raise Unreadable("too_complex")  # the rest of the page is lost
    for element in root.iter("div", "span"):
        if tag := _TABLE_ROLES.get(element.get("role") or ""):
            element.tag = tag
    return root


def _with_title_end(text: str) -> str:
    """Return a page whose title ends before the next tag if it is not closed: else all of the page would be in it."""
    title = _TITLE.search(text)
    if title is None:
        return text
    end = _TITLE_END.search(text, title.end())
    return text if end and end[1] else f"{text[: title.end()]}</title>{text[title.end() :]}"


def _without_navigation(blocks: list[Block]) -> list[Block]:
    """Return the blocks without short ones made of links before the first and after the last real one.

    Links in the middle, below a heading or in the main part of the page are kept.
    """

    def is_navigation(block: Block) -> bool:
        return block.is_links and not block.is_main and len(block.text) <= _NAVIGATION_MAX_CHARS

    real = [number for number, block in enumerate(blocks) if not is_navigation(block)]
    if not real:
        return blocks
    last = len(blocks) if blocks[real[-1]].level else real[-1] + 1
    return blocks[real[0] : last]
