"""Rewrites the words of an English question into one canonical form for all its paraphrases. Pure: no Django."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from querying.paraphrase.english_tables import (
    ASKED_HOW,
    CLAUSES,
    HOW_LONG,
    MODALS,
    MONTHS,
    NAMED_BY_LETTER,
    NEGATIONS,
    NOT_MUST,
    PHRASES,
    SCOPES,
    SIZES,
    VERBS,
    WITHOUT_MEANING,
)

Token = tuple[str, str]  # a word in lower case, and its case


class Word(NamedTuple):
    """A word in its canonical form, the article before it, and its case: Aa, AA, aa, or empty if that tells nothing."""

    form: str
    article: str = ""
    case: str = ""


_ARTICLES = {"the": "the", "a": "a", "an": "a"}
_ALLOWED_WITHIN = 5  # words: are visitors of the site allowed to
_NOT_WITHIN = 3  # words: why is overtime on Sundays not paid


def reworded(tokens: Sequence[Token]) -> list[Word]:
    """Return the words that mean something, with articles taken off and fixed phrases in one form."""
    return _with_modals([*_with_phrases([*_with_articles(_with_days_first(tokens))])])


def told(words: Sequence[Word], language: str) -> Iterator[Sequence[Word]]:
    """Yield the words as they are told, not asked: (tell me) what visitors pay, what the price is, what I must do."""
    forms = [word.form for word in words]
    if language != "en":
        places = [place for place, form in enumerate(forms) if form in VERBS.get(language, ())]
        if len(places) == 1:  # wer für den Brandschutz zuständig ist
            yield [*words[: places[0]], *words[places[0] + 1 :], words[places[0]]]
        return
    for helper in ("do", "be"):
        if helper in forms[:-1]:
            place = forms.index(helper)
            rest = [*words[:place], *words[place + 1 :]]
            yield rest if helper == "do" else [*rest, words[place]]
    places = [place for place, form in enumerate(forms) if form in MODALS]
    if len(places) == 1 and sum(form in CLAUSES for form in forms) <= 1:
        yield [*words[: places[0]], *words[places[0] + 1 :], words[places[0]]]


def with_late_not(words: Sequence[Word]) -> Iterator[Sequence[Word]]:
    """Yield the words with "not" behind the subject: why isn't overtime paid, why is overtime not paid."""
    forms = [word.form for word in words]
    if forms.count("not") != 1:
        return
    place = forms.index("not")
    if place == 0 or forms[place - 1] not in MODALS | {"do", "be", "have"}:
        return
    if place > 1 and forms[place - 2] not in ASKED_HOW:  # who isn't ...: there is no subject to go behind
        return
    for end in range(place + 2, min(place + 2 + _NOT_WITHIN, len(words))):
        passed = forms[place + 1 : end]
        if not SCOPES.isdisjoint(passed) or not CLAUSES.isdisjoint(passed) or any(map(str.isdigit, passed)):
            return
        if forms[end] != "to":  # promise not to pay, not promise to pay
            yield [*words[:place], *words[place + 1 : end], words[place], *words[end:]]


def _with_days_first(tokens: Sequence[Token]) -> list[Token]:
    """Return the tokens with dates as "1 may", also those that were "May 1"."""
    turned = list(tokens)
    for place in range(1, len(turned) - 1):  # not the first word: May 8 people ...?
        month, day = turned[place], turned[place + 1][0]
        before = turned[place - 1][0]
        if month[0] in MONTHS and month[1] == "Aa" and re.fullmatch(r"\d\d?", day) and not before[0].isdigit():
            turned[place], turned[place + 1] = turned[place + 1], month
    return turned


def _with_articles(tokens: Iterable[Token]) -> Iterator[Word]:
    """Yield the words that mean something, each with the article before it."""
    article, before = "", ""
    for form, case in tokens:
        is_name = form == "a" and (case == "Aa" or before in NAMED_BY_LETTER)
        if form in _ARTICLES and not is_name:
            article = _ARTICLES[form]
        elif form not in WITHOUT_MEANING:
            # Few are not a few.
            yield Word(f"a-{form}" if article == "a" and form in {"few", "little"} else form, article, case)
            article = ""
        before = form


def _with_phrases(words: Sequence[Word]) -> Iterator[Word]:
    """Yield the words with fixed phrases in one form."""
    place = 0
    while place < len(words):
        for before, after in PHRASES:
            if [word.form for word in words[place : place + len(before)]] == before:
                yield Word(after[0], words[place].article)
                yield from (Word(form) for form in after[1:])
                place += len(before)
                break
        else:
            word = words[place]
            place += 1
            if word.form in SIZES and place < len(words) and words[place].form[0].isdigit():
                yield from (Word(SIZES[word.form]), Word("than"))
            else:
                yield word


def _with_modals(words: list[Word]) -> list[Word]:
    """Return the words with "have to" as "must" and "be allowed to" as "may".

    Not with a negation: who doesn't have to pay may pay, and who must not pay may not.
    """
    forms = [word.form for word in words]
    if not NEGATIONS.isdisjoint(forms) or (forms[:1] == ["how"] and not HOW_LONG.isdisjoint(forms[1:2])):
        return words
    for place, form in enumerate(forms[:-2]):
        if (form, forms[place + 1]) == ("have", "to") and forms[place + 2] not in NOT_MUST:
            return _modal(words, "must", "do", place, within=len(words)) or [
                *words[:place],
                Word("must"),
                *words[place + 2 :],
            ]
        if (form, forms[place + 1]) == ("allowed", "to"):
            return _modal(words, "may", "be", place, within=_ALLOWED_WITHIN) or words
    return words


def _modal(words: list[Word], modal: str, helper: str, place: int, *, within: int) -> list[Word] | None:
    """Return the words with `modal` for "helper ... have to"; None where the helper belongs to another clause."""
    forms = [word.form for word in words[:place]]
    if helper not in forms:
        return None
    first = place - 1 - forms[::-1].index(helper)
    between = forms[first + 1 :]
    if len(between) > within or not CLAUSES.isdisjoint(between):
        return words
    return [*words[:first], Word(modal), *words[first + 1 : place], *words[place + 2 :]]
