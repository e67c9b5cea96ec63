"""Tells text on a slide that has the colour of its background, or no colour at all, from text that can be seen.

Whatever is not known for sure (gradients, pictures, styles of tables) counts as another colour: the text is seen.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property
from itertools import chain
from typing import Any

from lxml import etree
from pptx.opc.constants import RELATIONSHIP_TYPE

from documents.extraction.archives import parse_xml
from documents.extraction.failures import Unreadable
from documents.extraction.office.pptx_order import Box, box_of
from documents.extraction.office.pptx_text import A

_P = "{http://schemas.openxmlformats.org/presentationml/2006/main}"
_WHITE = "FFFFFF"
_NAMED = {"white": _WHITE, "black": "000000"}
_NEAR = 8  # of 255: so much may red, green and blue differ between colours that look the same
_SIZE_MAX = 100  # hundredths of a point: text as small as a dot
_OTHER_FILLS = frozenset({"gradFill", "blipFill", "pattFill", "grpFill"})
_PLAIN_BACKGROUND = "1001"  # of the theme: one colour all over


class Background:
    """What is behind the text of one slide: its background, and filled shapes and pictures by their places."""

    def __init__(self, slide: Any) -> None:
        self._slide = slide

    def hides(self, run: Any, filled: Any, box: Box | None) -> bool:
        """Return whether nobody sees text with the properties `run` (`a:rPr`).

        `filled` are the properties of the shape or cell that it stands in, None if it has none; `box` is where that
        is, None if its place on the slide is not known: then only its own fill counts.
        """
        size = run.get("sz") or ""
        if size.isdecimal() and int(size) <= _SIZE_MAX:
            return True
        if run.find(f"{A}noFill") is not None:
            return run.find(f"{A}ln") is None
        fill = run.find(f"{A}solidFill")
        if fill is None or run.find(f"{A}highlight") is not None:
            return False
        if any(alpha.get("val") in ("0", "0%") for alpha in fill.iter(f"{A}alpha")):
            return True
        colour = self._colour(fill)
        is_filled, own = self._fill(filled)
        if colour is None or (not is_filled and box is None):
            return False
        try:
            behind: Iterable[str | None] = (
                [own] if is_filled or box is None else chain([self._background], self._behind(box))
            )
            return all(other is not None and _is_near(colour, other) for other in behind)
        except (KeyError, AttributeError):  # the layout or the master is damaged
            return False

    @cached_property
    def _levels(self) -> list[Any]:
        """The slide, its layout and its master."""
        layout = self._slide.slide_layout
        return [self._slide, layout, layout.slide_master]

    @cached_property
    def _background(self) -> str | None:
        for level in self._levels:
            background = level._element.find(f"{_P}cSld/{_P}bg")
            if background is None:
                continue
            if (named := background.find(f"{_P}bgRef")) is not None:
                return self._colour(named) if named.get("idx") == _PLAIN_BACKGROUND else None
            is_filled, colour = self._fill(background.find(f"{_P}bgPr"))
            return colour if is_filled else _WHITE
        return _WHITE

    @cached_property
    def _shapes(self) -> list[tuple[Box, str | None]]:
        """Where shapes that are filled stand, and their colours."""
        found: list[tuple[Box, str | None]] = []
        for level in self._levels:
            for shape in level.shapes:
                if shape._element.tag != f"{_P}sp":  # pictures, tables, groups
                    found.append((box_of(shape), None))
                    continue
                is_filled, colour = self._fill(shape._element.find(f"{_P}spPr"))
                if is_filled:
                    found.append((box_of(shape), colour))
        return found

    def _behind(self, box: Box) -> Iterator[str | None]:
        """Yield the colours of the shapes that reach into a box."""
        for other, colour in self._shapes:
            if (
                other.left < box.left + box.width
                and box.left < other.left + other.width
                and other.top < box.top + box.height
                and box.top < other.top + other.height
            ):
                yield colour

    @cached_property
    def _theme(self) -> dict[str, str]:
        """The colours of the theme by the names that slides have for them."""
        slide, layout, master = self._levels
        names = dict(master._element.find(f"{_P}clrMap").attrib)
        for level in (layout, slide):
            if (other := level._element.find(f"{_P}clrMapOvr/{A}overrideClrMapping")) is not None:
                names = dict(other.attrib)
        scheme = parse_xml(master.part.part_related_by(RELATIONSHIP_TYPE.THEME).blob).find(f".//{A}clrScheme")
        colours = {
            etree.QName(entry).localname: (entry[0].get("lastClr") or entry[0].get("val") or "").upper()
            for entry in (scheme if scheme is not None else ())
            if len(entry)
        }
        return colours | {str(name): colours.get(str(other), "") for name, other in names.items()}

    def _fill(self, properties: Any) -> tuple[bool, str | None]:
        """Return whether a shape or cell is filled, and with which colour, None if that is not known."""
        if properties is None:
            return False, None
        for child in properties:
            name = child.tag.rpartition("}")[2] if isinstance(child.tag, str) else ""
            if name == "solidFill":
                return True, self._colour(child)
            if name in _OTHER_FILLS:
                return True, None
            if name == "noFill":
                return False, None
        style = properties.getparent().find(f"{_P}style/{A}fillRef")
        return style is not None and style.get("idx") != "0", None

    def _colour(self, parent: Any) -> str | None:
        """Return the colour that an element names as "RRGGBB", None if it is not known, or a shade of another one."""
        for child in parent:
            if any(each.tag != f"{A}alpha" for each in child):
                return None
            name = child.tag.rpartition("}")[2]
            value = child.get("val") or ""
            if name == "schemeClr":
                value = self._scheme_colour(value)
            elif name == "sysClr":
                value = child.get("lastClr") or ""
            elif name == "prstClr":
                value = _NAMED.get(value, "")
            return (
                value.upper() if len(value) == 6 and all(each in "0123456789abcdefABCDEF" for each in value) else None
            )
        return None

    def _scheme_colour(self, name: str) -> str:
        try:
            return self._theme.get(name, "")
        except (KeyError, AttributeError, Unreadable):  # the layout, the master or the theme is damaged
            return ""


def _is_near(one: str, other: str) -> bool:
    pairs = zip(bytes.fromhex(one), bytes.fromhex(other), strict=True)
    return all(abs(first - second) <= _NEAR for first, second in pairs)
