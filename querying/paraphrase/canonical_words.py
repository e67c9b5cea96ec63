"""Reduces a question to the words that carry its meaning, each in one canonical form. Pure: no Django.

English ones are understood as far as querying/paraphrase/english_tables.py goes. In other languages only greetings,
signs, units after numbers and two ways of spelling count as one; everything else is compared letter by letter.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from querying.paraphrase.english_rewriting import Token, Word, reworded
from querying.paraphrase.english_tables import (
    BEFORE_IS,
    CLOSINGS,
    CONTRACTED,
    CURRENCIES,
    ENDINGS,
    ENGLISH,
    FORMS,
    IZE,
    NO_PLURAL,
    NOT_ENGLISH,
    NUMBERS,
    OPENINGS,
    POWERS,
    SYMBOLS,
    TELLING_CAPITALS,
    UNITS,
    UNITS_OF_TWO,
)

_TOKEN = re.compile(r"\d+(?:[.,:/\-–]\d+)*|[^\W\d_]+(?:['’][^\W\d_]+)*['’]?|\S")
_WORD = re.compile(r"[^\W\d_]+")
_DROPPED = frozenset(".,;:!?¿¡\"“”„'’‘()[]…")
_SENTENCE_END = frozenset(".!?:")
_HYPHENS = frozenset("-‐‑")
_THOUSANDS = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?")
# In Hanoi, when ...? If it is late, what ...?
_FRONTED = re.compile(r"((?:In|For|During|Under|At|If|in|for|during|under|at|if)\b[^,.?!]{1,80}), ([^,.!?]+)\?*")
_PER = re.compile(r"\b(times|once|twice) (?:a|an|each|every) (?=(?:hour|day|week|month|year)\b)", re.IGNORECASE)
_IN_YEAR = re.compile(r"\b(in|of|for|since|during) the year (?=\d{4}\b)", re.IGNORECASE)
# hòa and hoà are one word, written by two schools.
_LATE_TONE = re.compile("(?<!q)(o(?=[ae])|u(?=y))([aey])([\u0300\u0301\u0309\u0303\u0323])(?![^\\W\\d_])")
_SHARP_S = re.compile(r"\b(stra|gro|grö|gemä|au|schlie|hei|drau|mä)ss(?=e|t|lich|ig|\b)", re.IGNORECASE)


class Words(NamedTuple):
    """A question's words, and whether something came before them: after "tell me" they may be in another order."""

    words: list[Word]
    is_introduced: bool


def is_english(question: str) -> bool:
    """Return whether the rules for English may be used: they take the "an" of "wer zahlt an ..." for an article."""
    words = _WORD.findall(question.lower())
    foreign = sum(not word.isascii() for word in words)
    return not ENGLISH.isdisjoint(words) and NOT_ENGLISH.isdisjoint(words) and foreign * 3 <= len(words)


def words_of_question(question: str, language: str, *, uses_case: bool) -> Words:
    """Return the words that carry a question's meaning, in their order; only English ones are understood.

    Without `uses_case` capitals count for those words alone that are something else with one.
    """
    text = unicodedata.normalize("NFKC", question.translate(POWERS))
    if language == "en":
        tokens = [*_with_units(_tokens(_in_english_order(text), thousands=True))]
        asked = [pair for token in tokens for pair in _expanded(*token)]
    else:
        asked = [*_with_units(_tokens(_spelled(text, language), thousands=False))]
    bare = _without_courtesy(asked, language)
    words = reworded(bare) if language == "en" else [Word(form, case=case) for form, case in bare]
    if not uses_case:
        words = [word if TELLING_CAPITALS.fullmatch(word.form) else word._replace(case="") for word in words]
    return Words(words, is_introduced=bool(bare) and bare[0] is not asked[0])


def _in_english_order(text: str) -> str:
    """Return the text with a condition at its end that stood before the question: in Hanoi, when ...?"""
    text = _IN_YEAR.sub(r"\1 ", _PER.sub(r"\1 per ", " ".join(text.split())))
    if found := _FRONTED.fullmatch(text):
        return f"{found[2]} {found[1][0].lower()}{found[1][1:]}"
    return text


