"""Decides whether two questions ask the same, by their words. Pure: no Django.

Two questions count as the same only if they come down to the same words in the same order, once what never changes the
meaning is taken away. Near in meaning is not enough: "before 2020" and "after 2020" are neighbours in every embedding.
Whatever isn't understood here is a difference; that costs a hit, and a false one would cost the reader's trust.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from querying.paraphrase.canonical_words import is_english, words_of_question
from querying.paraphrase.english_rewriting import Word, told, with_late_not
from querying.paraphrase.english_tables import ENDS

MAX_CHARS, MAX_WORDS = 600, 60  # a longer question is a text of its own
LEFT_OUT = frozenset({"do", "of"})  # in some of the ways to say the same
MAX_OF = 2  # "x of y" that may be turned into "y x" in one question
MAX_OF_WORDS = 3  # of the y


def same_question(one: str, other: str, language: str = "en") -> bool:
    """Return whether two questions ask the same, so that the answer to one is the answer to the other.

    In other languages than English only case, punctuation, white space, courtesy and units may differ. A corpus of
    English documents may be asked in another language: then that holds, too.
    """
    if max(len(one), len(other)) > MAX_CHARS:
        return False
    language = language.partition("-")[0].lower()
    if language == "en" and not (is_english(one) and is_english(other)):
        language = ""
    uses_case = one != one.lower() and other != other.lower()
    asked = [words_of_question(text, language, uses_case=uses_case) for text in (one, other)]
    (first, _), (second, _) = asked
    if not first or not second or max(len(first), len(second)) > MAX_WORDS:
        return False
    # Two questions that are both asked have their words in one order. "Which supplier employees pay?" is not told.
    may_be_told = any(each.is_introduced for each in asked)
    known: dict[tuple[str, ...], list[Sequence[Word]]] = {}
    for words in _ways_to_say(first, language, may_be_told=may_be_told):
        known.setdefault(_forms(words), []).append(words)
    return any(
        _agree(mine, words)
        for words in _ways_to_say(second, language, may_be_told=may_be_told)
        for mine in known.get(_forms(words), ())
    )


def words_key(question: str, language: str) -> str:
    """Return a key that questions have in common which may be the same: their words in no order. Empty: none is.

    Whoever looks for the same question among thousands compares only those with this key.
    """
    language = language.partition("-")[0].lower()
    if language == "en" and not is_english(question):
        language = ""
    words = words_of_question(question, language, uses_case=False).words if len(question) <= MAX_CHARS else []
    if not 0 < len(words) <= MAX_WORDS:
        return ""
    return " ".join(sorted(word.form for word in words if word.form not in LEFT_OUT))


def _forms(words: Sequence[Word]) -> tuple[str, ...]:
    return tuple(word.form for word in words)


def _agree(one: Sequence[Word], other: Sequence[Word]) -> bool:
    """Return whether words of the same forms agree: an article may be missing, but not be another one."""
    return all(
        (mine.case == yours.case or not mine.case or not yours.case)
        and (mine.article == yours.article or not mine.article or not yours.article)
        for mine, yours in zip(one, other, strict=True)
    )


def _ways_to_say(words: Sequence[Word], language: str, *, may_be_told: bool) -> Iterator[Sequence[Word]]:
    """Yield the words in every order that is the same question: asked, told ("tell me"), and with an "of" turned."""
    has_rules = language == "en"
    for way in (words, *(with_late_not(words) if has_rules else ())):
        # Turned before it is told: "days of paid leave do employees get" says where the leave ends.
        for order in _orders(way) if has_rules else (way,):
            yield order
            for other in told(order, language) if may_be_told else ():
                yield from _orders(other) if has_rules else (other,)


def _orders(words: Sequence[Word]) -> Iterator[Sequence[Word]]:
    """Yield the words, and each way in which an "x of y" in them can be said as "y x"."""
    yield words
    places = [place for place in range(1, len(words) - 1) if words[place].form == "of"]
    if len(places) > MAX_OF:
        return
    for place in places:
        for length in range(1, min(MAX_OF_WORDS, len(words) - place - 1) + 1):
            if _ends(words, place + 1 + length):
                yield from _orders(_turned(words, place, length))


def _ends(words: Sequence[Word], place: int) -> bool:
    """Return whether what is before this place has ended.

    "The manager of the project team" would be a project manager, and "page 3 of annex 2" the page 2.
    """
    return place == len(words) or words[place].form in ENDS


def _turned(words: Sequence[Word], place: int, length: int) -> list[Word]:
    """Return "y x" for the "x of y" around this place, with so many words of y.

    One word of x, never more: "Anna manager of Ben" would be "Ben Anna manager", and so would "Ben manager of Anna".
    """
    owned, owner = words[place - 1], words[place + 1 : place + 1 + length]
    # The article of "the days of leave" is that of the whole: "leave days" has it, or none.
    first = owner[0]._replace(article=owner[0].article or owned.article)
    rest = words[place + 1 + length :]
    return [*words[: place - 1], first, *owner[1:], owned._replace(article=""), *rest]
