"""What a text asks: the sentences of a mail that are its question, and the parts of a question. Pure: no Django."""

from __future__ import annotations

import re

from querying.courtesy import without_courtesy

LONG_BYTES = 240  # a shorter text is all question; Chinese says as much in 80 characters as English in 240
PARTS_MAX = 4
PART_MIN_WORDS = 3
_SENTENCE_END = re.compile(r"(?<=[.!?])[\"'”’)]*\s+(?=[^\Wa-zà-ÿ_]|[¿¡\"'“‘(])|(?<=[?？。！])\s*")
_ASKS = re.compile(r"[?？]\W*$")
# Asked, and no question.
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
    rf"(?:\s*[,;]\s*(?:{_AND}\s+)?|\s+{_AND}\s+)(?:also\s+|auch\s+)?(?=(?:(?:{_PREPOSITIONS})\s+)?(?:{_WORDS})\b)",
    re.IGNORECASE,
)


def asking_part(question: str) -> str | None:
    """Return what a text asks: without courtesy, and of a long one the sentences that ask; None: all of it does.

    Those are sentences with a question mark; without any, those that begin like a question or ask for something to be
    told.
    """
    text = _sentences_that_ask(question) if len(question.encode(errors="replace")) >= LONG_BYTES else question
    bare = without_courtesy(text)
    return None if bare == question else bare


def _sentences_that_ask(text: str) -> str:
    sentences = _sentences(text)
    asking = [each for each in sentences if _ASKS.search(each) and not _COURTESY.match(each)]
    asking = asking or [each for each in sentences if _REQUESTS.search(each) or _BEGINS.match(each)]
    return " ".join(asking) if asking else text


def parts_of(question: str) -> tuple[str, ...]:
    """Return the questions in a question; empty: it is one.

    "Who approves travel, and how many days of holiday do we have?" has two.
    """
    sentences = [each for each in _sentences(asking_part(question) or question) if not _COURTESY.match(each)]
    parts = [part for each in sentences if _ASKS.search(each) or _BEGINS.match(each) for part in _NEXT_PART.split(each)]
    whole = [part.strip() for part in parts if len(part.split()) >= PART_MIN_WORDS]
    return tuple(whole) if 1 < len(whole) <= PARTS_MAX else ()


def _sentences(text: str) -> list[str]:
    return [each for each in _SENTENCE_END.split(text) if each and each.strip()]
