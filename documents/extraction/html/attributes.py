"""Drops attributes of elements that have thousands: the parser compares each attribute with each other one."""

from __future__ import annotations

import re

ATTRIBUTES_MAX = 100  # of one element; no page that people write has more
_TAG = re.compile(r"<[a-zA-Z][^\s<>/]{0,100}")
_ATTRIBUTE = re.compile(
    r"[\s/]*[^\s=<>\"'/][^\s=<>]*(?:\s*=\s*(?:\"[^\"]*\"|'[^']*'|[^\s>\"'][^\s>]*)?)?|[\s/]*[<\"'=]"
)


def with_few_attributes(text: str) -> str:
    """Return a page without the attributes that an element has beyond ATTRIBUTES_MAX. Time is linear in its length."""
    kept: list[str] = []
    position = done = 0
    while tag := _TAG.search(text, position):
        position = tag.end()
        count = 0
        cut = -1
        while found := _ATTRIBUTE.match(text, position):
            position = found.end()
            count += 1
            if count == ATTRIBUTES_MAX:
                cut = position
        if cut >= 0 and position > cut:
            kept.append(text[done:cut])
            done = position
    return "".join([*kept, text[done:]]) if kept else text
