"""Makes titles, sources and quotes of documents safe to show: nothing in them becomes a link or image. No Django.

They come from file names, from `<title>` and from headings, so the author of a document chooses them; and chat clients
render them as markdown, too. Quotes and passages leave as the documents have them, because their offsets are counted;
of a quote there is a second form, for clients that render markdown.
"""

from __future__ import annotations

import re
from functools import lru_cache

from documents.text.invisible_characters import visible
from documents.text.normalization import GLYPH_OF_BLANK
from querying.output.link_filter import filter_field
from querying.text.inert import inert

_PLAIN = re.compile(r"[\w ,;'()–-]*")
_FILE_NAME = re.compile(r"[\w ,()+-]+[.][a-z]{1,5}", re.IGNORECASE)
_FILE_ENDINGS = (".md", ".rst", ".txt", ".pdf", ".html", ".htm", ".docx", ".xlsx", ".pptx", ".csv", ".json", ".py")
# An address or a path that is only that: markdown makes nothing of it that isn't to be seen.
_PLACE = re.compile(r"(?![a-z]+script:|data:)[^\s<>()\[\]{}`!\\]*", re.IGNORECASE)


@lru_cache(maxsize=4096)
def shown_name(name: str) -> str:
    """Return a title or a heading, safe to show: '![x](https://x.example)' -> '! [x] (‹link removed›)'."""
    if _PLAIN.fullmatch(name) and "www" not in name.lower():
        return name
    if _FILE_NAME.fullmatch(name) and name.lower().endswith(_FILE_ENDINGS):
        return name
    return filter_field(name)


@lru_cache(maxsize=4096)
def shown_source(source: str) -> str:
    """Return the source of a document, safe to show: a plain path or address as it is, all else like a name."""
    source = visible(source)
    return source if _PLACE.fullmatch(source) else shown_name(source)


@lru_cache(maxsize=4096)
def shown_quote(quote: str) -> str:
    """Return a quote as one line of markdown that shows its words and does nothing: no link, image or tag."""
    return inert(" ".join(visible(quote.replace(GLYPH_OF_BLANK, " ")).split()))
