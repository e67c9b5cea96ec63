"""Scores how plausible a decoded text is, by the letters of languages and by where letters and signs stand.

Costs are about -log of the probability of a character, so the costs of a text add up, and the texts that different
encodings give for the same bytes can be compared. Pure: no Django.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter
from functools import cache

from documents.extraction.encodings.frequent_letters import CHARACTERS, LETTERS
from documents.extraction.encodings.sign_costs import NOTHING, sign_cost

_HIGH = re.compile(r"[^\x00-\x7f]")
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")
_WORD = re.compile(r"[a-zA-Z]+")
_ASCII_LETTER = re.compile(r"[a-zA-Z]")
_CASE_COST = 5.0  # an upper-case letter after a lower-case one
_MIXED_COST = 2.5  # a letter of another script beside it
_DIGIT_COST = 3.0  # a letter beside a digit: "Ł4" is "£4"
_DIGITS_COST = 8.0  # a letter between two: "1995É96" is "1995–96"
_ALONE_COST = 5.0  # a Latin letter that is no word and stands alone
_LIGATURE_COST = 7.0
_LONELY_KANA_COST = 5.0
_RUN_COST = 4.6  # the first letter of a word in another script than ASCII's
_UPPER_COST = 1.0
_OTHER_LETTER_COST = 6.5
_FARTHER_LETTER_COST = 8.5
ASCII_COST = 2.5  # of a character below 128, which some encodings swallow
_WORDS = "àéèóòöåùæøоаивскуяіїє"  # letters that are words
_LATIN_END = 0x250
# How many letters of a text are above ASCII, for languages of which most letters are not.
_SHARES = {
    "en": 0.0006,
    "nl": 0.003,
    "it": 0.008,
    "de": 0.017,
    "es": 0.023,
    "da": 0.03,
    "nb": 0.025,
    "ca": 0.025,
    "hr": 0.03,
    "fr": 0.035,
    "pt": 0.035,
    "fi": 0.04,
    "sv": 0.045,
    "et": 0.035,
    "ro": 0.06,
    "pl": 0.07,
    "tr": 0.08,
    "lt": 0.07,
    "lv": 0.09,
    "hu": 0.1,
    "is": 0.1,
    "cs": 0.12,
    "vi": 0.25,
}
# Frequent words without accents: they tell the language that the ASCII part of a text is in.
_FREQUENT_WORDS = {
    word: language
    for language, words in {
        "en": "the and of to is was for that with this not are by from be have it on as or you",
        "fr": "les des est une dans pour que qui sur pas avec par au aux sont ce du et",
        "de": "und der die das nicht ein eine ist mit von den dem auf im zu werden wird oder sich",
        "es": "el los las por con una del que para como su al y",
        "pt": "os da do em um uma para com dos das no na ao ou se",
        "it": "il di che per un della con sono gli dei alla non nel",
        "nl": "de het een van en voor zijn niet aan met op worden deze",
        "sv": "och att det som en av den till med har inte",
        "da": "og at det som er af til den ikke har kan med",
        "fi": "ja on ei se tai joka",
        "pl": "nie jest na do z w i oraz przez lub",
        "cs": "je na se v a s z pro nebo",
        "hu": "az egy nem van hogy vagy",
        "tr": "bir ve bu ile olan",
        "ro": "nu pe cu sau este din care",
        "vi": "cho trong theo khi ban nhau",
    }.items()
    for word in words.split()
}
_WORD_COST = 1.5  # for each frequent word that another language has more
_WORD_COST_MAX = 8.0
_RELATED = {"nb": "da", "hr": "cs", "ca": "es"}
_RARE_LANGUAGES = {"ca": 1.0, "et": 1.0, "is": 2.0, "be": 1.0, "mk": 1.0, "lv": 0.5, "lt": 0.5, "nb": 0.5}
_RANKS = {
    language: {character: rank for rank, character in reversed(list(enumerate(letters)))}
    for language, letters in LETTERS.items()
}
_HAN_RANKS = {
    language: {character: rank for rank, character in reversed(list(enumerate(characters)))}
    for language, characters in CHARACTERS.items()
}
_HAN_LEVELS = {"zh": ("gb2312", 0xD8), "hant": ("big5", 0xC9), "ja": ("euc_jp", 0xD0), "ko": ("euc_kr", 0xC9)}


def text_cost(text: str) -> float:
    """Return the cost of a text in the language that explains it best."""
    text = unicodedata.normalize("NFC", text)
    shared = 0.0
    letters: Counter[str] = Counter()
    wide: Counter[str] = Counter()
    count = 0
    for found in _HIGH.finditer(text):
        character = found[0]
        index = found.start()
        count += 1
        before = text[index - 1] if index else ""
        after = text[index + 1 : index + 2]
        if character >= "\u1100" and _is_wide(character):
            wide[character] += 1
            shared += _wide_place_cost(character, before, after)
        elif "\ufb00" <= character <= "\ufb06":  # a ligature: letters of some typesetting program
            shared += _LIGATURE_COST
        elif character.isalpha() or unicodedata.category(character) == "Mn":
            letters[character] += 1
            shared += _letter_place_cost(character, before, after)
        elif character == "\ufffd" or not (character.isprintable() or character == "\u00a0"):
            shared += NOTHING
        else:
            shared += sign_cost(character, before, after, text, index)
    shared += ASCII_COST * (len(text) - count) + NOTHING * len(_CONTROL.findall(text))
    of_wide = min(_han_cost(wide, language) for language in _HAN_RANKS) if wide else 0.0
    if not letters:
        return shared + of_wide
    plain = len(_ASCII_LETTER.findall(text))
    words = _word_costs(text)
    return shared + of_wide + min(_language_cost(letters, language, plain, words) for language in _RANKS)


def _word_costs(text: str) -> dict[str, float]:
    """Return for each language how much less often its frequent words occur than those of the one that leads."""
    hits = Counter(_FREQUENT_WORDS.get(word.lower(), "") for word in _WORD.findall(text))
    hits.pop("", None)
    most = max(hits.values(), default=0)
    return {
        language: min(_WORD_COST * (most - hits[_RELATED.get(language, language)]), _WORD_COST_MAX)
        for language in _SHARES
    }


def _is_wide(character: str) -> bool:
    """Return whether it is a character of East Asia: Han, kana, hangul."""
    code = ord(character)
    return (
        0x3040 <= code < 0x3100 or 0x3400 <= code < 0xA000 or 0xAC00 <= code < 0xD7B0 or 0xF900 <= code < 0xFB00
    ) or 0xFF66 <= code < 0xFFA0


def _wide_place_cost(character: str, before: str, after: str) -> float:
    """Return what the neighbours of a character of East Asia say against it: Latin letters, or none of its kind."""
    cost = 3.0 * ((before < "\u0250" and before.isalpha()) + (after < "\u0250" and after.isalpha()))
    if before < "\u1100" and after < "\u1100":
        cost += _LONELY_KANA_COST if "\u3040" <= character < "\u3100" or "\uff66" <= character < "\uffa0" else 1.5
    return cost


def _letter_place_cost(character: str, before: str, after: str) -> float:
    """Return what the neighbours of a letter say against it."""
    cost = 0.0
    is_latin = _is_latin(character)
    if character.isupper():
        if before.islower():
            cost += _CASE_COST
        elif after.islower() and before.isupper():
            cost += _CASE_COST / 2
    elif before.isupper() and after.isupper():
        cost += _CASE_COST
    if before.isdigit() or after.isdigit():
        cost += _DIGITS_COST if before.isdigit() and after.isdigit() else _DIGIT_COST
    has_letter = False
    for other in (before, after):
        if other.isalpha():
            has_letter = True
            if _is_latin(other) != is_latin:
                cost += _MIXED_COST
    if is_latin and not has_letter and character.lower() not in _WORDS:
        cost += _ALONE_COST
    if not is_latin and not (before > "\x7f" and (before.isalpha() or unicodedata.category(before) == "Mn")):
        cost += _RUN_COST
    return cost


def _is_latin(character: str) -> bool:
    return character < "\u0250" or "\u1e00" <= character < "\u1f00"


def _language_cost(letters: Counter[str], language: str, plain: int, words: dict[str, float]) -> float:
    """Return the cost of the letters of a text that has `plain` letters of ASCII besides."""
    cost = _RARE_LANGUAGES.get(language, 0.0) + words.get(language, 0.0)
    if share := _SHARES.get(language):
        cost += -math.log(share) * letters.total() - math.log(1 - share) * plain
    return cost + sum(count * _letter_cost(character, language) for character, count in letters.items())


@cache
def _letter_cost(character: str, language: str) -> float:
    """Return the cost of a letter above ASCII in a language, by its rank there as in Zipf's law."""
    ranks = _RANKS[language]
    lower = character.lower()
    rank = ranks.get(character, ranks.get(lower, -1))
    if rank >= 0:
        cost = math.log(rank + 2) + math.log(math.log(len(ranks) + 2))
        return cost + (_UPPER_COST if character != lower else 0.0)
    if unicodedata.category(character) == "Mn" or not character.isalpha():
        return _FARTHER_LETTER_COST + 3.0
    is_near = ord(character) < 0x100 and language in _SHARES
    return _OTHER_LETTER_COST if is_near else _FARTHER_LETTER_COST


def _han_cost(wide: Counter[str], language: str) -> float:
    return sum(count * _han_letter_cost(character, language) for character, count in wide.items())


@cache
def _han_letter_cost(character: str, language: str) -> float:
    """Return the cost of a character of East Asia: by its rank, else by how common its national standard takes it."""
    rank = _HAN_RANKS[language].get(character, -1)
    if rank >= 0:
        return math.log(rank + 2) + 2.0
    code = ord(character)
    if 0xFF66 <= code < 0xFFA0:  # half-width kana
        return 7.5 if language == "ja" else 14.0
    if 0x3040 <= code < 0x3100:
        return 7.5 if language == "ja" else 13.0
    standard, second_level = _HAN_LEVELS[language]
    try:
        lead = character.encode(standard)[0]
    except UnicodeEncodeError:
        return 14.0
    if language == "ko" and not 0xAC00 <= code < 0xD7B0:
        return 13.0
    return 9.0 if lead < second_level else 12.0
