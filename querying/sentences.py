"""Cuts text into sentences and words, in many languages, without a model. Pure: no Django."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

MAX_SENTENCE_CHARS = 600  # a longer one (a table, a page without full stops) is cut at a space

# A full stop of a script with spaces needs one behind it; an ideographic one doesn't. A footnote or citation right
# behind it ("... 25 days. [1]") belongs to the sentence.
_END = re.compile(
    r"[.!?…؟۔।॥።]+[\"'”’»)\]]*(?:\s?\[\d{1,3}\])*(?=\s|\Z)"
    r"|[。！？｡]+[”’」』）]*(?:\s?\[\d{1,3}\])*"
    r"|\n\s*\n"
    r"|\n(?=\s*(?:[-*•–]|\d{1,3}[.)]|#{1,6})\s)"
    r"|\n(?=\s*(?:\||```|~~~))"  # a row of a table, a block of code
)
# Words that carry a full stop in the middle of a sentence. Single letters and ordinals are found by their shape.
_ABBREVIATIONS = frozenset(
    [
        "mr",
        "mrs",
        "ms",
        "dr",
        "prof",
        "st",
        "vs",
        "etc",
        "al",
        "cf",
        "ca",
        "approx",
        "inc",
        "ltd",
        "jr",
        "sr",
        "bzw",
        "usw",
        "vgl",
        "sog",
        "ggf",
        "evtl",
        "inkl",
        "e.g",
        "i.e",
        "z.b",
        "d.h",
        "u.a",
        "v.v",
        "tp",
        "ths",
        "ts",
        "gs",
        "pgs",
        "eds",
        "op",
        "cit",
        "rev",
        "gen",
        "col",
        "capt",
        "lt",
        "sgt",
        "mme",
        "mlle",
    ]
)
_BEFORE_A_NUMBER = frozenset(
    ["no", "nr", "fig", "eq", "art", "abs", "p", "pp", "tr", "pág", "vol", "sec", "ch", "ed", "núm", "bd", "kap"]
)
# What may follow a German ordinal ("am 3. Oktober"); elsewhere a number ends its sentence ("opens at 9. Then ...").
_AFTER_ORDINAL = re.compile(
    r"(?:Januar|Jänner|Februar|März|April|Mai|Juni|Juli|August|September|Oktober|November|Dezember|Jahrhundert|Klasse)\b"
)
# 3.5 is one word; well-known is two. Vowel signs and combining accents (Hindi, Thai, decomposed Latin) belong to it.
_MARKS = (
    r"\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0900-\u0963\u0966-\u0dff"
    r"\u0e31-\u0e4e\u0eb1-\u0ecd\u102b-\u103e\u17b4-\u17d3"
)
_WORD = re.compile(rf"\d+(?:[.,:]\d+)+|[^\W_](?:[^\W_]|[{_MARKS}])*")
# Scripts written without spaces: compared by pairs of characters.
_UNSPACED = re.compile(
    r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003134f]+"
)
_STEM_CHARS = 6  # "regulation" and "regulations" share them; crude, and the same in every alphabet


@dataclass(frozen=True)
class Span:
    """`text[start:end]`, without white space at its ends."""

    start: int
    end: int


def sentences_of(text: str) -> list[Span]:
    """Return the sentences of a text in order; none is empty, and between two of them is only white space.

    'Dr. Roe came. She left.' -> [0:13], [14:23].
    """
    cuts = [match.end() for match in _END.finditer(text) if not _is_inside(text, match)]
    found: list[Span] = []
    begin = 0
    for end in [*cuts, len(text)]:
        found += _pieces(text, begin, end)
        begin = end
    return found


def _is_inside(text: str, match: re.Match[str]) -> bool:
    """Return whether this full stop ends an abbreviation, an ordinal or a letter, and not a sentence."""
    if not match.group().startswith("."):
        return False
    rest = text[match.end() : match.end() + 40].lstrip()
    if rest[:1].islower():
        return True
    line = text[max(0, match.start() - 20) : match.start()].rpartition("\n")[2]
    word = line.split()[-1].lstrip("([\"'“„«").casefold() if line.split() else ""
    is_ordinal = word.isdigit() and len(word) <= 3 and (line.strip() == word or bool(_AFTER_ORDINAL.match(rest)))
    is_letter = len(word) == 1 and word.isalpha()
    is_number_sign = word in _BEFORE_A_NUMBER and rest[:1].isdigit()
    return word in _ABBREVIATIONS or is_number_sign or is_ordinal or is_letter


def _pieces(text: str, begin: int, end: int) -> list[Span]:
    """Return text[begin:end] without outer white space, in pieces of MAX_SENTENCE_CHARS at most."""
    pieces = []
    while begin < end:
        while begin < end and text[begin].isspace():
            begin += 1
        stop = end
        if end - begin > MAX_SENTENCE_CHARS:
            space = text.rfind(" ", begin + MAX_SENTENCE_CHARS // 2, begin + MAX_SENTENCE_CHARS)
            stop = space if space > 0 else begin + MAX_SENTENCE_CHARS
        last = stop
        while last > begin and text[last - 1].isspace():
            last -= 1
        if last > begin:
            pieces.append(Span(begin, last))
        begin = stop
    return pieces


def words_of(text: str) -> list[str]:
    """Return the words of a text as they are compared: without case, accents and endings, in order.

    'Các nhà thầu' -> ['cac', 'nha', 'thau']; scripts without spaces give pairs: '北京市' -> ['北京', '京市'].
    """
    found: list[str] = []
    for word in _WORD.findall(text):
        begin = 0
        for run in _UNSPACED.finditer(word):
            found += _folded(word[begin : run.start()])
            found += _pairs(run.group())
            begin = run.end()
        found += _folded(word[begin:])
    return found


def _pairs(run: str) -> list[str]:
    return [run] if len(run) < 2 else [run[i : i + 2] for i in range(len(run) - 1)]


@lru_cache(maxsize=20_000)
def _folded(word: str) -> tuple[str, ...]:
    """Return the word as it is compared, in a tuple: empty when nothing of it is left."""
    plain = unicodedata.normalize("NFKD", word.casefold()).replace("đ", "d")
    plain = "".join(char for char in plain if not unicodedata.combining(char))
    if not plain:
        return ()
    return (plain if any(char.isdigit() for char in plain) else plain[:_STEM_CHARS],)
