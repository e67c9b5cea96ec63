"""Detects the media type of a file by its content. The name only helps to tell kinds of text apart."""

from __future__ import annotations

import re
import zipfile
import zlib
from io import BytesIO

from documents.extraction.encodings.decoding import decode_roughly, is_text
from documents.extraction.failures import Unreadable
from documents.extraction.tables.delimited import find_delimiter

PDF = "application/pdf"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
PPTX = "application/vnd.openxmlformats-officedocument.presentationml.presentation"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
EPUB = "application/epub+zip"
ODT = "application/vnd.oasis.opendocument.text"
ODS = "application/vnd.oasis.opendocument.spreadsheet"
ODP = "application/vnd.oasis.opendocument.presentation"
RTF = "application/rtf"
HTML = "text/html"
MARKDOWN = "text/markdown"
CSV = "text/csv"
XML = "application/xml"
EMAIL = "message/rfc822"
PLAIN_TEXT = "text/plain"

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"  # the container of Office before 2007, and of Office files with a password
_EPS_WITH_PREVIEW = b"\xc5\xd0\xd3\xc6"
# Sounds, films, pictures and programs, whose bytes may look like a text of two bytes per character.
_BINARY = re.compile(
    rb"ID3[\x02-\x04]|\xff[\xfb\xf3\xf2]|OggS\x00|fLaC|RIFF.{4}(?:WAVE|AVI |WEBP)|.{4}ftyp|\x1aE\xdf\xa3|\x89PNG"
    rb"|\xff\xd8\xff|GIF8[79]a|\x7fELF|MZ.\x00|SQLite format 3\x00|wOF[F2]|\x00\x01\x00\x00\x00",
    re.S,
)
_HEAD_CHARS = 20_000
_MAIN_PARTS = (
    (b"wordprocessingml", DOCX),
    (b"presentationml", PPTX),
    (b"spreadsheetml", XLSX),
    (b"ms-word.", DOCX),  # with macros, which are never run
    (b"ms-powerpoint.", PPTX),
    (b"ms-excel.sheet.macro", XLSX),
    (b"ms-excel.template.macro", XLSX),
)
_MAIN_NAMES = {"word/document.xml": DOCX, "ppt/presentation.xml": PPTX, "xl/workbook.xml": XLSX}
_HTML_START = re.compile(
    r"\s*(?:<\?xml[^>]{0,200}>\s*)?(?:<!--.{0,5000}?-->\s*){0,9}<(?:!doctype\s+html|html|head|body)\b", re.I | re.S
)
_XML_START = re.compile(r"\s*<\?xml\s")
_HTML_TAG = re.compile(r"</(?:p|div|table|ul|ol|span|a|h[1-6]|article|section)\s*>", re.I)
_MAIL_HEADER = re.compile(r"(?m)^([A-Za-z][A-Za-z-]{1,40}):[ \t]")
_MAIL_ADDRESSING = frozenset({"from", "to", "subject", "date", "cc", "sender", "reply-to"})
_MAIL_TRANSPORT = frozenset({"message-id", "mime-version", "received", "return-path", "delivered-to", "dkim-signature"})
_SAVED_PAGE = re.compile(r"(?im)^content-type:\s*multipart/related\b")
_HEADING = re.compile(r"(?m)^#{1,6} \S")
_MARKDOWN_SIGNS = (
    re.compile(r"(?m)^(?:```|~~~)"),
    re.compile(r"\[[^\]\n]{1,200}\]\([^)\s]{1,500}\)"),
    re.compile(r"\*\*\S[^*\n]{0,200}\*\*"),
    re.compile(r"(?m)^\|?[ :]*-{3,}[ :]*\|[-| :]*$"),
    re.compile(r"(?m)^(?:[-*+]|\d{1,3}\.) \S.*\n(?:[-*+]|\d{1,3}\.) \S"),
)


def recognise(data: bytes, *, suffix: str = "") -> str:
    """Return the media type of a file's bytes. `suffix` is that of its name, lower case, with the dot.

    Raises Unreadable: empty, password, cut_off, or the reason that names an unknown kind.
    """
    if not data.strip(b" \t\r\n\x00\xef\xbb\xbf\xfe\xff"):
        raise Unreadable("empty")
    start = data[:1024].lstrip(b"\xef\xbb\xbf \t\r\n\x00")
    if start.startswith(b"%PDF-"):
        return PDF
    if start.startswith(b"PK\x03\x04"):
        return _of_archive(data)
    if data.startswith(_OLE):
        raise Unreadable("password" if "EncryptedPackage".encode("utf-16-le") in data else "old_office")
    if start.startswith(b"{\\rtf"):
        return RTF
    if b"%PDF-" in data[:1024] and (b"startxref" in data or b" obj" in data):
        return PDF
    if start.startswith((b"%!PS", _EPS_WITH_PREVIEW)):
        raise Unreadable("postscript")
    if _BINARY.match(data) or not is_text(data):
        raise Unreadable(_unknown_kind(data))
    if b"urn:oasis:names:tc:opendocument:xmlns:office" in data[:4096] and b"office:document" in data[:4096]:
        return _of_open_document(data[:20_000])
    return _of_text(decode_roughly(data[: 4 * _HEAD_CHARS])[:_HEAD_CHARS], suffix)


