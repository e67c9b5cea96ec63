"""Reads plain text in any encoding, calendars and JSON included."""

from __future__ import annotations

import re

from documents.extraction.content import Content
from documents.extraction.encodings.decoding import decode_counted
from documents.extraction.mail.calendars import read_calendar
from documents.text.extraction_notes import repaired

_TERMINAL = re.compile("\x1b(?:\\[[0-9;?]*[A-Za-z]|\\][^\x07\x1b]{0,200}(?:\x07|\x1b\\\\))")  # colours of a log
_ESCAPES = re.compile(r"(?<!\\)((?:\\\\)*)((?:\\u[0-9a-fA-F]{4})+)")
_JSON_START = re.compile(r"\s*[\[{]")


def read(data: bytes) -> Content:
    """Return the text, without the colours of terminals; JSON with its letters. Raises Unreadable: unknown_encoding."""
    decoded = decode_counted(data)
    text = _TERMINAL.sub("", decoded.text) if "\x1b" in decoded.text else decoded.text
    if "\\u" in text and _JSON_START.match(text):
        text = _ESCAPES.sub(_letters, text)
    if text.lstrip().startswith("BEGIN:VCALENDAR") and (events := read_calendar(text)):
        text = events
    return Content([text], notes=repaired(decoded.repaired))


def _letters(found: re.Match[str]) -> str:
    """Return the letters that are written as numbers; those that would change the form of the text stay."""
    units = bytes.fromhex(found[2].replace("\\u", ""))
    letters = units.decode("utf-16-be", "replace")
    return found[1] + letters if letters.isprintable() and not set(letters) & set('"\\') else found[0]
