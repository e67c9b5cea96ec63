"""Tells which elements of a page a reader can see, or open with one click."""

from __future__ import annotations

import re

from lxml import etree

from documents.extraction.html.tags import (
    HIDDEN_STYLE,
    background_selectors,
    hidden_selectors,
    is_white_text,
    sets_background,
    white_selectors,
)

_ANCESTORS_MAX = 60  # that are asked for a background
_TARGETS = ("aria-controls", "data-target", "data-bs-target", "data-toggle-target", "for")
_OPENERS = frozenset({"button", "tab", "switch"})
_PANEL_ROLES = frozenset({"tabpanel", "region", "group"})
_OPENABLE = re.compile(r"(?i)(?:^|[\s_-])(?:accordion|collapse|collapsible|collapsed|panel|faq|answer|tab|toggle)")


class Visibility:
    """Tells hidden elements of one page from those that are shown, or are opened by a control of the page."""

    def __init__(self, root: etree._Element) -> None:
        css = "\n".join(style.text or "" for style in root.iter("style"))
        self._hidden = hidden_selectors(css)
        self._backgrounds = background_selectors(css)
        self._white = white_selectors(css)
        self._opened = _opened_ids(root)

    def hides(self, element: etree._Element) -> bool:
        """Return whether no reader can see the element."""
        attributes = element.attrib
        if not attributes:
            return False
        style = attributes.get("style")
        is_closed = (
            ("hidden" in attributes and attributes["hidden"] != "until-found")
            or (style is not None and HIDDEN_STYLE.search(style) is not None)
            or self._matches(element, self._hidden)
        )
        if is_closed:
            return not self._can_be_opened(element)
        return self._is_white_on_white(element, style)

    def _can_be_opened(self, element: etree._Element) -> bool:
        """Return whether a control of the page shows the element: the answer of a question, the panel of a tab."""
        attributes = element.attrib
        if attributes.get("id") in self._opened or attributes.get("role") in _PANEL_ROLES:
            return True
        if "aria-labelledby" in attributes or _OPENABLE.search(attributes.get("class") or ""):
            before = element.getprevious()
            return before is not None and before.tag in (*_HEADINGS, "button", "dt", "summary", "a", "label", "div")
        return False

    def _matches(self, element: etree._Element, selectors: frozenset[str]) -> bool:
        if not selectors:
            return False
        attributes = element.attrib
        names = [f".{name}" for name in (attributes.get("class") or "").split()]
        return not selectors.isdisjoint([*names, f"#{attributes.get('id')}", str(element.tag)])

    def _is_white_on_white(self, element: etree._Element, style: str | None) -> bool:
        is_white = is_white_text(style) or self._matches(element, self._white)
        if not (is_white or (element.tag == "font" and is_white_text(f"color:{element.get('color')}"))):
            return False
        parent: etree._Element | None = element
        for _ in range(_ANCESTORS_MAX):
            if parent is None:
                return True
            if sets_background(parent) or self._matches(parent, self._backgrounds):
                return False
            parent = parent.getparent()
        return True


_HEADINGS = tuple(f"h{level}" for level in range(1, 7))


def _opened_ids(root: etree._Element) -> frozenset[str]:
    """Return the ids that buttons, tabs and links of a page show."""
    found: set[str] = set()
    for element in root.iter("button", "a", "div", "span", "label", "summary", "li", "h2", "h3", "h4", "h5", "dt"):
        attributes = element.attrib
        if not attributes:
            continue
        for name in _TARGETS:
            if value := attributes.get(name):
                found.update(part.lstrip("#") for part in value.split()[:9])
        is_opener = attributes.get("role") in _OPENERS or "data-toggle" in attributes or "data-bs-toggle" in attributes
        if (
            (is_opener or element.tag == "a")
            and (link := attributes.get("href") or "").startswith("#")
            and len(link) > 1
        ):
            found.add(link[1:])
    return frozenset(found)
