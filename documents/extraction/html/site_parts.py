"""Recognises the parts of a page that belong to the site around it, by landmarks and by their share of links."""

from __future__ import annotations

from lxml import etree

from documents.extraction.html.tags import (
    CONTROLS,
    FOOTER_HOLDERS,
    HEADINGS,
    MAIN,
    NEVER_TEXT,
    NOTICE_CLASSES,
    SITE_CLASSES,
    SITE_ROLES,
)

_NODES_MAX = 250  # of an element that are looked at: enough to know what it is made of
_LINKED_SHARE = 0.5  # of the characters of a part of the site that are links
_NOTICE_MAX_CHARS = 1500
_TITLES = (*HEADINGS, "summary", "dt", "legend")


def is_site(element: etree._Element) -> bool:
    """Return whether an element is a control or a part of the site: navigation, a footer, a notice about cookies."""
    tag = element.tag
    if tag in CONTROLS:
        return not (tag == "button" and _is_title(element)) and not (tag == "nav" and _is_content(element))
    attributes = element.attrib
    if tag == "footer" and not _is_inside(element, FOOTER_HOLDERS):
        return element.find(".//address") is None
    if not attributes:
        return False
    role = attributes.get("role")
    if role in SITE_ROLES:
        return not _is_content(element)
    names = {*(attributes.get("class") or "").lower().split(), attributes.get("id")}
    if not names.isdisjoint(NOTICE_CLASSES):
        return _measure(element)[0] <= _NOTICE_MAX_CHARS and element.find(".//h1") is None
    if names.isdisjoint(SITE_CLASSES) or _is_inside(element, MAIN):
        return False
    return _is_linked(element) and element.find(".//h1") is None


def _is_title(button: etree._Element) -> bool:
    """Return whether a button is the title of what it opens: a question whose answer is collapsed."""
    attributes = button.attrib
    return "aria-expanded" in attributes or "aria-controls" in attributes or _is_inside(button, _TITLES)


def _is_content(element: etree._Element) -> bool:
    """Return whether what is named navigation stands in the main part and is text all the same."""
    return _is_inside(element, MAIN) and not _is_linked(element)


def _is_linked(element: etree._Element) -> bool:
    chars, linked = _measure(element)
    return linked >= _LINKED_SHARE * chars


def _measure(element: etree._Element) -> tuple[int, int]:
    """Return how many characters the beginning of an element has, and how many of them are links or buttons."""
    chars = linked = depth = 0
    for number, (event, node) in enumerate(etree.iterwalk(element, events=("start", "end"))):
        if number > _NODES_MAX:
            break
        is_link = node.tag in ("a", "button")
        if event == "start":
            depth += is_link
            text = node.text if node.tag not in NEVER_TEXT else ""
        else:
            depth -= is_link
            text = node.tail if node is not element else ""
        size = len(text.strip()) if text else 0
        chars += size
        linked += size if depth else 0
    return chars, linked


def _is_inside(element: etree._Element, tags: tuple[str, ...] | frozenset[str]) -> bool:
    """Return whether an ancestor has one of these tags."""
    return next(element.iterancestors(*tags), None) is not None