def _of_archive(data: bytes) -> str:
    """Return the type of a ZIP file by the parts that its format must have."""
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            names = set(archive.namelist())
            if "[Content_Types].xml" in names and (found := _of_office(archive)):
                return found
            for part, kind in _MAIN_NAMES.items():  # the list of what is in the file is damaged, or gone
                if part in names:
                    return kind
            if "[Content_Types].xml" in names:
                raise Unreadable("unknown")
            if "META-INF/container.xml" in names:
                return EPUB
            if "mimetype" in names:
                declared = _beginning(archive, "mimetype")
                if declared.startswith(EPUB.encode()):
                    return EPUB
                return _of_open_document(declared)
            if "content.xml" in names and "META-INF/manifest.xml" in names:
                return _of_open_document(_beginning(archive, "META-INF/manifest.xml"))
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, RuntimeError, EOFError):
        raise Unreadable("cut_off") from None
    raise Unreadable("archive")


def _of_open_document(declared: bytes) -> str:
    """Return the type that is named first in what an OpenDocument file says of itself; templates are read too."""
    named = re.search(rb"application/vnd\.oasis\.opendocument\.([a-z]+)", declared)
    kinds = {b"text": ODT, b"spreadsheet": ODS, b"presentation": ODP, b"graphics": ODP}
    if named is None:
        raise Unreadable("archive")
    if named[1] not in kinds:
        raise Unreadable("unknown")
    return kinds[named[1]]


def _of_office(archive: zipfile.ZipFile) -> str | None:
    """Return the type whose main part the list of content types names, None if it names none that is known."""
    try:
        content_types = _beginning(archive, "[Content_Types].xml")
    except (zipfile.BadZipFile, zlib.error, EOFError):
        return None
    for overridden in re.findall(rb"<Override\b[^>]{1,1000}>", content_types):
        if b"main+xml" in overridden:
            for mark, media_type in _MAIN_PARTS:
                if mark in overridden:
                    return media_type
    return None


def _beginning(archive: zipfile.ZipFile, name: str) -> bytes:
    """Return at most 1 MB of an entry: it may be a bomb."""
    with archive.open(name) as entry:
        return entry.read(1024 * 1024)


def _of_text(head: str, suffix: str) -> str:
    """Return the kind of text that begins with `head`."""
    if _HTML_START.match(head):
        return HTML
    if _is_mail(head):
        return EMAIL
    if head.lstrip().startswith("BEGIN:VCALENDAR"):
        return PLAIN_TEXT
    if suffix in {".md", ".markdown", ".mdown", ".mkd"}:
        return MARKDOWN
    if suffix in {".htm", ".html", ".xhtml"} and re.search(r"<[a-z][a-z0-9]{0,15}[\s/>]", head, re.I):
        return HTML
    if "urn:schemas-microsoft-com:office:spreadsheet" in head and _XML_START.match(head):
        return XML
    if head.lstrip().startswith("<") and len(_HTML_TAG.findall(head)) >= 3:
        return HTML
    if _XML_START.match(head):
        return XML
    if find_delimiter(head, is_expected=suffix in {".csv", ".tsv", ".tab"}):
        return CSV
    if _HEADING.search(head) and any(sign.search(head) for sign in _MARKDOWN_SIGNS):
        return MARKDOWN
    return PLAIN_TEXT


def _is_mail(head: str) -> bool:
    """Return whether a text begins with the headers of an e-mail."""
    block = re.split(r"\r?\n\r?\n", head.lstrip("\ufeff \t\r\n"), maxsplit=1)[0]
    first = block.split("\n", 1)[0]
    if not (_MAIL_HEADER.match(block) or first.startswith("From ")):
        return False
    names = {name.lower() for name in _MAIL_HEADER.findall(block)}
    addressing, transport = len(names & _MAIL_ADDRESSING), len(names & _MAIL_TRANSPORT)
    is_saved_page = "mime-version" in names and bool(_SAVED_PAGE.search(block))
    return addressing >= 3 or (addressing >= 1 and transport >= 1) or is_saved_page


def _unknown_kind(data: bytes) -> str:
    """Return the reason that best describes a file of an unsupported kind."""
    import puremagic  # here: only a file that is refused needs its tables

    try:
        kinds = {match.mime_type for match in puremagic.magic_string(data[:65536] + data[-65536:])[:3]}
    except (puremagic.PureError, ValueError):
        return "unknown"
    if any(kind.startswith("image/") for kind in kinds):
        return "picture"
    if any(kind.startswith(("audio/", "video/")) for kind in kinds):
        return "recording"
    if any(word in kind for kind in kinds for word in ("zip", "tar", "rar", "7z", "compress", "bzip", "x-xz", "zstd")):
        return "archive"
    return "unknown"
