"""Repairs text that a program decoded wrongly and encoded again: "GrÃ¶ÃŸe" for "Größe". Pure: no Django."""

from __future__ import annotations

import re

_SURE_SHARE = 0.95  # of the characters above ASCII that are parts of letters which were encoded twice
_FEW = 2  # letters that are enough, if all characters above ASCII are parts of them
# Windows-1252 gives the bytes 80 to BF these characters; Latin-1 gives control characters, which no text has.
_BEHIND = "".join(bytes([code]).decode("cp1252", "ignore") or chr(code) for code in range(0x80, 0xC0))
_TWICE = re.compile(
    f"[\u00c2-\u00df][\x80-\xbf{_BEHIND}]|[\u00e0-\u00ef][\x80-\xbf{_BEHIND}]{{2}}|[\u00f0-\u00f4][\x80-\xbf{_BEHIND}]{{3}}"
)
_SURROGATE = re.compile(rb"\xed[\xa0-\xaf][\x80-\xbf]\xed[\xb0-\xbf][\x80-\xbf]")
_HIGH = re.compile(r"[^\x00-\x7f]")
_BYTES = {character: bytes([code]) for code, character in zip(range(0x80, 0xC0), _BEHIND, strict=True)}


def mended(text: str) -> tuple[str, int]:
    """Return a text with the letters that were encoded twice as they were meant, and how many these are.

    A text in which not almost all characters above ASCII are parts of such letters is returned as it is.
    """
    found = [each for each in map(_letter, _TWICE.finditer(text)) if each]
    covered = sum(end - start for start, end, _letter_ in found)
    if len(found) < _FEW or covered < _SURE_SHARE * len(_HIGH.findall(text)):
        return text, 0
    pieces, reached = [], 0
    for start, end, letter in found:
        pieces += [text[reached:start], letter]
        reached = end
    return "".join([*pieces, text[reached:]]), len(found)


def _letter(match: re.Match[str]) -> tuple[int, int, str] | None:
    """Return start, end and meaning of a letter that may have been encoded twice, None if it is none."""
    raw = b"".join(_BYTES.get(character, b"") or character.encode("latin-1") for character in match[0])
    try:
        return match.start(), match.end(), raw.decode()
    except UnicodeDecodeError:
        return None


def joined_surrogates(data: bytes) -> str | None:
    """Return UTF-8 of a program that encodes the halves of rare characters each by itself, None if it is none."""
    if not _SURROGATE.search(data):
        return None
    try:
        halves = data.decode("utf-8", "surrogatepass")
        return halves.encode("utf-16-le", "surrogatepass").decode("utf-16-le")
    except UnicodeDecodeError:
        return None
