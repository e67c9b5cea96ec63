"""Guesses the language of a text, well enough to stem it: by its script, else by the stop words of Postgres."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

from django.db import connection

from documents.keywords.terms import stemmed_languages
from documents.keywords.tokenization import prepare_text

SAMPLE_CHARS = 20_000
UNKNOWN = "xx"
# Of the words of a text, about 40 % are stop words in its own language, and under 15 % in any other.
STOP_WORDS_SHARE_MIN = 0.2
_SCRIPTS = {
    "el": re.compile("[\u0370-\u03ff]"),
    "hy": re.compile("[\u0530-\u058f]"),
    "ar": re.compile("[\u0600-\u06ff]"),
    "hi": re.compile("[\u0900-\u097f]"),
    "ta": re.compile("[\u0b80-\u0bff]"),
    UNKNOWN: re.compile("[\u0e00-\u0eff\u3040-\u30ff\u4e00-\u9fff\uac00-\ud7af]"),
}
SCRIPT_SHARE_MIN = 0.3  # of the characters


def language_of(folder: Path, sample: str) -> str:
    """Return the language that a folder's name ends with (`xquad-vi`), else a guess by its texts."""
    ending = folder.resolve().name.rpartition("-")[2]
    return ending if re.fullmatch("[a-z]{2}", ending) and "-" in folder.resolve().name else guess_language(sample)


def guess_language(text: str) -> str:
    """Return the ISO 639-1 code of a text's language; `xx` when it is none that Postgres can stem."""
    text = text[:SAMPLE_CHARS]
    for code, letters in _SCRIPTS.items():
        if len(letters.findall(text)) > SCRIPT_SHARE_MIN * len(text):
            return code
    words = prepare_text(text).exact
    counts = Counter(words.split())
    shares = {code: _stop_word_share(counts, code) for code in stemmed_languages()}
    # English words count as stop words in Russian too: there, Postgres takes words in Latin letters for English.
    best = max(shares, key=lambda code: (shares[code], code == "en"), default=UNKNOWN)
    return best if shares.get(best, 0.0) >= STOP_WORDS_SHARE_MIN else UNKNOWN


def _stop_word_share(counts: Counter[str], code: str) -> float:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT word FROM unnest(%s::text[]) AS word WHERE to_tsvector(%s, word) = ''",
            [list(counts), f"content_ragsite_{code}"],
        )
        stop_words = [word for (word,) in cursor.fetchall()]
    return sum(counts[word] for word in stop_words) / max(1, counts.total())
