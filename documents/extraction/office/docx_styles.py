"""Resolves what the styles of a Word document say of paragraphs: heading level, list level, font."""

from __future__ import annotations

import re
from typing import Any

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_HEADING = re.compile(r"(?:heading|überschrift|titre|título|titolo|đề mục) ([1-9])", re.IGNORECASE)
_PARENTS_MAX = 10  # styles may be based on each other in a circle


class Styles:
    """Properties of paragraph styles by style id; "" is the style of paragraphs that name none.

    `root` is that of the part with the styles, None if it is missing.
    """

    def __init__(self, root: Any) -> None:
        self._styles: dict[str, Any] = {}
        self._default = ""
        self._default_font = ""
        self._known: dict[tuple[str, str], Any] = {}
        if root is None:
            return
        self._default_font = font_of(root.find(f"{W}docDefaults/{W}rPrDefault/{W}rPr"))
        for style in root.iterfind(f"{W}style"):
            identity = style.get(f"{W}styleId") or ""
            self._styles[identity] = style
            if style.get(f"{W}type") == "paragraph" and is_on(style, f"{W}default", of_attribute=True):
                self._default = identity

    def level(self, identity: str) -> int:
        """Return the heading level (1..9) by the style's name, by its outline level, or by its base; or 0."""
        return self._inherited("level", identity, _own_level) or 0

    def numbering(self, identity: str) -> tuple[str, int | None] | None:
        """Return the list (its number) and level that the style puts paragraphs into; no level: the list knows it."""
        found: tuple[str, int | None] | None = self._inherited(
            "numbering", identity, lambda style: numbering_of(style.find(f"{W}pPr"))
        )
        return found

    def font(self, identity: str) -> str:
        """Return the font of the style's text."""
        return (
            self._inherited("font", identity or self._default, lambda style: font_of(style.find(f"{W}rPr")))
            or self._default_font
        )

    def is_hidden(self, identity: str) -> bool:
        """Return whether the style's text is hidden."""
        return bool(identity) and bool(
            self._inherited("hidden", identity, lambda style: is_on(style.find(f"{W}rPr"), f"{W}vanish"))
        )

    def list_of(self, identity: str) -> str | None:
        """Return the list that a style of lists stands for."""
        found = self.numbering(identity)
        return found[0] if found else None

    def _inherited(self, what: str, identity: str, own: Any) -> Any:
        if (what, identity) not in self._known:
            value, name = None, identity
            for _ in range(_PARENTS_MAX):
                style = self._styles.get(name)
                if style is None or (value := own(style)):
                    break
                based = style.find(f"{W}basedOn")
                name = (based.get(f"{W}val") or "") if based is not None else ""
            self._known[what, identity] = value
        return self._known[what, identity]


def numbering_of(properties: Any) -> tuple[str, int | None] | None:
    """Return the list and the level that a paragraph's properties name, None if they name none; list "0" is none."""
    found = properties.find(f"{W}numPr") if properties is not None else None
    if found is None:
        return None
    number, level = found.find(f"{W}numId"), found.find(f"{W}ilvl")
    if number is None:
        return None
    depth = (level.get(f"{W}val") or "") if level is not None else ""
    return number.get(f"{W}val") or "0", int(depth) if depth.isdecimal() else None


def outline_level(properties: Any) -> int | None:
    """Return the heading level (1..6) that a paragraph's properties say, 0 for body text, None if they say nothing."""
    outline = properties.find(f"{W}outlineLvl") if properties is not None else None
    value = (outline.get(f"{W}val") or "") if outline is not None else ""
    if not value.isdecimal():
        return None
    return int(value) + 1 if int(value) < 6 else 0


def font_of(properties: Any) -> str:
    """Return the font that properties of text name, "" if they name none."""
    fonts = properties.find(f"{W}rFonts") if properties is not None else None
    if fonts is None:
        return ""
    return fonts.get(f"{W}ascii") or fonts.get(f"{W}hAnsi") or fonts.get(f"{W}cs") or ""


def is_on(parent: Any, name: str, *, of_attribute: bool = False) -> bool:
    """Return whether a switch is there and on: an element below `parent` (whose `val` may say off), or an attribute."""
    if parent is None:
        return False
    if of_attribute:
        value = parent.get(name)
        return value is not None and value not in ("0", "false", "off")
    element = parent.find(name)
    return element is not None and (element.get(f"{W}val") or "1") not in ("0", "false", "off", "none")


def _own_level(style: Any) -> int:
    name = style.find(f"{W}name")
    words = ((name.get(f"{W}val") or "") if name is not None else "").strip()
    if found := _HEADING.fullmatch(words):
        return int(found[1])
    return 1 if words.lower() == "title" else outline_level(style.find(f"{W}pPr")) or 0
