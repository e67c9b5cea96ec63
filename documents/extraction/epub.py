"""Reads EPUB books."""

from __future__ import annotations

import posixpath
import zipfile
from collections.abc import Iterator
from urllib.parse import unquote

from lxml import etree

from documents.extraction.archives import open_archive, parse_damaged_xml, parse_xml, read_entry
from documents.extraction.content import Content
from documents.extraction.failures import Unreadable
from documents.extraction.html import page as html_page
from documents.text.extraction_notes import Note
from documents.text.headings import as_heading, find_headings

_CONTAINER, _ENCRYPTION = "META-INF/container.xml", "META-INF/encryption.xml"
# Besides XHTML: what books of before EPUB 2 (OEB), and those of careless programs call their pages.
_PAGE_TYPES = frozenset({"application/xhtml+xml", "text/html", "text/x-oeb1-document", "application/xml", "text/xml"})
_HEADING_WITHIN_CHARS = 2000
_PAGE_NAMES = (".xhtml", ".html", ".htm")


def read(data: bytes) -> Content:
    """Return the chapters in reading order (that of the spine), with their headings.

    A chapter without a heading gets the one that the book's list of contents has for it. Pages that are listed and
    not there are noted, and so are damaged ones, which are read as far as possible. Raises Unreadable: password,
    broken, cut_off.
    """
    with open_archive(data, dtd_allowed=True, damaged_allowed=True) as archive:
        book = _Book(archive)
        if book.has(_ENCRYPTION) and b"EncryptedData" in book.read(_ENCRYPTION):
            _refuse_locked_text(book)
        package_path = _package_path(book)
        package = book.xml(package_path)
        folder = posixpath.dirname(package_path)
        titles = _titles(book, package, folder)
        chapters: list[str] = []
        missing = 0
        for path in _spine(package, folder):
            chapter = _chapter(book, path)
            missing += chapter is None
            if chapter:
                title = titles.get(path.lower(), "")
                has_heading = bool(find_headings(chapter[:_HEADING_WITHIN_CHARS]))
                chapters.append(chapter if has_heading or not title else f"{as_heading(1, title)}\n\n{chapter}")
        if not chapters and book.damaged:
            raise Unreadable("broken")
        counted = {"missing_chapters": missing, "damaged_parts": len(book.damaged)}
        return Content(
            chapters,
            markdown=True,
            title=_dublin_core(package, "title"),
            language=_language(package),
            notes=[Note(code, count) for code, count in counted.items() if count],
        )


class _Book:
    """The files of a book by name; `damaged` are those of which only a part could be read."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self._entries = {entry.filename.lower(): entry for entry in archive.infolist()}  # old books mix the cases
        self.damaged: set[str] = set()

    def has(self, path: str) -> bool:
        """Return whether there is such a file."""
        return path.lower() in self._entries

    def names(self) -> list[str]:
        """Return the names of all files."""
        return [entry.filename for entry in self._entries.values()]

    def read(self, path: str) -> bytes:
        """Return what a file holds, as much of it as can be unpacked. Raises Unreadable: broken, if there is none."""
        entry = self._entries.get(path.lower())
        if entry is None:
            raise Unreadable("broken")
        data, is_whole = read_entry(self._archive, entry)
        if not is_whole:
            self.damaged.add(path.lower())
        return data

    def xml(self, path: str) -> etree._Element:
        """Return the root of a file that must be there. Raises Unreadable: broken."""
        data = self.read(path)
        if path.lower() not in self.damaged:
            return parse_xml(data)
        root = parse_damaged_xml(data) if data.strip() else None
        if root is None:
            raise Unreadable("broken")
        return root


def _package_path(book: _Book) -> str:
    """Return where the book lists its parts."""
    if book.has(_CONTAINER):
        rootfile = book.xml(_CONTAINER).find(".//{*}rootfile")
        path = "" if rootfile is None else unquote(rootfile.get("full-path", ""))
        if book.has(path):
            return path
    for name in book.names():  # books of before EPUB have no container
        if name.lower().endswith(".opf"):
            return name
    raise Unreadable("broken")


def _spine(package: etree._Element, folder: str) -> Iterator[str]:
    """Yield the paths of the pages in reading order, the table of contents left out; without a spine all pages."""
    items = {item.get("id"): item for item in package.iterfind(".//{*}manifest/{*}item")}
    references = [items.get(each.get("idref")) for each in package.iterfind(".//{*}spine/{*}itemref")]
    for item in references if any(each is not None for each in references) else items.values():
        if item is None or not _is_page(item):
            continue
        if "nav" not in (item.get("properties") or "").split():
            yield _path_of(folder, item.get("href", ""))


def _path_of(folder: str, address: str) -> str:
    return posixpath.normpath(posixpath.join(folder, unquote(address).split("#")[0]))


def _titles(book: _Book, package: etree._Element, folder: str) -> dict[str, str]:
    """Return the title of each page in the list of contents of an EPUB 2 book, by its path in lower case."""
    titles: dict[str, str] = {}
    for item in package.iterfind(".//{*}manifest/{*}item"):
        if item.get("media-type") != "application/x-dtbncx+xml":
            continue
        path = _path_of(folder, item.get("href", ""))
        try:
            contents = book.xml(path)
        except Unreadable:
            continue
        for point in contents.iter("{*}navPoint"):
            target = point.find("{*}content")
            label = " ".join("".join(point.findtext("{*}navLabel/{*}text") or "").split())
            if target is not None and label:
                page = _path_of(posixpath.dirname(path), target.get("src") or "")
                titles.setdefault(page.lower(), label)
    return titles


def _is_page(item: etree._Element) -> bool:
    """Return whether an entry of the manifest is a page of text."""
    name = unquote(item.get("href", "")).split("#")[0].lower()
    return (item.get("media-type") or "").strip().lower() in _PAGE_TYPES or name.endswith(_PAGE_NAMES)


def _chapter(book: _Book, path: str) -> str | None:
    """Return the text of one page, "" if it has none, None if it is missing."""
    if not book.has(path):
        return None
    try:
        return "\n\n".join(html_page.read(book.read(path)).parts)
    except Unreadable as failure:
        if failure.reason == "empty":
            return ""
        raise


def _refuse_locked_text(book: _Book) -> None:
    """Raise Unreadable if the pages are encrypted (fonts often are, which does not matter)."""
    for reference in book.xml(_ENCRYPTION).iterfind(".//{*}CipherReference"):
        if (reference.get("URI") or "").lower().endswith((".xhtml", ".html", ".htm", ".xml", ".opf")):
            raise Unreadable("password")


def _dublin_core(package: etree._Element, name: str) -> str | None:
    """Return a field of the book's description; old books write it with a capital letter, in an older namespace."""
    for element in package.iter("{http://purl.org/dc/elements/1.1/}*", "{http://purl.org/dc/elements/1.0/}*"):
        if etree.QName(element).localname.lower() == name and element.text and element.text.strip():
            return " ".join(element.text.split())
    return None


def _language(package: etree._Element) -> str | None:
    language = _dublin_core(package, "language")
    return language.split("-")[0].lower() if language else None
