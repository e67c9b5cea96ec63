"""Normalises text for the later stages and for Postgres. Pure: no Django."""

from __future__ import annotations

import re
import unicodedata

GLYPH_OF_BLANK = "\x03"
LEADING_BLANKS_MAX = 8  # of a line: enough for nested lists and code

_SURROGATE = re.compile("[\ud800-\udfff]")
_LINE_END = re.compile("\r\n|[\r\v\f\x1c-\x1e\x85\u2028]")
_BLANK = re.compile("[\xa0\u1680\u2000-\u200a\u202f\u205f\u3000]")
# What nobody sees, and what makes equal words unequal: control characters, soft hyphens, zero-width spaces, byte order
# marks, overrides of the writing direction, tag characters (hidden text for models), non-characters. Joiners
# (U+200C, U+200D) and direction marks (U+200E, U+200F) stay: Persian, Indic scripts and emoji need them. U+0003 stays,
# too: the code of the blank's glyph in PDF fonts without a character map, and what other readers of PDF give for it.
_INVISIBLE = re.compile(
    "[\x00-\x02\x04-\x08\x0e-\x1b\x1f\x7f-\x84\x86-\x9f\xad\u180e\u200b\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufdd0-\ufdef"
    "\ufeff\ufff9-\ufffb\ufffe\uffff]"
)
# Separate from those above: a character class with astral characters is ten times as slow for any text.
_ASTRAL = re.compile("[\U00010000-\U0010ffff]")
_INVISIBLE_ASTRAL = re.compile(
    "[\U000e0000-\U000e007f"
    + "".join(f"{chr(plane + 0xFFFE)}{chr(plane + 0xFFFF)}" for plane in range(0x10000, 0x110000, 0x10000))
    + "]"
)
# Marks above and below a letter. The time for NFC grows with the square of their number; no script stacks so many.
_MARKS_MAX = 30
_MARK_RUN = re.compile(
    "[\u0300-\u036f\u0483-\u0487\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u06d6-\u06ed\u0e38-\u0e3a\u0e48-\u0e4b"
    f"\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]{{{_MARKS_MAX + 1},}}"
)
_BLANK_LINE = re.compile(r"(?m)^[ \t]+$")
_BLANK_RUN = re.compile(r"(?m)^[ \t]+|[ \t]{2,}")
_LINE_TAIL = re.compile(r"[ \t]\n")
_EMPTY_LINES = re.compile(r"\n{3,}")
_HYPHENATED = re.compile(r"(?<=[^\W\d_])-\n(?=[^\W\d_])")
_LIGATURE = re.compile("[\ufb00-\ufb06]")
_UNUSUAL = re.compile("[^\t\n -~]")


def normalise(text: str) -> str:
    """Return `text` in NFC, with "\\n" as the only line end, without characters that are invisible or can't be stored.

    The result encodes to UTF-8, has no NUL, no control character but newline, tab and U+0003, no run of blanks inside
    a line, at most one empty line in a row, and no blanks at either end. Normalising it again changes nothing.
    """
    if _UNUSUAL.search(text):
        text = _cleaned(text)
    # These substring checks are ten times as fast as the patterns.
    if "  " in text or "\t" in text:
        text = _BLANK_LINE.sub("", text)
        text = _BLANK_RUN.sub(_tamed, text)
    if " \n" in text or "\t\n" in text:
        text = _LINE_TAIL.sub("\n", text)
    if "\n\n\n" in text:
        text = _EMPTY_LINES.sub("\n\n", text)
    return text.strip(" \t\n")


def normalise_question(text: str) -> str:
    """Return a question on one line, in the form that document text has."""
    return " ".join(normalise(text).replace(GLYPH_OF_BLANK, " ").split())


def searchable(text: str) -> str:
    """Return text as it is searched: hyphenated words joined over line ends ("pay-\\nment"), ligatures as letters.

    Stored text keeps both as they are printed, because quotes and offsets refer to it.
    """
    joined = text.replace(GLYPH_OF_BLANK, " ")
    if "-\n" in joined:
        joined = _HYPHENATED.sub(_joined, joined)
    return joined if joined.isascii() else _LIGATURE.sub(_spelled_out, joined)


def _cleaned(text: str) -> str:
    """Return text in NFC, with plain line ends and blanks, and without invisible characters."""
    if _SURROGATE.search(text):  # two halves that belong together become their character, a lone one U+FFFD
        text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    text = _LINE_END.sub("\n", text).replace("\u2029", "\n\n")
    text = _BLANK.sub(" ", _INVISIBLE.sub("", text))
    if _ASTRAL.search(text):
        text = _INVISIBLE_ASTRAL.sub("", text)
    text = _MARK_RUN.sub(lambda found: found[0][:_MARKS_MAX], text)
    return unicodedata.normalize("NFC", text)


def _spelled_out(found: re.Match[str]) -> str:
    return unicodedata.normalize("NFKC", found[0])


def _tamed(found: re.Match[str]) -> str:
    """Return the replacement of a run of blanks: an indent of bounded width, or one blank."""
    start = found.start()
    if start == 0 or found.string[start - 1] == "\n":
        return " " * min(len(found[0].expandtabs(4)), LEADING_BLANKS_MAX)
    return " "


def _joined(found: re.Match[str]) -> str:
    """Return nothing where a lower-case word goes on, else the hyphen: "Anglo-\\nAmerican" is one word with it."""
    return "" if found.string[found.end()].islower() else "-"
