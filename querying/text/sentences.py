"""Cuts text into sentences and words, in many languages, without a model. Pure: no Django."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from dataclasses import dataclass
from functools import lru_cache

from querying.text.abbreviations import ends_no_sentence
from querying.text.blocks import WHOLE, read_lines

MAX_SENTENCE_CHARS = 600  # a longer one (a table, a page without full stops) is cut at a space

# A full stop of a script with spaces needs one behind it; an ideographic one doesn't. A footnote or citation right
# behind it ("... 25 days. [1]") belongs to the sentence.
_NOTES = r"(?:\s?\[(?:\d{1,3}|[^\[\]\n]{1,24}\s(?:needed|erforderlich|requerida|nécessaire|nguồn))\])*"
_END = re.compile(
    rf"[.!?…؟۔।॥።]+[\"'”’»)\]*_]*{_NOTES}(?=\s|\Z)"
    rf"|[。！？｡]+[”’」』）]*{_NOTES}"
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
    lines = read_lines(text)
    cuts = {line.end for line in lines if line.is_end}
    whole = [line for line in lines if line.kind in WHOLE]
    starts = [line.start for line in whole]
    for match in _END.finditer(text):
        place = bisect_right(starts, match.start()) - 1
        if (place < 0 or whole[place].end <= match.start()) and not _is_inside(text, match):
            cuts.add(match.end())
    found: list[Span] = []
    begin = 0
    for end in sorted({*cuts, len(text)}):
        found += _pieces(text, begin, end)
        begin = end
    return found


def _is_inside(text: str, match: re.Match[str]) -> bool:
    """Return whether this full stop ends an abbreviation, an ordinal or a letter, and not a sentence."""
    if not match.group().startswith(".") or match.group().startswith(".."):
        return match.group().startswith("..") and text[match.end() : match.end() + 40].lstrip()[:1].islower()
    line = text[max(0, match.start() - 40) : match.start()].rpartition("\n")[2]
    return ends_no_sentence(line, text[match.end() : match.end() + 40].lstrip())


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
    """Return the words of a text without case, accents and endings, in order.

    'Các nhà thầu' -> ['cac', 'nha', 'thau'].
    """
    return [word if any(map(str.isdigit, word)) else word[:_STEM_CHARS] for word in whole_words_of(text)]


def whole_words_of(text: str) -> list[str]:
    """Return the words of a text without case and accents, in order.

    Scripts without spaces give pairs: '北京市' -> ['北京', '京市'].
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
    return (plain,)
