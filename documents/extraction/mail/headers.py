"""Decodes the headers of a mail, encoded words in any encoding included."""

from __future__ import annotations

import base64
import binascii
import quopri
import re
from email.message import EmailMessage

from documents.extraction.encodings.decoding import decode, decode_roughly
from documents.extraction.failures import Unreadable

_ENCODED_WORD = re.compile(r"=\?([^?\s]{1,40})\?([bBqQ])\?([^?]*)\?=")
_BETWEEN = re.compile(r"(\?=)\s+(=\?)")  # blanks between encoded words are not part of the text


def header(message: EmailMessage, name: str) -> str:
    """Return a header's text on one line, "" if it is absent."""
    name = name.lower()
    for key, value in message.raw_items():
        if key.lower() == name:
            return " ".join(decoded(str(value)).split())
    return ""


def decoded(raw: str) -> str:
    """Return the text of a raw header, in which a mail parser left bytes above ASCII as surrogates.

    A letter of several bytes may be cut by the end of an encoded word, so the bytes of neighbours are joined first.
    """
    raw = raw.replace("\r", "").replace("\n", "")
    if "=?" not in raw:  # most headers
        return _unencoded(raw)
    raw = _BETWEEN.sub(r"\1\2", raw)
    parts: list[str] = []
    position = 0
    charset, held = "", b""
    for found in _ENCODED_WORD.finditer(raw):
        between = raw[position : found.start()]
        word = _bytes_of(found[2], found[3])
        if between or found[1].lower() != charset:
            parts += [_text_of(held, charset), _unencoded(between)]
            charset, held = found[1].lower(), b""
        held += word
        position = found.end()
    return "".join([*parts, _text_of(held, charset), _unencoded(raw[position:])])


def _bytes_of(kind: str, text: str) -> bytes:
    """Return the bytes of an encoded word; its text as it stands if it is broken."""
    data = text.encode("ascii", "replace")
    if kind in "qQ":
        return quopri.decodestring(data, header=True)
    try:
        return base64.b64decode(data + b"=" * (-len(data) % 4))
    except (binascii.Error, ValueError):
        return data


def _text_of(data: bytes, charset: str) -> str:
    if not data:
        return ""
    charset = charset.partition("*")[0]  # a language may follow
    try:
        return decode(data, declared=charset)
    except Unreadable:
        return decode_roughly(data)


def _unencoded(text: str) -> str:
    """Return text that should have been ASCII, in the encoding that its bytes are in."""
    return text if text.isascii() else _text_of(text.encode("utf-8", "surrogateescape"), "")
