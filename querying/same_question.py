"""Whether two questions ask the same. Pure: no Django.

Two questions count as the same only if they come down to the same words in the same order, once what never changes the
meaning is taken away. Near in meaning is not enough: "before 2020" and "after 2020" are neighbours in every embedding.
Whatever isn't understood here is a difference; that costs a hit, and a false one would cost the reader's trust.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from querying.question_words import Word, words_of_question

MAX_WORDS = 60  # a longer question is a text of its own
MAX_OF = 2  # "x of y" that may be turned into "y x" in one question
MAX_OF_WORDS = 3  # of the y


def same_question(one: str, other: str, language: str = "en") -> bool:
    """Return whether two questions ask the same, so that the answer to one is the answer to the other.

    In other languages than English only case, punctuation and white space may differ.
    """
    uses_case = one != one.lower() and other != other.lower()
    first, second = (words_of_question(text, language, uses_case=uses_case) for text in (one, other))
    if not first or not second or max(len(first), len(second)) > MAX_WORDS:
        return False
    known: dict[tuple[str, ...], list[Sequence[Word]]] = {}
    for words in _ways_to_say(first, language):
        known.setdefault(_forms(words), []).append(words)
    return any(_agree(mine, words) for words in _ways_to_say(second, language) for mine in known.get(_forms(words), ()))


def _forms(words: Sequence[Word]) -> tuple[str, ...]:
    return tuple(word.form for word in words)


def _agree(one: Sequence[Word], other: Sequence[Word]) -> bool:
    """Return whether words of the same forms agree: an article may be missing, but not be another one."""
    return all(
        (mine.case == yours.case or not mine.case or not yours.case)
        and (mine.article == yours.article or not mine.article or not yours.article)
        for mine, yours in zip(one, other, strict=True)
    )


def _ways_to_say(words: Sequence[Word], language: str) -> Iterator[Sequence[Word]]:
    """Yield the words in every order that is the same question: asked, told ("tell me"), and with an "of" turned."""
    if language != "en":
        yield words
        return
    yield from _orders(words)
    forms = _forms(words)
    for helper in ("do", "be"):
        if helper in forms[:-1]:
            place = forms.index(helper)
            told = [*words[:place], *words[place + 1 :]]  # (tell me) what visitors pay
            yield from _orders(told if helper == "do" else [*told, words[place]])  # ... what the price is


def _orders(words: Sequence[Word]) -> Iterator[Sequence[Word]]:
    """Yield the words, and each way in which an "x of y" in them can be said as "y x"."""
    yield words
    places = [place for place, word in enumerate(words) if word.form == "of" and place > 0]
    if len(places) > MAX_OF:
        return
    for place in places:
        for length in range(1, min(MAX_OF_WORDS, len(words) - place - 1) + 1):
            yield from _orders(_turned(words, place, length))


def _turned(words: Sequence[Word], place: int, length: int) -> list[Word]:
    """Return "y x" for the "x of y" around this place, with so many words of y.

    One word of x, never more: "Anna manager of Ben" would be "Ben Anna manager", and so would "Ben manager of Anna".
    """
    owned, owner = words[place - 1], words[place + 1 : place + 1 + length]
    # The article of "the days of leave" is that of the whole: "leave days" has it, or none.
    first = owner[0]._replace(article=owner[0].article or owned.article)
    rest = words[place + 1 + length :]
    return [*words[: place - 1], first, *owner[1:], owned._replace(article=""), *rest]
