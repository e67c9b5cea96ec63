"""Finds the question in a text, such as a mail, and the parts of a question. Pure: no Django."""

from __future__ import annotations

import re
from functools import lru_cache

from querying.questions.courtesy import without_courtesy

LONG_CHARS = 400  # a shorter text is all question
UNSPACED_CHARS = 4  # of a script with spaces, that count as one character of a script without
SEVERAL_MAX_CHARS = 200  # a longer text with several questions is treated as one
PARTS_MAX = 4
PART_MIN_WORDS = 3
_SENTENCE_END = re.compile(r"(?<=[.!?])[\"'”’)]*\s+(?=[^\Wa-zà-ÿ_]|[¿¡\"'“‘(])|(?<=[?？。！])\s*")
_ASKS = re.compile(r"[?？]\W*$")
# Questions of courtesy, which ask nothing.
_COURTESY = re.compile(
    r"\W*(?:how are you|how have you been|how is it going|wie geht es (?:ihnen|dir|euch)|wie geht's"
    r"|comment allez-vous|ça va|cómo está|qué tal|bạn có khỏe không)\b.{0,25}$",
    re.IGNORECASE,
)
_QUESTION_WORDS = (
    "who whom whose what which when where why how"
    "|wer wen wem wessen was welche welcher welches welchen welchem wann wo woher wohin warum weshalb wieso wie wieviel"
    "|qui que quoi quel quelle quels quelles quand où pourquoi comment combien"
    "|quién quiénes qué cuál cuáles cuándo dónde cómo cuánto cuántos cuántas"
    "|wie wat welke welk wanneer waar waarom hoe hoeveel"
    "|ai gì nào khi nào ở đâu tại sao vì sao bao nhiêu"
)
_WORDS = "|".join(re.escape(word) for group in _QUESTION_WORDS.split("|") for word in group.split())
STEM_CHARS = 6
_UNSPACED = re.compile("[\u3040-\u30ff\u3400-\u9fff]")
_LONG_WORD = re.compile(r"[^\W\d_]{6,}")
_ASKED = re.compile(rf"\b(?:{_WORDS})\b|[?？]\W*$", re.IGNORECASE)
_BEGINS = re.compile(rf"\W*(?:{_WORDS})\b", re.IGNORECASE)
_REQUESTS = re.compile(
    r"\b(?:tell (?:me|us)|let (?:me|us) know|explain|(?:like|want|need|wish|curious) to (?:know|ask|learn)"
    r"|wondering|i wonder|my question|please (?:say|send|show|name|list|confirm)|can you|could you|would you"
    r"|wissen|sagen sie|sag mir|mitteilen|erklären|meine frage|frage mich|können sie|kannst du|könnten sie"
    r"|dites-moi|j'aimerais savoir|je voudrais savoir|pourriez-vous|pouvez-vous|ma question"
    r"|dígame|quisiera saber|me gustaría saber|podría|mi pregunta|cho tôi biết|xin hỏi|muốn hỏi|muốn biết)\b",
    re.IGNORECASE,
)
_AND = r"(?:and|und|et|y|en|và|as well as|sowie)"
_PREPOSITIONS = "in|for|by|on|at|to|with|since|until|auf|für|bis|seit|mit|à|de|en|por|para"
_NEXT_PART = re.compile(
    rf"(?:\s*[,;]\s*|\s+){_AND}\s+(?:also\s+|auch\s+)?(?=(?:(?:{_PREPOSITIONS})\s+)?(?:{_WORDS})\b)",
    re.IGNORECASE,
)
_QUESTION_END = re.compile(r"(?<=[?？])\s*")  # a full stop may be that of "St. Johns"
# "How long may I borrow it, how often renew it, and ...": not "the film, which I like, ..."
_LISTED = re.compile(
    r"\s*,\s+(?=(?:how|what|why|wie|was|warum|wieviel|combien|comment|pourquoi|cuánt[oa]s?|cómo|bao nhiêu)\b)",
    re.IGNORECASE,
)


@lru_cache(maxsize=256)  # each stage of a search needs it
def asking_part(question: str) -> str | None:
    """Return what a text asks: without courtesy, and of a long one the sentences that ask; None: all of it does.

    Those are sentences with a question mark; without any, those that begin like a question or ask for something to be
    told. And sentences that share a word with them, which say more about the same thing.
    """
    bare = without_courtesy(_sentences_that_ask(question) if _length(question) >= LONG_CHARS else question)
    return None if bare == question else bare


def _sentences_that_ask(text: str) -> str:
    sentences = _sentences(text)
    asking = [each for each in sentences if _ASKS.search(each) and not _COURTESY.match(each)]
    asking = asking or [each for each in sentences if _REQUESTS.search(each) or _BEGINS.match(each)]
    about = _stems(" ".join(asking))
    asking = [each for each in sentences if each in asking or not about.isdisjoint(_stems(each))]
    return " ".join(asking) if asking and len(asking) < len(sentences) else text


def _length(text: str) -> int:
    return len(text) + (UNSPACED_CHARS - 1) * len(_UNSPACED.findall(text))


@lru_cache(maxsize=256)
def parts_of(question: str) -> tuple[str, ...]:
    """Return the parts of a question with several; empty: it has one part.

    "Who approves travel, and how many days of holiday do we have?" has two. A whole paragraph of questions is one about
    its subject.
    """
    asked = asking_part(question) or question
    if len(asked) > SEVERAL_MAX_CHARS:
        return ()
    sentences = [each for each in _QUESTION_END.split(asked) if each and not _COURTESY.match(each)]
    parts = [part for each in sentences for part in _NEXT_PART.split(each)]
    if len(parts) > 1:
        parts = [part for each in parts for part in _LISTED.split(each)]
    parts = [part.strip() for part in parts]
    whole = [part for part in parts if len(part.split()) >= PART_MIN_WORDS and _ASKED.search(part)]
    return tuple(whole) if 1 < len(whole) <= PARTS_MAX else ()


def _stems(text: str) -> set[str]:
    """Return the beginnings of the words that say something; short ones rarely do."""
    return {word[:STEM_CHARS].lower() for word in _LONG_WORD.findall(text)}


def _sentences(text: str) -> list[str]:
    return [each for each in _SENTENCE_END.split(text) if each and each.strip()]
