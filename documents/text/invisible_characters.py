"""Removes invisible characters, in which text could be hidden, from a text. Pure: no Django.

Controls, zero-width characters, direction marks, tags and variation selectors can carry words that a reader doesn't see
to a model, or to a person who copies the answer. Emoji, and scripts that need joiners, keep a single one after a
character that it can belong to; runs of them, which could encode text, are removed.
"""

from __future__ import annotations

import re

_RANGES = [
    (0x00, 0x08),
    (0x0B, 0x1F),
    (0x7F, 0x9F),
    (0xAD, 0xAD),
    (0x034F, 0x034F),
    (0x061C, 0x061C),  # a direction mark
    (0x115F, 0x1160),  # fillers
    (0x17B4, 0x17B5),
    (0x180B, 0x180F),
    (0x200B, 0x200F),
    (0x202A, 0x202E),
    (0x2060, 0x206F),
    (0x3164, 0x3164),
    (0xFE00, 0xFE0F),  # variation selectors
    (0xFEFF, 0xFEFF),
    (0xFFA0, 0xFFA0),
    (0xFFF9, 0xFFFB),
    (0x1BCA0, 0x1BCA3),
    (0x1D173, 0x1D17A),
    (0xE0000, 0xE0FFF),  # tags, more variation selectors
]
_REPLACED = {"\u2028": "\n", "\u2029": "\n"}
_LOOKED_FOR = re.compile(
    "[" + "".join(f"{chr(first)}-{chr(last)}" for first, last in _RANGES) + "\u2028\u2029\ud800-\udfff]"
)
_EMOJI_SHAPE = "\ufe0f"  # selects the emoji style, such as the coloured heart of U+2764
_JOINERS = "\u200c\u200d"
_DRAWN = re.compile(
    "[©®‼⁉™ℹ\u2190-\u21ff\u2300-\u23ff\u24c2\u25a0-\u27bf\u2934\u2935\u2b00-\u2bff〰〽㊗㊙\U0001f000-\U0001faff]"
)
_JOINED = re.compile(r"[^\W\d_]|[\u0300-\u036f\u0900-\u0dff\u1000-\u109f\u1780-\u17ff]")


def visible(text: str, before: str = "") -> str:
    """Return the text without invisible characters; `before` is the character before it, if it is part of a text.

    A lone surrogate, which can't be encoded, becomes U+FFFD, a line separator a line feed.
    """
    if _LOOKED_FOR.search(text) is None:
        return text

    def shown(found: re.Match[str]) -> str:
        char, at = found.group(), found.start()
        previous = text[at - 1] if at else before
        if "\ud800" <= char <= "\udfff":
            return "\ufffd"
        is_kept = (char == _EMOJI_SHAPE and _DRAWN.match(previous)) or (
            char in _JOINERS and not previous.isascii() and _is_joined(previous)
        )
        return char if is_kept else _REPLACED.get(char, "")

    return _LOOKED_FOR.sub(shown, text)


def _is_joined(char: str) -> bool:
    """Return whether a joiner may follow this character: a letter or mark of a script, or an emoji."""
    return bool(_JOINED.match(char) or _DRAWN.match(char) or char == _EMOJI_SHAPE)
