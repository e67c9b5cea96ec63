from __future__ import annotations

import pytest

from documents.keywords.terms import CONTEXT_FACTOR
from documents.models import Corpus
from querying.answering.pipeline import search
from querying.questions.asking_part import asking_part, parts_of
from tests.factories import make_corpus
from tests.querying.asking import ask
from tests.stock import stock

CHATTER = (
    "I hope you had a good start into the week after the long meeting about the new canteen. "
    "Last Monday the printer on the second floor was repaired, and the technician was very friendly. "
    "My colleague from the other building said that you are the right person to write to. "
    "We are preparing the schedule of the next quarter, and several people have different opinions. "
    "On Friday the parking garage is closed because the company celebrates its summer party there. "
)


@pytest.mark.parametrize(
    ("sentence", "found"),
    [
        ("How many days of holiday do I have?", "How many days of holiday do I have?"),
        ("How are you? How many days of holiday do I have?", "How many days of holiday do I have?"),
        ("Please tell me how many days of holiday there are.", "how many days of holiday there are."),
        ("Ich möchte wissen, wie viele Urlaubstage es gibt.", "wie viele Urlaubstage es gibt."),
        ("Wie viele Urlaubstage gibt es?", "Wie viele Urlaubstage gibt es?"),
        ("Tôi có bao nhiêu ngày nghỉ phép?", "Tôi có bao nhiêu ngày nghỉ phép?"),
        # What says more about the same thing belongs to it.
        (
            "My holidays were cancelled. May I carry holidays over?",
            "My holidays were cancelled. May I carry holidays over?",
        ),
        ("Nothing is asked here.", f"{CHATTER}Nothing is asked here."),
    ],
)
def test_the_sentence_that_asks_is_found_in_a_mail(sentence: str, found: str | None) -> None:
    assert asking_part(f"{CHATTER}{sentence} Thank you very much in advance.") == found


def test_a_short_question_is_all_question() -> None:
    assert asking_part("The printer is broken. Whom do I call?") is None


@pytest.mark.parametrize(
    ("question", "parts"),
    [
        (
            "Who approves travel, and how many days of holiday do we have?",
            ("Who approves travel", "how many days of holiday do we have?"),
        ),
        (
            "Wer genehmigt Reisen und wie viele Urlaubstage haben wir?",
            ("Wer genehmigt Reisen", "wie viele Urlaubstage haben wir?"),
        ),
        ("Who approves travel? When is lunch served?", ("Who approves travel?", "When is lunch served?")),
        (
            "How long can I keep it, how often can I renew it, and how many may I have?",
            ("How long can I keep it", "how often can I renew it", "how many may I have?"),
        ),
        ("Who mapped the river of St. Johns in 1562?", ()),
        # One question each: a condition, a clause, a list, and a paragraph about one subject.
        ("During the summer months, when does the canteen close?", ()),
        ("What is the name of the form, which goes to the team lead?", ()),
        ("Who approves travel and expenses?", ()),
        ("What is a library? " * 20, ()),
    ],
)
def test_a_question_of_several_is_taken_apart(question: str, parts: tuple[str, ...]) -> None:
    assert parts_of(question) == parts


@pytest.fixture
def handbook() -> Corpus:
    corpus = make_corpus(is_public=True)
    stock(
        corpus,
        "Every employee has 28 days of holiday per year.",
        "The canteen, the printer, the technician, the parking garage and the summer party of the company",
        *(f"Travel number {n} is approved by the director, who approves all travel." for n in range(9)),
    )
    corpus.refresh_from_db()
    return corpus


@pytest.mark.django_db(transaction=True)
def test_a_mail_finds_what_it_asks_about_first(handbook: Corpus) -> None:
    found = search(ask(handbook, f"{CHATTER}How many days of holiday does one have? Thank you very much."))
    assert "28 days" in found.passages[0].text
    assert 0 < CONTEXT_FACTOR < 1


@pytest.mark.django_db(transaction=True)
def test_each_part_of_a_question_has_its_passage(handbook: Corpus) -> None:
    question = "Who approves travel of the travel director, and how many days are there?"
    texts = [passage.text for passage in search(ask(handbook, question, top_k=2, use_cache=False)).passages]
    assert any("28 days" in text for text in texts), texts
    assert any("Travel" in text for text in texts)