def _spelled(text: str, language: str) -> str:
    """Return the text in one of the spellings that a language has for the same word."""
    if language == "vi":
        parts = unicodedata.normalize("NFD", text)
        return unicodedata.normalize("NFC", _LATE_TONE.sub(r"\1\3\2", parts))
    if language == "de":
        return _SHARP_S.sub(r"\1ß", text)
    return text


def _tokens(text: str, *, thousands: bool) -> Iterator[Token]:
    """Yield each word, number and sign; how a sentence's first word is written tells nothing."""
    begins, before = True, -1
    for match in _TOKEN.finditer(text):
        token = match[0]
        glued, before = match.start() == before, match.end()
        if token in _DROPPED:
            begins = begins or token in _SENTENCE_END
            continue
        if token in _HYPHENS and glued and text[before : before + 1].isalpha():
            continue  # part-time, part time
        if thousands and _THOUSANDS.fullmatch(token):
            token = token.replace(",", "")
        token = SYMBOLS.get(token, token).replace("’", "'")
        case = _case_of(token)
        yield token.lower(), "" if begins and case != "AA" else case
        begins = False


def _case_of(token: str) -> str:
    if token == token.lower():
        return "aa"
    return "Aa" if len(token) == 1 or token[1:] == token[1:].lower() else "AA"


def _with_units(tokens: Iterable[Token]) -> Iterator[Token]:
    """Yield the tokens with one sign for each unit, after its number: EUR 500, 500 euros; and email for e-mail."""
    rest = list(tokens)
    place = 0
    while place < len(rest):
        form, following = rest[place][0], [token[0] for token in rest[place + 1 : place + 3]]
        place += 1
        if form in CURRENCIES and following and following[0][0].isdigit():
            yield rest[place]
            yield CURRENCIES[form], ""
            place += 1
        elif form == "e" and following[:1] == ["mail"]:
            yield "email", ""
            place += 1
        else:
            yield rest[place - 1]
            is_number = form[0].isdigit() or form in NUMBERS
            if is_number and tuple(following) in UNITS_OF_TWO:
                yield UNITS_OF_TWO[following[0], following[1]], ""
                place += 2
            elif is_number and following and following[0] in UNITS:
                unit = UNITS[following[0]]
                yield unit, "aa" if unit in {"m", "t", "h"} else ""  # 5 M are not 5 m
                place += 1


def _expanded(form: str, case: str) -> Iterator[Token]:
    """Yield a word's canonical form, and what a contraction stands for."""
    stem, mark, ending = form.partition("'")
    if mark and form.endswith("n't"):
        stem = CONTRACTED.get(form[:-3], form[:-3])
        yield FORMS.get(stem, stem), ""
        yield "not", ""
    elif mark and ending in ENDINGS:
        yield stem, case
        yield ENDINGS[ending], ""
    elif mark and ending == "s" and stem in BEFORE_IS:
        yield stem, case
        yield "be", ""
    elif mark and ending in {"s", ""}:
        yield _one_form(stem), case
    elif form in FORMS:
        yield from ((_one_form(part), "") for part in FORMS[form].split())
    else:
        yield _one_form(form), case


def _one_form(word: str) -> str:
    """Return a word in the singular and in American spelling."""
    return IZE.sub(r"iz\1", _singular(FORMS.get(word, word)))


def _singular(word: str) -> str:
    """Return the word without a plural's or a verb's s: parking fees, she pays."""
    if not word.endswith("s") or NO_PLURAL.search(word):
        return word
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    return word[:-2] if re.search(r"(?:ch|sh|x|ss)es$", word) else word[:-1]


def _without_courtesy(tokens: list[Token], language: str) -> list[Token]:
    """Return the words without greetings, thanks and "can you tell me"."""
    if language not in OPENINGS:
        return tokens
    text = " ".join(form for form, _ in tokens)
    while found := OPENINGS[language].match(text):
        tokens, text = tokens[found[0].count(" ") :], text[found.end() :]
    while found := CLOSINGS[language].search(text):
        tokens, text = tokens[: -found[0].count(" ")], text[: found.start()]
    return tokens
