"""Splits text into the words that the keyword leg compares. Pure: no Django, no database.

Postgres' own parser takes `foo/bar` for a path, `-5` for a number, and a Chinese sentence for one word. So words are
split here, in the same way for documents and questions, and Postgres only stems them.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

WORD_MAX_CHARS = 64  # a longer "word" is base64 or a broken table; its beginning identifies it
LEARNT_MIN_CHARS, LEARNT_MAX_CHARS = 3, 40
PREPARED_MAX_BYTES = 400_000  # a search vector may have 1 MB, and needs at most twice the bytes of its text

# Letters that carry a mark without being decomposable.
_LETTERS = str.maketrans(
    {"đ": "d", "ð": "d", "ł": "l", "ø": "o", "ħ": "h", "ı": "i", "æ": "ae", "œ": "oe", "ß": "ss"}
    | {"Đ": "D", "Ð": "D", "Ł": "L", "Ø": "O", "Ħ": "H", "Æ": "AE", "Œ": "OE", "ẞ": "SS"}
)
# Marks that are often left out in typing: of Latin, Greek and Cyrillic letters, of Hebrew and of Arabic.
_LEFT_OUT = re.compile("[\u0300-\u036f\u0591-\u05bd\u05bf\u05c1\u05c2\u05c7\u064b-\u0652\u0670]")
# й is a letter of its own, and stemming needs it.
_SHORT_I = {"и\u0306": "й", "И\u0306": "Й"}
_DIGIT = re.compile(r"\d")
_INVISIBLE = re.compile("[\u00ad\u200c\u200d\u2060\ufeff]")
_SPACED_BY_NOBODY = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"  # Thai, Lao, Burmese, Khmer
_CJK = "\u3005\u3007\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"

_UNSPACED = re.compile(f"[{_SPACED_BY_NOBODY}{_CJK}]")


@dataclass(frozen=True)
class PreparedText:
    """The words of a document, separated by blanks, ready for `to_tsvector`."""

    exact: str
    folded: str | None  # without accents; None: there are none, and it would be the same


@dataclass(frozen=True)
class PreparedQuestion:
    """The words of a question, separated by blanks, ready for `to_tsvector`."""

    text: str
    folded: bool  # typed without accents: to be compared with `PreparedText.folded`


def prepare_text(text: str, language: str = "") -> PreparedText:
    """Return the words of a document's text, in a language by its ISO 639-1 code.

    Chinese, Japanese and Korean become single characters and pairs of them; Thai, Lao, Burmese and Khmer pairs.
    """
    plain = _normalise(text, language)
    folded = fold(plain)
    return PreparedText(_joined(plain), None if folded == plain else _joined(folded))


def prepare_question(text: str, language: str = "", *, folded: bool | None = None) -> PreparedQuestion:
    """Return the words of a question as `prepare_text` gives them, but for the single characters within words.

    `folded`: whether to remove accents; None: if the question has none. A `đ` doesn't count as an accent here: people
    who leave out accents often still type that letter.
    """
    plain = _normalise(text, language)
    if folded is None:
        typed = plain.replace("đ", "d")
        folded = fold(typed) == typed
    return PreparedQuestion(_joined(fold(plain) if folded else plain, is_question=True), folded)


def is_unspaced(text: str) -> bool:
    """Return whether most letters of a text are of a script that is written without blanks: Chinese, Japanese, Thai."""
    letters = sum(map(str.isalnum, text))
    unspaced = _UNSPACED.findall(text)
    return bool(unspaced) and 2 * len(unspaced) > letters


def words_to_learn(texts: Iterable[PreparedText]) -> list[str]:
    """Return the distinct words of texts that a misspelled word may be corrected to, in order.

    These have 3 to 40 letters. Words with digits are left out, because they name things (E1233 is not E1299
    misspelled), and so are scripts without blanks, which are cut into pairs.
    """
    words = set().union(*(text.exact.split() for text in texts))
    unspaced = _patterns(ascii_only=False).unspaced
    return sorted(
        word
        for word in words
        if LEARNT_MIN_CHARS <= len(word) <= LEARNT_MAX_CHARS
        and not _DIGIT.search(word)
        and (word.isascii() or not unspaced.search(word))
    )


def fold(text: str) -> str:
    """Return text without accents: `Nhà thầu` -> `Nha thau`, `đường` -> `duong`."""
    if text.isascii():
        return text
    decomposed = unicodedata.normalize("NFD", text)
    for parts, letter in _SHORT_I.items():
        decomposed = decomposed.replace(parts, letter)
    return unicodedata.normalize("NFC", _LEFT_OUT.sub("", decomposed)).translate(_LETTERS)


def _normalise(text: str, language: str) -> str:
    if text.isascii():
        return text.lower()
    if language.startswith("tr"):
        text = text.replace("I", "ı")
    text = _INVISIBLE.sub("", unicodedata.normalize("NFKC", text))
    # Python lowers İ to an i with a loose dot.
    return unicodedata.normalize("NFC", text.lower().replace("i\u0307", "i"))


def _joined(text: str, *, is_question: bool = False) -> str:
    joined = " ".join(_words(text, is_question=is_question))
    if len(joined) * 4 <= PREPARED_MAX_BYTES:
        return joined
    return joined.encode("utf-8", "replace")[:PREPARED_MAX_BYTES].decode("utf-8", "ignore")


def _words(text: str, *, is_question: bool) -> list[str]:
    patterns = _patterns(ascii_only=text.isascii())
    has_unspaced = patterns.unspaced.search(text) is not None
    words: list[str] = []
    for found in patterns.compound.findall(text):
        if not has_unspaced and found.isalnum():  # nearly always
            words.append(found[:WORD_MAX_CHARS])
            continue
        parts = [found] if found.isalnum() else patterns.word.findall(found)
        for part in parts:
            if has_unspaced and patterns.unspaced.search(part):
                words += _pairs(part, patterns, is_question=is_question)
            else:
                words.append(part[:WORD_MAX_CHARS])
        if len(parts) > 1 and patterns.one_name.fullmatch(found):
            words.append("".join(parts)[:WORD_MAX_CHARS])
    return words


def _pairs(run: str, patterns: _Patterns, *, is_question: bool) -> Iterator[str]:
    """Yield the words of a run of letters that has scripts without blanks in it."""
    for piece in patterns.pieces.findall(run):
        if not patterns.unspaced.match(piece):
            yield piece[:WORD_MAX_CHARS]
            continue
        signs = patterns.sign.findall(piece)
        if len(signs) == 1 or (not is_question and patterns.cjk.match(piece)):
            yield from signs
        for first, second in pairwise(signs):
            yield first + second


@dataclass(frozen=True)
class _Patterns:
    word: re.Pattern[str]  # letters, digits and their marks
    compound: re.Pattern[str]  # words held together by - . / : _ or by a comma between digits
    one_name: re.Pattern[str]  # a compound that is also written in one word: E-1042 and E1042, timesharing
    unspaced: re.Pattern[str]  # a letter of a script without blanks
    cjk: re.Pattern[str]
    pieces: re.Pattern[str]  # stretches of one kind: unspaced or not
    sign: re.Pattern[str]  # one letter with its marks


@lru_cache(maxsize=2)
def _patterns(*, ascii_only: bool) -> _Patterns:
    marks = _marks()
    word = "[a-z0-9]+" if ascii_only else rf"[^\W_]+(?:[{marks}]+[^\W_]*)*"
    unspaced = rf"[{_SPACED_BY_NOBODY}{_CJK}]"
    return _Patterns(
        word=re.compile(word),
        compound=re.compile(rf"{word}(?:(?:[-\u2010\u2011._/:]|(?<=\d),(?=\d)){word})*"),
        one_name=re.compile(r"[^./:_]+|.*\d.*"),
        unspaced=re.compile(unspaced),
        cjk=re.compile(f"[{_CJK}]"),
        pieces=re.compile(rf"[{_CJK}]+|[{_SPACED_BY_NOBODY}]+|[^{_CJK}{_SPACED_BY_NOBODY}]+"),
        sign=re.compile(rf"[^{marks}][{marks}]*|[{marks}]+"),
    )


@lru_cache(maxsize=1)
def _marks() -> str:
    """Return a character class of all combining marks: `\\w` leaves them out, and Hindi words fall apart."""
    found: list[list[int]] = []
    for point in range(0x300, min(sys.maxunicode, 0x1FFFF)):
        if unicodedata.category(chr(point))[0] == "M":
            if found and found[-1][1] == point - 1:
                found[-1][1] = point
            else:
                found.append([point, point])
    return "".join(f"{chr(first)}-{chr(last)}" for first, last in found)
