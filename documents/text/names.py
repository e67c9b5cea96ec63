"""Cleans file names and titles of uploads so that they can be shown. They are never used as paths."""

from __future__ import annotations

import unicodedata
from pathlib import PurePosixPath

from documents.text.invisible_characters import visible

NAME_MAX_CHARS = 255
SOURCE_MAX_CHARS = 1000
TITLE_MAX_CHARS = 500
ENDING_MAX_CHARS = 20
FIRST_WORDS_MAX_CHARS = 60
# Controls, direction marks and other invisibles, lone surrogates: with them a name could look like another one.
_UNWANTED_CATEGORIES = {"Cc", "Cf", "Cs", "Co"}


def clean_name(name: str) -> str:
    """Return a file's name as text: no folders, nothing invisible, at most 255 characters, its ending kept."""
    name = clean_text(name.replace("\\", "/").rsplit("/", 1)[-1], 4 * NAME_MAX_CHARS)
    if name in {"", ".", ".."}:
        return "document"
    if len(name) <= NAME_MAX_CHARS:
        return name
    ending = PurePosixPath(name).suffix[:ENDING_MAX_CHARS]
    return name[: NAME_MAX_CHARS - len(ending)] + ending


def clean_text(text: str, max_chars: int) -> str:
    """Return at most `max_chars` of the text on one line, in NFC, without controls, bidi marks and other invisibles."""
    one_line = " ".join(text.split())
    shown = visible(one_line)
    seen = shown if shown.isprintable() else "".join(filter(_is_wanted, shown))
    return " ".join(unicodedata.normalize("NFC", seen).split())[:max_chars].strip()


def _is_wanted(char: str) -> bool:
    return unicodedata.category(char) not in _UNWANTED_CATEGORIES


def name_to_show(title: str, source: str = "", heading: str = "", text: str = "") -> str:
    """Return the display name of a document, or of a passage of it: never empty.

    The title; of a document without one its file's name, else the nearest heading ("Pay > Holidays": "Holidays"),
    else the first words of the text.
    """
    file = source.replace("\\", "/").rstrip("/").rsplit("/", 1)[-1]
    own_heading = heading.rsplit(" > ", 1)[-1]
    named = next(filter(None, (clean_text(each, TITLE_MAX_CHARS) for each in (title, file, own_heading) if each)), "")
    return named or _first_words(text) or "Untitled document"


def _first_words(text: str) -> str:
    """Return the beginning of a text, cut between two words: 'Employees get 25 days of paid leave …'."""
    line = clean_text(text[: 4 * FIRST_WORDS_MAX_CHARS].lstrip("#*> \t\n"), 4 * FIRST_WORDS_MAX_CHARS)
    if len(line) <= FIRST_WORDS_MAX_CHARS:
        return line
    words = line[: FIRST_WORDS_MAX_CHARS + 1].rpartition(" ")[0] or line[:FIRST_WORDS_MAX_CHARS]
    return f"{words} …"


def title_of(name: str) -> str:
    """Return the default title of a document: its file name without the extension."""
    name = clean_name(name)
    return (PurePosixPath(name).stem or name)[:TITLE_MAX_CHARS]
