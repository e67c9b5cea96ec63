"""ZIP files of a stranger: checked for bombs before a library unpacks them."""

from __future__ import annotations

import zipfile
from io import BytesIO

from lxml import etree

from documents.extraction.failures import Unreadable

ENTRIES_MAX = 10_000
UNPACKED_MAX_BYTES = 500 * 1024 * 1024  # of all entries
TAGS_MAX = 3_000_000  # of one XML part that is read as a tree, at 150 bytes and more each
_BLOCK_BYTES = 1024 * 1024
_STREAMED = ("xl/worksheets/", "xl/sharedStrings")  # read row by row, so their number of tags does not matter


def open_archive(data: bytes, *, dtd_allowed: bool = False) -> zipfile.ZipFile:
    """Return the archive after all of it was unpacked once, and thrown away: headers lie, real bytes don't.

    Raises Unreadable: too_complex, unpacks_too_large, password, cut_off; broken for an XML part that declares entities
    (`dtd_allowed`: EPUB's pages do, harmlessly).
    """
    try:
        archive = zipfile.ZipFile(BytesIO(data))
        entries = archive.infolist()
        if len(entries) > ENTRIES_MAX:
            raise Unreadable("too_complex")
        unpacked = 0
        for entry in entries:
            if entry.flag_bits & 0x1:
                raise Unreadable("password")
            unpacked += _unpacked_bytes(archive, entry, UNPACKED_MAX_BYTES - unpacked, dtd_allowed=dtd_allowed)
    except (zipfile.BadZipFile, OSError, EOFError, ValueError, NotImplementedError, zipfile.LargeZipFile):
        raise Unreadable("cut_off") from None
    return archive


def _unpacked_bytes(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, left: int, *, dtd_allowed: bool) -> int:
    """Return the real size of an entry, read block by block."""
    is_xml = entry.filename.lower().endswith((".xml", ".rels", ".xhtml", ".html", ".htm", ".opf", ".ncx"))
    is_tree = is_xml and not entry.filename.startswith(_STREAMED)
    size = tags = 0
    with archive.open(entry) as file:
        while block := file.read(_BLOCK_BYTES):
            if is_xml and not size and not dtd_allowed and b"<!DOCTYPE" in block.replace(b"\x00", b""):
                raise Unreadable("broken")
            size += len(block)
            tags += block.count(b"<") if is_tree else 0
            if size > left:
                raise Unreadable("unpacks_too_large")
            if tags > TAGS_MAX:
                raise Unreadable("too_complex")
    return size


def parse_xml(data: bytes) -> etree._Element:
    """Return the root of an XML document; no entity is resolved, nothing is fetched. Raises Unreadable: broken."""
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True
    )
    try:
        return etree.fromstring(data, parser)
    except etree.XMLSyntaxError:
        raise Unreadable("broken") from None
