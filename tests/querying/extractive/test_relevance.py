"""The sentence of the passages that most likely is the answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from querying.extractive.relevance import score_sentences
from tests.querying.passages import make_passage

LEAVE = (
    "Der Urlaubsanspruch beträgt 29 Tage. Resturlaub verfällt am 31. März. "
    "Der Urlaubsantrag wird vier Wochen vor dem ersten Tag eingereicht."
)
CODES = "**E-104** The sensor is dirty. Wipe it.\n\n**E1234** The plate is open. Close it.\n\nErrors mean harm."
HOUSE = "Katzen sind erlaubt. Größere Hunde nur mit Erlaubnis. Vögel sind erlaubt."


def best(question: str, *texts: str, alike: Mapping[str, Sequence[str]] | None = None, title: str = "Rules") -> str:
    passages = [make_passage(text, document_title=title) for text in texts]
    scored = max(score_sentences(question, passages, alike), key=lambda each: each.score)
    return passages[scored.number - 1].text[scored.start : scored.end]


@pytest.mark.parametrize(
    ("question", "text", "expected"),
    [
        ("Darf ich einen Hund halten?", HOUSE, "Größere Hunde nur mit Erlaubnis."),  # no sentence has "Hund"
        ("Wann muss ich den Antrag auf Urlaub einreichen?", LEAVE, "Der Urlaubsantrag wird"),
        ("What does error E-1234 mean?", CODES, "**E1234** The plate is open."),
        ("error e104", CODES, "**E-104** The sensor is dirty."),
        (
            "How long is the trial?",
            "The trial costs 25 euros. The trial lasts four months.",
            "The trial lasts four months.",
        ),
        (
            "How do I start it?",
            "Ctrl-C stops everything that it started. To start the server, run the script.",
            "To start the server",
        ),
        (
            "How do I start it?",
            "It is started every morning. It may start late. Press the green key to start.",
            "Press",
        ),
        (
            "When did the war begin?",
            "The building of the bridge did begin in 1871. The war broke out in 1914.",
            "The war broke out",
        ),
        ("Beitragssatz", "Der Raum ist hell. Die Beitragsordnung gilt.", "Die Beitragsordnung gilt."),
        (
            "Dear all, cats and dogs and birds came to the terrace of the garden in summer weather. " * 6
            + "Is parking forbidden? Thanks!",
            "Cats and dogs and birds came to the terrace of the garden in summer weather. No parking at night.",
            "No parking at night.",
        ),
    ],
)
def test_the_likeliest_sentence_is_the_one_that_answers(question: str, text: str, expected: str) -> None:
    assert best(question, text).startswith(expected)


def test_other_words_that_were_searched_count() -> None:
    text = "You get a badge. Everybody has 27 days of holiday. The door opens."
    assert best("What vacation do I get?", text, alike={"vacation": ["holiday"]}) == "Everybody has 27 days of holiday."
    assert best("What vacation do I get?", text) != "Everybody has 27 days of holiday."


@pytest.mark.parametrize("title", ["Minutes of the annual meeting", "minutes.txt"])
def test_the_name_of_a_document_is_no_answer(title: str) -> None:
    text = "Minutes of the annual meeting\n\nHeld in May. The meeting had 58 members."
    assert best("annual meeting", text, title=title) == "The meeting had 58 members."
