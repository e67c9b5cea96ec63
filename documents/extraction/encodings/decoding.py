"""Decodes the bytes of a text, whatever its encoding. `guessing.py` detects the encoding of unmarked ones.

Text that no encoding explains is refused: letters of a wrong code page would be stored as if they were text.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass

import webencodings

from documents.extraction.encodings.guessing import decode_as, guess_encoding
from documents.extraction.encodings.seven_bit import announced_encoding
from documents.extraction.encodings.twice_encoded import joined_surrogates, mended
from documents.extraction.failures import Unreadable

_SAMPLE_BYTES = 64 * 1024
_MARKS = (  # UTF-32 first: its mark begins with that of UTF-16
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
    (b"\x84\x31\x95\x33", "gb18030"),
)
_CONTROL = re.compile("[\x01-\x08\x0e-\x1a\x1c-\x1f\x7f]")
_CONTROL_BYTES = [bytes([code]) for code in (*range(1, 9), *range(14, 27), *range(28, 32), 127)]
_HIGH = re.compile(rb"[\x80-\xff]")
_UTF8_LETTERS = re.compile(
    rb"[\xc2-\xdf][\x80-\xbf]|[\xe1-\xec\xee\xef][\x80-\xbf]{2}|\xe0[\xa0-\xbf][\x80-\xbf]|\xed[\x80-\x9f][\x80-\xbf]"
    rb"|\xf0[\x90-\xbf][\x80-\xbf]{2}|[\xf1-\xf3][\x80-\xbf]{3}|\xf4[\x80-\x8f][\x80-\xbf]{2}"
)
_NULS = re.compile(r"\x00+")
_NO_CHARSETS = frozenset({"idna", "punycode", "unicode-escape", "raw-unicode-escape", "undefined", "utf-7"})
_OWN_LABELS = {"tcvn": "tcvn3", "tcvn-5712": "tcvn3", "x-viet-tcvn": "tcvn3", "x-viet-vni": "vni", "viscii": "viscii"}
_WIDER = {  # what is read instead, since it is what texts with such a declaration hold
    "gbk": "gb18030",
    "gb2312": "gb18030",
    "hz": "hz",
    "iso8859-1": "cp1252",
    "ascii": "cp1252",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
    "big5": "big5hkscs",
    "koi8-r": "koi8-u",
    "tis-620": "cp874",
}
_UTF8_SURE = 0.9  # of the bytes above 127 that are whole letters of UTF-8 in what is UTF-8, whatever else fits
_UTF8_SHARE = 0.6  # of the bytes above 127 that are whole letters of UTF-8 in what is UTF-8 where nothing else fits
_CONTROL_SHARE = 0.01  # of the characters of a text that may be control characters
_NUL_SHARE = 0.5  # of the bytes of a text that may be zero
_FEW_UNKNOWN = 0.0005  # of the bytes of a long text that no encoding explains, which then are damaged places
_LONG_BYTES = 20_000


@dataclass(frozen=True)
class Decoded:
    """A text, and how many damaged places in its bytes were mended or replaced with U+FFFD."""

    text: str
    repaired: int = 0


def decode(data: bytes, *, declared: str | None = None) -> str:
    """Return the text that `data` holds, as `decode_counted` does."""
    return decode_counted(data, declared=declared).text


def decode_counted(data: bytes, *, declared: str | None = None) -> Decoded:
    """Return the text that `data` holds. Damaged places are mended, and counted.

    A byte order mark decides; then valid UTF-8; then the encoding that the file declares; then the most plausible one.

    Raises Unreadable: unknown_encoding.
    """
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return _marked(data[len(mark) :], encoding)
    data = data.strip(b"\x00") if b"\x00\x00\x00\x00" in data[:4] + data[-4:] else data
    if wide := _wide_encoding(data):
        return _strictly(data, wide)
    nuls = data.count(b"\x00")
    if nuls > len(data) * _NUL_SHARE or _is_ebcdic(data):
        raise Unreadable("unknown_encoding")
    try:
        decoded = Decoded(*mended(data.decode()))
        if escaped := announced_encoding(data):
            decoded = _strictly(data, escaped)
    except UnicodeDecodeError:
        joined = joined_surrogates(data)
        decoded = Decoded(joined) if joined is not None else _unmarked(data, declared)
    return _without_nuls(decoded, nuls) if nuls else decoded


def decode_roughly(data: bytes) -> str:
    """Return the text that `data` holds, as Latin-1 where no encoding explains it: enough to tell what kind it is."""
    try:
        return decode(data)
    except Unreadable:
        return data.decode("latin-1")


def is_text(data: bytes) -> bool:
    """Return whether `data` is a text, one with hardly any control characters."""
    sample = data[:_SAMPLE_BYTES]
    if _is_ebcdic(sample):
        return True
    text = decode_roughly(sample[: len(sample) // 4 * 4] if len(data) > _SAMPLE_BYTES else sample)
    characters = len(text) - text.count("\x00")
    return characters > 0 and len(_CONTROL.findall(text)) <= max(1, int(characters * _CONTROL_SHARE))


def _marked(data: bytes, encoding: str) -> Decoded:
    """Return the text behind a byte order mark. A mark of UTF-8 before another code page is a program's mistake."""
    if encoding != "utf-8":
        return _strictly(data, encoding)
    try:
        return Decoded(data.decode())
    except UnicodeDecodeError:
        return _unmarked(data, None)


