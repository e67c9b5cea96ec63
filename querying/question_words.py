"""A question as the words that carry its meaning, each in one canonical form. Pure: no Django."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

Token = tuple[str, str]  # a word in lower case, and its case


class Word(NamedTuple):
    """A word in its canonical form, the article before it, and its case: Aa, AA, aa, or empty if that tells nothing."""

    form: str
    article: str = ""
    case: str = ""


_TOKEN = re.compile(r"\d+(?:[.,:/\-–]\d+)*|[^\W\d_]+(?:['’][^\W\d_]+)*['’]?|\S")
_DROPPED = frozenset(".,;:!?¿¡\"“”„'’‘()[]…")
_SENTENCE_END = frozenset(".!?:")
_HYPHENS = frozenset("-‐‑")
_SYMBOLS = {"&": "and", "–": "-", "—": "-"}
_THOUSANDS = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?")

_NUMBERS = ["two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]  # "one" is more
_FORMS = {
    **{word: str(number) for number, word in enumerate(_NUMBERS, start=2)},
    **dict.fromkeys(["percent", "percentage"], "%"),
    **dict.fromkeys(["euro", "euros", "eur"], "€"),
    **dict.fromkeys(["dollars", "dollar", "usd"], "$"),
    **dict.fromkeys(["kilometre", "kilometres", "kilometer", "kilometers"], "km"),
    **dict.fromkeys(["kilogram", "kilograms", "kilo", "kilos"], "kg"),
    **dict.fromkeys(["is", "are", "am"], "be"),
    **dict.fromkeys(["begin", "begins", "starts"], "start"),
    "does": "do",
    "cannot": "can not",
    "which": "what",
    "telephone": "phone",
    "purchase": "buy",
    "yearly": "per year",
    "annually": "per year",
    "monthly": "per month",
    "weekly": "per week",
    "daily": "per day",
}
_CONTRACTED = {"ca": "can", "wo": "will", "sha": "shall"}  # can't, won't, shan't
_ENDINGS = {"re": "be", "m": "be", "ll": "will", "ve": "have", "d": "would"}
_BEFORE_IS = frozenset(
    ["what", "who", "where", "when", "how", "why", "it", "that", "there", "here"]
)  # else: a genitive
_ARTICLES = {"the": "the", "a": "a", "an": "a"}
_WITHOUT_MEANING = frozenset(["please", "kindly"])
_NO_PLURAL = re.compile(r"(?:ss|us|is)$|^.{1,3}$|^(?:customs|goods|news|arms|means|works|premises|glasses)$")

# What says "I ask", and not what is asked.
_OPENING = re.compile(
    r"(?:hello|hi|hey|good morning|(?:can|could|would) you (?:please |kindly )?(?:tell me|explain)|tell me"
    r"|i (?:would like|want|need) to know|i wonder|do you know|may i ask|let me know|i have a question|thank you"
    r"|thanks|okay|ok|please|kindly) "
)
_CLOSING = re.compile(r" (?:please|thanks|thank you)$")
_PHRASES = [
    (before.split(), after.split())
    for before, after in (
        ("what be number of", "how many"),
        ("what be amount of", "how much"),
        ("how can i", "how to"),
        ("how do i", "how to"),
        ("each year", "per year"),
        ("every year", "per year"),
        ("each month", "per month"),
        ("every month", "per month"),
        ("each week", "per week"),
        ("every week", "per week"),
        ("each day", "per day"),
        ("every day", "per day"),
        ("per cent", "%"),
        ("e mail", "email"),
        # Said as one word, so that "the phone number of x" can be "x's phone number".
        ("phone number", "phone-number"),
        ("email address", "email-address"),
        ("opening hour", "opening-hours"),
    )
]
# Words that are something else with a capital.
_TELLING_CAPITALS = re.compile(
    "us|it|who|may|march|august|will|mark|bill|sue|rob|pat|job|nice|reading|mobile|polish|turkey|china|apple|windows?"
    "|word|excel|access|teams?|outlook|oracle|python|java|rust|swift|go|office|house|states?|bush|rose|grant|frank"
)


def words_of_question(question: str, language: str, *, uses_case: bool) -> list[Word]:
    """Return the words that carry a question's meaning, in their order; only English ones are understood.

    Without `uses_case` capitals count for those words alone that are something else with one.
    """
    tokens: Iterable[Token] = _tokens(unicodedata.normalize("NFKC", question))
    if language == "en":
        tokens = _without_openings([pair for token in tokens for pair in _expanded(*token)])
        words = [*_with_phrases([*_with_articles(tokens)])]
    else:
        words = [Word(form, case=case) for form, case in tokens]
    if uses_case:
        return words
    return [word if _TELLING_CAPITALS.fullmatch(word.form) else word._replace(case="") for word in words]


def _tokens(text: str) -> Iterator[Token]:
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
        if _THOUSANDS.fullmatch(token):
            token = token.replace(",", "")
        token = _SYMBOLS.get(token, token).replace("’", "'")
        case = _case_of(token)
        yield token.lower(), "" if begins and case != "AA" else case
        begins = False


def _case_of(token: str) -> str:
    if token == token.lower():
        return "aa"
    return "Aa" if len(token) == 1 or token[1:] == token[1:].lower() else "AA"


def _expanded(form: str, case: str) -> Iterator[Token]:
    """Yield a word's canonical form, and what a contraction stands for."""
    stem, mark, ending = form.partition("'")
    if mark and form.endswith("n't"):
        stem = _CONTRACTED.get(form[:-3], form[:-3])
        yield _FORMS.get(stem, stem), ""
        yield "not", ""
    elif mark and ending in _ENDINGS:
        yield stem, case
        yield _ENDINGS[ending], ""
    elif mark and ending == "s" and stem in _BEFORE_IS:
        yield stem, case
        yield "be", ""
    elif mark and ending in {"s", ""}:
        yield _singular(stem), case
    elif form in _FORMS:
        yield from ((part, "") for part in _FORMS[form].split())
    else:
        yield _singular(form), case


def _singular(word: str) -> str:
    """Return the word without a plural's or a verb's s: parking fees, she pays."""
    if not word.endswith("s") or _NO_PLURAL.search(word):
        return word
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    return word[:-2] if re.search(r"(?:ch|sh|x|ss)es$", word) else word[:-1]


def _without_openings(tokens: list[Token]) -> list[Token]:
    """Return the words without greetings, thanks and "can you tell me"."""
    text = " ".join(form for form, _ in tokens)
    while found := _OPENING.match(text):
        tokens, text = tokens[found[0].count(" ") :], text[found.end() :]
    while found := _CLOSING.search(text):
        tokens, text = tokens[: -found[0].count(" ")], text[: found.start()]
    return tokens


def _with_articles(tokens: Iterable[Token]) -> Iterator[Word]:
    """Yield the words that mean something, each with the article before it."""
    article = ""
    for form, case in tokens:
        if form in _ARTICLES:
            article = _ARTICLES[form]
        elif form not in _WITHOUT_MEANING:
            yield Word(form, article, case)
            article = ""


def _with_phrases(words: Sequence[Word]) -> Iterator[Word]:
    """Yield the words with fixed phrases in one form."""
    place = 0
    while place < len(words):
        for before, after in _PHRASES:
            if [word.form for word in words[place : place + len(before)]] == before:
                yield Word(after[0], words[place].article)
                yield from (Word(form) for form in after[1:])
                place += len(before)
                break
        else:
            yield words[place]
            place += 1
