"""Decodes text in fonts that draw other letters than the characters in a file (old Vietnamese fonts). Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import groupby

from documents.extraction.encodings.vietnamese_legacy import from_tcvn3, from_vni

_CONVERTERS: dict[str, Callable[[str], str]] = {
    "tcvn3": from_tcvn3,
    "tcvn3-capitals": lambda text: from_tcvn3(text).upper(),  # the font draws small letters as capitals
    "vni": from_vni,
}


def letters_of(font: str) -> str:
    """Return which encoding a font draws letters in, as `converted` takes it; "" for Unicode."""
    name = font.strip("'\" ;").lower()
    if name.startswith(".vn"):
        return "tcvn3-capitals" if name.endswith("h") and not name.endswith("arabiah") else "tcvn3"
    return "vni" if name.startswith(("vni-", "vni ")) else ""


def converted(pieces: Iterable[tuple[str, str]]) -> str:
    """Return pieces of text (encoding, characters) as one text in Unicode.

    Neighbours of one encoding are converted together, because a letter and its marks may be in two pieces.
    """
    texts: list[str] = []
    for encoding, group in groupby(pieces, key=lambda piece: piece[0]):
        text = "".join(piece for _encoding, piece in group)
        texts.append(_CONVERTERS[encoding](text) if encoding else text)
    return "".join(texts)