def _strictly(data: bytes, encoding: str) -> Decoded:
    """Return `data` in that encoding; what can't be decoded becomes U+FFFD."""
    text = decode_as(data, encoding)
    return Decoded(text, text.count("\ufffd"))


def _wide_encoding(data: bytes) -> str | None:
    """Return UTF-16 or UTF-32 without a mark, told by where the zero bytes are, or None."""
    sample = data[: _SAMPLE_BYTES // 4 * 4]
    nuls = sample.count(b"\x00")
    if not nuls or not _may_be_wide(sample, nuls):
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


def _may_be_wide(sample: bytes, nuls: int) -> bool:
    """Return whether bytes with zeros may be UTF-16 or UTF-32, rather than a text into which some zeros strayed.

    A text that would be one of few accents without its zeros is mostly zeros in UTF-16, at even places or at odd ones.
    """
    rest = sample.replace(b"\x00", b"")
    is_plain = len(_HIGH.findall(rest)) <= 0.15 * len(rest) and not any(rest.count(byte) for byte in _CONTROL_BYTES)
    if not is_plain:
        return True
    even = sample[::2].count(b"\x00")
    return nuls >= 0.4 * len(sample) and (nuls >= 0.6 * len(sample) or not 0.1 * nuls < even < 0.9 * nuls)


def _is_usual(character: str) -> bool:
    """Return whether a character is one that texts consist of, rather than two bytes read as one."""
    code = ord(character)
    if code < 0x2000:
        return character.isalnum() or character.isspace() or 0x20 < code < 0x7F or 0xA0 < code < 0x600
    return (
        0x2010 <= code < 0x2300
        or 0x2500 <= code < 0x2800
        or 0x3000 <= code < 0x3100
        or 0x4E00 <= code < 0x9FA6
        or 0xAC00 <= code < 0xD7A4
        or 0xFB00 <= code < 0xFB07
        or 0xFB50 <= code < 0xFDFF
        or 0xFE70 <= code < 0xFEFF
        or 0xFF00 <= code < 0xFFEF
    )


def _is_ebcdic(data: bytes) -> bool:
    """Return whether bytes are a text of a mainframe: blanks are 40, and there is no blank of ASCII."""
    sample = data[:_SAMPLE_BYTES]
    blanks = sample.count(b"\x40")
    if not blanks or sample.count(b" ") * 4 > blanks or len(_HIGH.findall(sample)) < 0.4 * len(sample):
        return False
    text = sample.decode("cp037")
    return sum(character.isascii() and (character.isalnum() or character == " ") for character in text) > 0.8 * len(
        text
    )


def _unmarked(data: bytes, declared: str | None) -> Decoded:
    """Return a text that is not UTF-8 throughout. Raises Unreadable: unknown_encoding."""
    high = len(_HIGH.findall(data))
    whole = sum(len(found[0]) for found in _UTF8_LETTERS.finditer(data))
    if whole >= high * _UTF8_SURE or _is_utf8_by_lines(data):
        return _damaged_utf8(data)
    try:
        return _by_code_page(data, declared)
    except Unreadable:
        if whole < max(4, high * _UTF8_SHARE):  # other encodings have pairs of bytes that are letters of UTF-8
            raise
        return _damaged_utf8(data)


def _is_utf8_by_lines(data: bytes) -> bool:
    """Return whether most lines with bytes above 127 are UTF-8, the others being of another program."""
    valid = others = 0
    for line in data.splitlines():
        if line.isascii():
            continue
        try:
            line.decode()
        except UnicodeDecodeError:
            others += 1
        else:
            valid += 1
    return valid >= 2 and valid > others


def _damaged_utf8(data: bytes) -> Decoded:
    """Return a text of which most is UTF-8, lines of another code page and damaged places mended."""
    lines: list[str] = []
    others: list[tuple[int, bytes]] = []
    repaired = 0
    for line in data.splitlines(keepends=True):
        try:
            lines.append(line.decode())
        except UnicodeDecodeError:
            if not _UTF8_LETTERS.search(line):
                others.append((len(lines), line))
            text = line.decode("utf-8", "replace")
            repaired += text.count("\ufffd")
            lines.append(text)
    if others and (
        encoding := guess_encoding(b"".join(line for _, line in others), declared=_expected_beside("".join(lines)))
    ):
        for number, line in others:
            lines[number] = decode_as(line, encoding)
    return Decoded("".join(lines), repaired)


def _expected_beside(text: str) -> str | None:
    """Return the code page that lines between UTF-8 lines like these most likely are in, None if that can't be told."""
    above = [character for character in text if character > "\x7f" and character != "\ufffd"]
    is_western = sum(character < "\u0100" or "\u2010" <= character < "\u2130" for character in above) > 0.9 * len(above)
    return "cp1252" if is_western else None


def _by_code_page(data: bytes, declared: str | None) -> Decoded:
    """Return a text in the encoding that it declares or, if its text is much better there, in the most plausible one.

    Raises Unreadable: unknown_encoding.
    """
    label = _usable(declared, data)
    plain = data.replace(b"\x00", b"")
    encoding = guess_encoding(plain, declared=label) or label
    if encoding:
        return _strictly(data, encoding)
    unknown = len(_HIGH.findall(data))
    if len(data) >= _LONG_BYTES and unknown <= len(data) * _FEW_UNKNOWN:
        return Decoded(data.decode("ascii", "replace"), unknown)
    raise Unreadable("unknown_encoding")


def _usable(declared: str | None, data: bytes) -> str | None:
    """Return Python's name of the declared encoding if there is such a one and it fits, read as browsers read it."""
    if not declared:
        return None
    label = declared.strip().strip("\"'").lower()
    if label in _OWN_LABELS:
        return _OWN_LABELS[label]
    try:
        known = webencodings.lookup(label)
        name = codecs.lookup(known.codec_info.name if known else label).name
        name = _WIDER.get(name, name)
        if name in _NO_CHARSETS or name.startswith(("utf-16", "utf-32")):  # whose declaration we could not have read
            return None
        text = data.decode(name, "replace")
    except (LookupError, ValueError, TypeError):
        return None
    return name if text.count("\ufffd") <= len(text) // 1000 else None


def _without_nuls(decoded: Decoded, nuls: int) -> Decoded:
    """Return the text without zeros: runs of them pad fields, many single ones part words, a few are damage."""
    single = " " if 2 * nuls > len(decoded.text.split()) else ""
    text = _NULS.sub(lambda found: " " if len(found[0]) > 1 else single, decoded.text)
    return Decoded(text, decoded.repaired + (nuls if not single else 0))
