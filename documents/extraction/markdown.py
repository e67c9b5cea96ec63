"""Reads Markdown. Its text stays as it is written, except front matter, comments and tables."""

from __future__ import annotations

import re

from documents.extraction.content import Content
from documents.extraction.encodings.decoding import decode_counted
from documents.extraction.markdown_tables import with_described_tables, with_html_tables
from documents.text.extraction_notes import repaired
from documents.text.headings import find_headings

_FRONT_MATTER = re.compile(r"---[ \t]*\r?\n(.{0,20000}?)\r?\n(?:---|\.\.\.)[ \t]*(?:\r?\n|\Z)", re.S)
_TOML_MATTER = re.compile(r"\+\+\+[ \t]*\n(.{0,20000}?)\n\+\+\+[ \t]*(?:\n|\Z)", re.S)
_MATTER_LINE = re.compile(r"[\w.-]+\s*[:=]|[\w\"'-]+:|\s|#|\[|-|$")  # between rules may stand prose, too
_PICTURE_DATA = re.compile(r"(!\[[^\]\n]{0,500}\])\(\s*<?data:[^)\s>]{0,20000000}>?[^)\n]{0,500}\)")
_FIELD = r"(?m)^{name}[ \t]*[:=][ \t]*[\"']?([^\"'\r\n]{{1,500}})"


def read(data: bytes) -> Content:
    """Return the text without front matter and comments; the title is in the front matter, or the first heading.

    Tables have a line per row with the names of its columns, as in every format.
    """
    decoded = decode_counted(data)
    text = decoded.text.lstrip("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    title = language = None
    found = _FRONT_MATTER.match(text) or _TOML_MATTER.match(text)
    if found and all(map(_MATTER_LINE.match, found[1].split("\n"))) and found[1].strip():
        title, language = _field("title", found[1]), _field("lang(?:uage)?", found[1])
        text = text[found.end() :]
    text = _PICTURE_DATA.sub(r"\1", _without_comments(text))
    if title is None and (headings := find_headings(text[:20_000])):
        title = headings[0].text if headings[0].level == 1 else None
    return Content(
        [with_described_tables(with_html_tables(text))],
        markdown=True,
        title=title,
        language=language,
        notes=repaired(decoded.repaired),
    )


def _field(name: str, front_matter: str) -> str | None:
    """Return a field of the front matter."""
    found = re.search(_FIELD.format(name=name), front_matter)
    return found[1].strip() if found else None


def _without_comments(text: str) -> str:
    """Return `text` without HTML comments, which no reader sees; those in code blocks are shown, and stay."""
    kept: list[str] = []
    position = 0
    while (start := text.find("<!--", position)) >= 0:
        end = text.find("-->", start)
        if end < 0:
            break
        is_code = len(re.findall(r"(?m)^ {0,3}(?:```|~~~)", text[position:start])) % 2 == 1
        kept.append(text[position : end + 3 if is_code else start])
        position = end + 3
    return "".join(kept) + text[position:]
