"""Recognises East Asian encodings that use ASCII bytes only and announce their letters with signs. Pure: no Django."""

from __future__ import annotations

import re

_JAPANESE = (b"\x1b$B", b"\x1b$@", b"\x1b(J")
_KOREAN = b"\x1b$)C"
_HZ = re.compile(rb"~\{(?:[!-}][!-~]){1,200}~\}")


def announced_encoding(data: bytes) -> str | None:
    """Return the encoding of seven bits that announces its letters with these signs, None if it is plain ASCII."""
    if any(escape in data for escape in _JAPANESE):
        return "iso2022_jp"
    if _KOREAN in data:
        return "iso2022_kr"
    if _HZ.search(data):
        try:
            text = data.decode("hz")
        except UnicodeDecodeError:
            return None
        return "hz" if any("\u4e00" <= character < "\ua000" for character in text) else None
    return None
