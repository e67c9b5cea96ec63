"""Opens ZIP files of unknown origin: checks them for decompression bombs before a library unpacks them."""

from __future__ import annotations

import contextlib
import zipfile
import zlib
from io import BytesIO

from lxml import etree

from documents.extraction.failures import Unreadable

ENTRIES_MAX = 10_000
UNPACKED_MAX_BYTES = 500 * 1024 * 1024  # of all entries
TAGS_MAX = 3_000_000  # of one XML part that is read as a tree, at 150 bytes and more each
_BLOCK_BYTES = 1024 * 1024
_STREAMED = ("xl/worksheets/", "xl/sharedStrings")  # read row by row, so their number of tags does not matter


def open_archive(data: bytes, *, dtd_allowed: bool = False, damaged_allowed: bool = False) -> zipfile.ZipFile:
    """Return the archive after unpacking all of it once without keeping it: sizes in headers may be wrong on purpose.

    Raises Unreadable: too_complex, unpacks_too_large, password, cut_off; broken for an XML part that declares entities
    (`dtd_allowed`: EPUB's pages do, harmlessly). With `damaged_allowed`, entries may be damaged: ask `read_entry`.
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
            unpacked += _unpacked_bytes(
                archive,
                entry,
                UNPACKED_MAX_BYTES - unpacked,
                dtd_allowed=dtd_allowed,
                damaged_allowed=damaged_allowed,
            )
    except (zipfile.LargeZipFile, *_DAMAGE):
        raise Unreadable("cut_off") from None
    return archive


def read_entry(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> tuple[bytes, bool]:
    """Return what an entry holds up to where it is damaged, and whether that is all of it.

    The archive was opened by `open_archive`, so the size is known to be bounded.
    """
    blocks: list[bytes] = []
    try:
        with _opened(archive, entry) as file:
            while block := file.read(_BLOCK_BYTES):
                blocks.append(block)
    except _DAMAGE:
        return b"".join(blocks), False
    data = b"".join(blocks)
    return data, len(data) == entry.file_size and zlib.crc32(data) == entry.CRC


def with_readable_entries(data: bytes) -> tuple[bytes, int]:
    """Return an archive in which damaged entries end where their damage begins, and how many of them there are.

    For libraries that refuse a whole file for one bad entry. Raises what `open_archive` raises.
    """
    packed, damaged = BytesIO(), 0
    with open_archive(data, damaged_allowed=True) as archive, zipfile.ZipFile(packed, "w") as mended:
        for entry in archive.infolist():
            content, is_whole = read_entry(archive, entry)
            if not is_whole and entry.filename.lower().endswith((".xml", ".rels")):
                root = parse_damaged_xml(content) if content.strip() else None
                content = etree.tostring(root) if root is not None else b"<damaged/>"
            damaged += not is_whole
            mended.writestr(entry.filename, content)
    return packed.getvalue(), damaged


_DAMAGE = (zipfile.BadZipFile, OSError, EOFError, ValueError, NotImplementedError, zlib.error)


def _opened(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> zipfile.ZipExtFile:
    """Return an entry to read from, without the check at its end, which would keep back the last block."""
    file = archive.open(entry)
    assert isinstance(file, zipfile.ZipExtFile)
    file._expected_crc = None  # type: ignore[attr-defined]
    return file


def _unpacked_bytes(
    archive: zipfile.ZipFile, entry: zipfile.ZipInfo, left: int, *, dtd_allowed: bool, damaged_allowed: bool
) -> int:
    """Return the real size of an entry, read block by block."""
    is_xml = entry.filename.lower().endswith((".xml", ".rels", ".xhtml", ".html", ".htm", ".opf", ".ncx"))
    is_tree = is_xml and not entry.filename.startswith(_STREAMED)
    size = tags = 0
    damage = contextlib.suppress(*_DAMAGE) if damaged_allowed else contextlib.nullcontext()
    with damage, _opened(archive, entry) if damaged_allowed else archive.open(entry) as file:
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


def parse_damaged_xml(data: bytes) -> etree._Element | None:
    """Return the root of a document that is cut off or wrong somewhere, as much of it as makes sense; None: nothing."""
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True, recover=True
    )
    root: etree._Element | None = etree.fromstring(data, parser)
    return root
