"""Classifies HTML elements by their role, and finds the style rules that hide text."""

from __future__ import annotations

import re

from lxml import etree

_CSS_MAX_CHARS = 500_000
HIDDEN_STYLE = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse)|text-indent\s*:\s*-\d{4,}"
    r"|(?<![-\w])(?:left|top|right|margin-left)\s*:\s*-\d{4,}|(?<![-\w])color\s*:\s*transparent"
    r"|font-size\s*:\s*(?:0*\.?0+(?:\s*(?:px|pt|em|rem|%)|\s*[;!]|\s*$)|0*1(?:\.0*)?\s*p[xt]\b)|opacity\s*:\s*0*\.?0+\s*(?:[;!]|$)",
    re.IGNORECASE,
)
_WHITE = r"\s*:\s*(?:#f[c-f]f[c-f]f[c-f]\b|#fff\b|white\b|snow\b|rgba?\(\s*25[2-5]\s*,\s*25[2-5]\s*,\s*25[2-5]\b)"
_WHITE_TEXT = re.compile(rf"(?<![-\w])color{_WHITE}", re.IGNORECASE)
_BACKGROUND = re.compile(rf"background(?:-color|-image)?(?!{_WHITE}|\s*:\s*(?:none|transparent))\s*:", re.IGNORECASE)
_WHITE_VALUE = re.compile(rf"color{_WHITE}", re.IGNORECASE)
_ANY_SELECTOR = re.compile(r"[.#]?[\w-]+")
_SIMPLE_SELECTOR = re.compile(r"[.#][\w-]+")


def _names(line: str) -> frozenset[str]:
    return frozenset(line.split())


HEADINGS = {f"h{level}": level for level in range(1, 7)}
BLOCKS = frozenset(HEADINGS) | _names(
    "address article aside blockquote body caption center dd details dialog div dl dt fieldset figcaption figure "
    "footer form header hgroup hr html li main menu ol option p pre section summary table tbody td tfoot th thead tr ul"
)
NEVER_TEXT = _names(
    "applet area audio base canvas embed frame frameset head iframe link map meta noscript object param rp rt rtc "
    "script source style svg template track video"
)
CONTROLS = _names("button datalist input nav select textarea")
MAIN = _names("main article")
FOOTER_HOLDERS = _names("main article section blockquote")  # a footer in one of these is content
SITE_ROLES = _names("navigation search contentinfo menu menubar toolbar")
SITE_CLASSES = _names(  # and ids; only where most of it is links, since a menu may be a list of dishes
    "nav navbar navigation navbox menu sidebar breadcrumb breadcrumbs site-nav site-header site-footer site-menu "
    "footer main-menu main-nav topnav pagination interlanguage-link catlinks"
)
NOTICE_CLASSES = _names(
    "skip-link cookie-banner cookie-consent cookie-notice mw-editsection mw-jump-link printfooter noprint breadcrumbs "
    "breadcrumb"
)


def is_white_text(style: str | None) -> bool:
    """Return whether a style makes text white, or nearly."""
    return bool(style) and _WHITE_TEXT.search(style or "") is not None


def sets_background(element: etree._Element) -> bool:
    """Return whether an element has a background of its own that is not white."""
    attributes = element.attrib
    if not attributes:
        return False
    color = attributes.get("bgcolor")
    is_coloured = color is not None and _WHITE_VALUE.match(f"color:{color.strip()}") is None
    return is_coloured or "background" in attributes or _BACKGROUND.search(attributes.get("style") or "") is not None


def white_selectors(css: str) -> frozenset[str]:
    """Return the classes and ids whose text a style sheet makes white, or nearly."""
    return _selectors(css, _WHITE_TEXT, _SIMPLE_SELECTOR, in_media=False)


def background_selectors(css: str) -> frozenset[str]:
    """Return the classes, ids and tags that a style sheet gives a background that is not white."""
    return _selectors(css, _BACKGROUND, _ANY_SELECTOR, in_media=True)


def hidden_selectors(css: str) -> frozenset[str]:
    """Return the classes (".x") and ids ("#x") that a style sheet hides for everybody, so not those inside @media."""
    return _selectors(css, HIDDEN_STYLE, _SIMPLE_SELECTOR, in_media=False)


def _selectors(css: str, declared: re.Pattern[str], allowed: re.Pattern[str], *, in_media: bool) -> frozenset[str]:
    """Return the simple selectors of the rules that declare something."""
    found: set[str] = set()
    opened: list[str] = []  # what stands before each "{" that is open
    words = ""
    for part in re.split(r"([{}])", css[:_CSS_MAX_CHARS]):
        if part == "{":
            opened.append(words.rpartition(";")[2].strip())
        elif part == "}":
            selectors = opened.pop() if opened else ""
            if (in_media or not opened) and declared.search(words):
                found.update(name for name in map(str.strip, selectors.split(",")) if allowed.fullmatch(name))
        else:
            words = part
            continue
        words = ""
    return frozenset(found)
