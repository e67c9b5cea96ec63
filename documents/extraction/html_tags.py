"""Elements of HTML by what they are to a reader, and how pages hide text."""

from __future__ import annotations

import re

_CSS_MAX_CHARS = 500_000
_HIDDEN_STYLE = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse)|text-indent\s*:\s*-\d{4,}"
    r"|font-size\s*:\s*0*\.?0+(?:\s*(?:px|pt|em|rem|%)|\s*[;!]|\s*$)|opacity\s*:\s*0*\.?0+\s*(?:[;!]|$)",
    re.IGNORECASE,
)
_WHITE = r"\s*:\s*(?:#fff(?:fff)?\b|white\b|rgba?\(\s*255\s*,\s*255\s*,\s*255\b)"
_WHITE_TEXT = re.compile(rf"(?<![-\w])color{_WHITE}", re.IGNORECASE)
_BACKGROUND = re.compile(rf"background(?:-color)?(?!{_WHITE})\s*:", re.IGNORECASE)
_SIMPLE_SELECTOR = re.compile(r"[.#][\w-]+")


def _names(line: str) -> frozenset[str]:
    """Return the names in a line."""
    return frozenset(line.split())


HEADINGS = {f"h{level}": level for level in range(1, 7)}
BLOCKS = frozenset(HEADINGS) | _names(
    "address article aside blockquote body caption center dd details dialog div dl dt fieldset figcaption figure "
    "footer form header hgroup hr html li main menu ol option p pre section summary table tbody td tfoot th thead tr ul"
)
NEVER_TEXT = _names(
    "applet area audio base canvas embed frame frameset head iframe link map meta noscript object param script source "
    "style svg template track video"
)
CONTROLS = _names("button datalist input nav select textarea")
MAIN = _names("main article")
FOOTER_HOLDERS = _names("main article section blockquote")  # a footer in one of these is content
SITE_ROLES = _names("navigation search contentinfo menu menubar toolbar")
SITE_CLASSES = _names(  # and ids
    "nav navbar navigation navbox menu sidebar breadcrumb breadcrumbs site-nav site-footer site-menu footer skip-link "
    "cookie-banner cookie-consent cookie-notice mw-editsection mw-jump-link interlanguage-link printfooter catlinks "
    "noprint"
)


def is_invisible(style: str | None) -> bool:
    """Return whether a style attribute makes text invisible: not displayed, without size, or white on white."""
    if not style:
        return False
    if _HIDDEN_STYLE.search(style):
        return True
    return bool(_WHITE_TEXT.search(style)) and not _BACKGROUND.search(style)


def hidden_selectors(css: str) -> frozenset[str]:
    """Return the classes (".x") and ids ("#x") that a style sheet hides for everybody, so not those inside @media."""
    found: set[str] = set()
    opened: list[str] = []  # what stands before each "{" that is open
    words = ""
    for part in re.split(r"([{}])", css[:_CSS_MAX_CHARS]):
        if part == "{":
            opened.append(words.rpartition(";")[2].strip())
        elif part == "}":
            selectors = opened.pop() if opened else ""
            if not opened and _HIDDEN_STYLE.search(words):
                found.update(name for name in map(str.strip, selectors.split(",")) if _SIMPLE_SELECTOR.fullmatch(name))
        else:
            words = part
            continue
        words = ""
    return frozenset(found)
