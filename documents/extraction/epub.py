"""EPUB books."""

from __future__ import annotations

import posixpath
import zipfile
from collections.abc import Iterator
from urllib.parse import unquote

from lxml import etree

from documents.extraction import html
from documents.extraction.archives import open_archive, parse_xml
from documents.extraction.content import Content
from documents.extraction.failures import Unreadable

_CONTAINER = "META-INF/container.xml"
_PAGE_TYPES = frozenset({"application/xhtml+xml", "text/html"})


def read(data: bytes) -> Content:
    """Return the chapters in reading order (that of the spine), with their headings."""
    with open_archive(data, dtd_allowed=True) as book:
        if "META-INF/encryption.xml" in book.namelist() and b"EncryptedData" in book.read("META-INF/encryption.xml"):
            _refuse_locked_text(book)
        package_path = _package_path(book)
        package = parse_xml(_entry(book, package_path))
        folder = posixpath.dirname(package_path)
        chapters = [chapter for path in _spine(package, folder) if (chapter := _chapter(book, path))]
        return Content(chapters, markdown=True, title=_dublin_core(package, "title"), language=_language(package))


def _package_path(book: zipfile.ZipFile) -> str:
    """Return where the book lists its parts."""
    rootfile = parse_xml(_entry(book, _CONTAINER)).find(".//{*}rootfile")
    if rootfile is None:
        raise Unreadable("broken")
    return unquote(rootfile.get("full-path", ""))


def _spine(package: etree._Element, folder: str) -> Iterator[str]:
    """Yield the paths of the pages in reading order, the table of contents left out."""
    items = {item.get("id"): item for item in package.iterfind(".//{*}manifest/{*}item")}
    for reference in package.iterfind(".//{*}spine/{*}itemref"):
        item = items.get(reference.get("idref"))
        if item is None or item.get("media-type") not in _PAGE_TYPES:
            continue
        if "nav" not in (item.get("properties") or "").split():
            yield posixpath.normpath(posixpath.join(folder, unquote(item.get("href", "")).split("#")[0]))


def _chapter(book: zipfile.ZipFile, path: str) -> str:
    """Return the text of one page, "" if it is missing or has none."""
    try:
        return "\n\n".join(html.read(book.read(path)).parts)
    except KeyError:
        return ""
    except Unreadable as failure:
        if failure.reason == "empty":
            return ""
        raise


def _entry(book: zipfile.ZipFile, path: str) -> bytes:
    """Return an entry that a book must have. Raises Unreadable: broken."""
    try:
        return book.read(path)
    except KeyError:
        raise Unreadable("broken") from None


def _refuse_locked_text(book: zipfile.ZipFile) -> None:
    """Raise Unreadable if the pages are encrypted (fonts often are, which does not matter)."""
    for reference in parse_xml(book.read("META-INF/encryption.xml")).iterfind(".//{*}CipherReference"):
        if (reference.get("URI") or "").lower().endswith((".xhtml", ".html", ".htm", ".xml", ".opf")):
            raise Unreadable("password")


def _dublin_core(package: etree._Element, name: str) -> str | None:
    """Return a field of the book's description."""
    found = package.findtext(f".//{{http://purl.org/dc/elements/1.1/}}{name}")
    return " ".join(found.split()) or None if found else None


def _language(package: etree._Element) -> str | None:
    language = _dublin_core(package, "language")
    return language.split("-")[0].lower() if language else None
