"""Bytes of a text to characters, whatever its encoding. `languages.py` tells unmarked ones apart."""

from __future__ import annotations

import codecs
import re

from documents.extraction.languages import guess_encoding

_SAMPLE_BYTES = 64 * 1024
_MARKS = (  # UTF-32 first: its mark begins with that of UTF-16
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CONTROL = re.compile("[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")
_SHIFT_JIS_ESCAPES = (b"\x1b$B", b"\x1b$@", b"\x1b(J")
_NO_CHARSETS = frozenset({"idna", "punycode", "unicode-escape", "raw-unicode-escape", "undefined", "utf-7"})
_BAD_UTF8_SHARE = 0.05  # of the bytes above 127 that may be wrong in what is still UTF-8
_CONTROL_SHARE = 0.01  # of the characters of a text that may be control characters


def decode(data: bytes, *, declared: str | None = None) -> str:
    """Return the text that `data` holds. What can't be decoded becomes U+FFFD; nothing is raised.

    A byte order mark decides; then valid UTF-8; then the encoding that the file declares; then the most plausible one.
    """
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return data.decode(encoding, "replace")
    encoding = _wide_encoding(data) or _utf8_or_none(data) or _usable(declared, data) or guess_encoding(data)
    return data.decode(encoding, "replace")


def is_text(data: bytes) -> bool:
    """Return whether `data` decodes to something with hardly any control characters."""
    sample = data[:_SAMPLE_BYTES]
    text = decode(sample[: len(sample) // 4 * 4] if len(data) > _SAMPLE_BYTES else sample)
    return bool(text) and len(_CONTROL.findall(text)) <= max(1, int(len(text) * _CONTROL_SHARE))


def _wide_encoding(data: bytes) -> str | None:
    """Return UTF-16 or UTF-32 without a mark, told by where the zero bytes are, or None."""
    sample = data[:_SAMPLE_BYTES]
    if b"\x00" not in sample:
        return None
    best, best_share = None, 0.9  # of characters that are usual in a text
    for encoding, width in (("utf-32-le", 4), ("utf-32-be", 4), ("utf-16-le", 2), ("utf-16-be", 2)):
        whole = sample[: len(sample) // width * width]
        if len(data) % width == 1 or not whole:
            continue
        text = whole.decode(encoding, "replace")
        share = sum(map(_is_usual, text)) / len(text)
        if share > best_share:
            best, best_share = encoding, share
    return best


def _is_usual(character: str) -> bool:
    """Return whether a character is one that texts consist of, rather than two bytes read as one."""
    code = ord(character)
    if code < 0x2000:
        return character.isalnum() or character.isspace() or 0x20 < code < 0x7F or 0xA0 < code < 0x600
    return 0x2010 <= code < 0x2100 or 0x3000 <= code < 0x3100 or 0x4E00 <= code < 0x9FA6 or 0xAC00 <= code < 0xD7A4


def _utf8_or_none(data: bytes) -> str | None:
    """Return "utf-8" if `data` is, but for a few damaged bytes; ISO-2022-JP, which is ASCII by its bytes; or None."""
    try:
        data.decode()
    except UnicodeDecodeError:
        pass
    else:
        return "iso2022_jp" if any(escape in data for escape in _SHIFT_JIS_ESCAPES) else "utf-8"
    high = len(data) - len(data.translate(None, bytes(range(128, 256))))
    wrong = data.decode("utf-8", "replace").count("\ufffd") - data.count("\ufffd".encode())
    return "utf-8" if wrong <= high * _BAD_UTF8_SHARE else None


def _usable(declared: str | None, data: bytes) -> str | None:
    """Return the declared encoding if there is such a one and it fits; Latin-1 is Windows-1252, as for browsers."""
    if not declared:
        return None
    try:
        name = codecs.lookup(declared.strip().strip("\"'")).name
        if name in {"iso8859-1", "ascii"}:
            name = "cp1252"
        if name in _NO_CHARSETS or name.startswith(("utf-16", "utf-32")):  # whose declaration we could not have read
            return None
        text = data.decode(name, "replace")
    except (LookupError, ValueError, TypeError):
        return None
    return name if text.count("\ufffd") <= max(1, len(text) // 1000) else None
