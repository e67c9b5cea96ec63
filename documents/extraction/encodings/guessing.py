"""Detects the encoding of an unmarked text: the one whose decoded text is the most plausible, or none.

Statistical detectors need more text than many files have, and ignore signs: "£6 – soup" comes out as Polish. Here each
whole decoded text is scored (`languages.py`), together with how common the encoding is. Where two results differ and
neither is clearly better, or the best is not plausible, none is returned: wrong text is worse than none.
"""

from __future__ import annotations

import codecs
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from documents.extraction.encodings.languages import ASCII_COST, text_cost
from documents.extraction.encodings.vietnamese_legacy import from_tcvn3, from_vni
from documents.extraction.encodings.viscii import from_viscii

_SAMPLE_HIGH_BYTES = 1500
_FIRST_HIGH_BYTES = 250
_SAMPLE_LINE_BYTES = 1500
_WIDE_BYTES = 2 * _SAMPLE_HIGH_BYTES
_WIDE_SHARE = 0.1  # of the bytes that are above 127 in what may be UTF-16 without a zero byte
_DECLARED_BONUS = 14.0
_CUT_BYTES = 200  # of a sample that may have been cut
_HOPELESS = 60.0  # above the cheapest after the first look
_MARGIN = 2.5  # that the best must be cheaper than another reading
_USUAL_COST = 8.5  # at most, per character above ASCII
_USUAL_WIDE_COST = 10.5  # per character of East Asia
_UNDEFINED_SHARE = 0.002  # of the characters that an encoding may leave undefined in a text that it is said to explain
_SLACK = 8.0  # besides, for a text of few such characters
_MAINFRAME = "cp037"  # is recognised in order to be refused: what stands in such files is seldom text alone
_HIGH = re.compile(rb"[\x80-\xff]")

# Python's name -> how unusual the encoding is, in the same unit as the costs of texts.
_PRIORS = {
    "cp1252": 0.0,
    "cp1251": 1.5,
    "gb18030": 2.0,
    "cp932": 2.0,
    "cp1250": 2.0,
    "cp1253": 2.0,
    "cp1255": 2.0,
    "cp1256": 2.0,
    "cp874": 2.0,
    "cp949": 2.0,
    "big5hkscs": 2.5,
    "cp1254": 2.5,
    "koi8-u": 2.5,
    "cp866": 2.5,
    "mac_roman": 3.0,
    "cp850": 3.0,
    "iso8859-2": 3.0,
    "cp1257": 3.0,
    "iso8859-7": 3.0,
    "cp1258": 3.0,
    "big5": 3.0,
    "euc_jp": 3.0,
    "iso8859-8": 3.5,
    "cp437": 3.5,
    "cp852": 4.0,
    "iso8859-5": 4.0,
    "mac_cyrillic": 4.0,
    "iso8859-6": 4.0,
    "iso8859-15": 5.0,
    "utf-16-le": 5.0,
    "utf-16-be": 5.0,
    "tcvn3": 3.0,
    "vni": 4.0,
    "viscii": 8.0,
    _MAINFRAME: 6.0,
}
_OWN_DECODERS: dict[str, Callable[[str], str]] = {"tcvn3": from_tcvn3, "vni": from_vni}


@dataclass(frozen=True)
class _Candidate:
    encoding: str
    text: str
    cost: float


def guess_encoding(data: bytes, *, declared: str | None = None) -> str | None:
    """Return the name, for `decode_as`, of the encoding that `data` is in, None if no guess is good enough.

    `data` is neither UTF-8 nor marked. `declared` is what the file says; it wins unless its text is much worse.
    """
    is_wide = len(data) % 2 == 0 and len(_HIGH.findall(data[:_WIDE_BYTES])) >= _WIDE_SHARE * min(len(data), _WIDE_BYTES)
    if is_wide:
        return _guess(data[:_FIRST_HIGH_BYTES], data[:_WIDE_BYTES], declared, is_wide=True)
    return _guess(_lines(data, _FIRST_HIGH_BYTES), _lines(data, _SAMPLE_HIGH_BYTES), declared, is_wide=False)


def decode_as(data: bytes, encoding: str) -> str:
    """Return `data` in an encoding that `guess_encoding` names; what can't be decoded becomes U+FFFD."""
    if encoding == "viscii":
        return from_viscii(data)
    if own := _OWN_DECODERS.get(encoding):
        return own(data.decode("cp1252", "western"))
    return data.decode(encoding, "replace")


@lru_cache(maxsize=8)  # a file is looked at when it is recognised, and again when it is read
def _guess(first: bytes, sample: bytes, declared: str | None, *, is_wide: bool) -> str | None:
    encodings = [name for name in _PRIORS if is_wide or not name.startswith("utf-16")]
    if declared and declared not in _PRIORS:
        return declared
    readings = _readings(first, encodings, declared)
    if len(sample) > len(first):
        near = [one.encoding for one in readings if one.cost <= readings[0].cost + _HOPELESS]
        readings = _readings(sample, near, declared)
    best = readings[0]
    if declared == best.encoding:
        return declared
    if best.encoding == _MAINFRAME or not _is_plausible(best):
        return None
    for other in readings[1:]:
        if other.cost - best.cost >= _MARGIN:
            break
        if other.text != best.text:
            return None
    return best.encoding


def _is_plausible(reading: _Candidate) -> bool:
    """Return whether a text costs no more than texts do, a short one with something unusual in it included."""
    if reading.text.count("\ufffd") > len(reading.text) * _UNDEFINED_SHARE:
        return False
    above = [character for character in reading.text if character > "\x7f"]
    wide = sum(character >= "\u1100" for character in above)
    usual = _USUAL_COST * (len(above) - wide) + _USUAL_WIDE_COST * wide + ASCII_COST * (len(reading.text) - len(above))
    return reading.cost <= usual + _SLACK


def _readings(sample: bytes, encodings: list[str], declared: str | None) -> list[_Candidate]:
    """Return what the sample is in each encoding, the cheapest first. A text that several give is scored once."""
    costs: dict[str, float] = {}
    readings = []
    for encoding in encodings:
        # An end that cuts a letter of several bytes says nothing against the encoding.
        whole = unicodedata.normalize("NFC", decode_as(sample, encoding))
        text = whole[:-1] if whole.endswith("\ufffd") and len(sample) >= _CUT_BYTES else whole
        if text not in costs:
            costs[text] = text_cost(text)
        prior = _PRIORS[encoding] - (_DECLARED_BONUS if encoding == declared else 0.0)
        readings.append(_Candidate(encoding, text, costs[text] + prior))
    return sorted(readings, key=lambda reading: reading.cost)


def _lines(data: bytes, high_max: int) -> bytes:
    """Return lines with bytes above ASCII until there are `high_max` of them."""
    lines: dict[bytes, None] = {}  # a line that is repeated says nothing new
    seen = 0
    for line in data[: 1 << 20].splitlines():
        if line not in lines and (high := len(_HIGH.findall(line))):
            lines[line[:_SAMPLE_LINE_BYTES]] = None
            seen += high
            if seen >= high_max:
                break
    return b"\n".join(lines)


def _as_latin(error: UnicodeError) -> tuple[str, int]:
    """Return the bytes that Windows-1252 leaves undefined as the control characters of Latin-1."""
    assert isinstance(error, UnicodeDecodeError)
    return error.object[error.start : error.end].decode("latin-1"), error.end


codecs.register_error("western", _as_latin)
