"""Writes marks for what letters alone don't show: raised numbers, and text that is struck out. Pure: no Django."""

from __future__ import annotations

import re

_GAP = re.compile(r"(?<=\S)~~([ \t]*)~~(?=\S)")


def raised(text: str, *, behind: str) -> str:
    """Return raised text as it is written behind other text: "10" and a raised "6" are "10^6", never "106".

    Behind a letter ("m2", the mark of a footnote) it stays as it is.
    """
    bare = text.strip()
    is_power = bare.lstrip("-−+")[:1].isdecimal() or bare in ("n", "x")
    return f"^{text}" if is_power and behind[-1:].isdecimal() else text


def struck(text: str) -> str:
    """Return text that is struck out with the marks that Markdown has for it: "~~10~~"."""
    bare = text.strip()
    return text.replace(bare, f"~~{bare}~~", 1) if bare else text


def without_gaps(text: str) -> str:
    """Return text with neighbours that are struck out as one."""
    return _GAP.sub(r"\1", text)
