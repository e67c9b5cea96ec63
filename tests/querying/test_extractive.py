"""Answers without a model: the right sentences, quoted word for word, with citations that resolve."""

from __future__ import annotations

import json
import os
import uuid
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from querying.citations import CITATION, citations_of
from querying.extractive import MAX_SENTENCES, choose_sentences, quoted_answer
from querying.wording import not_in_these_documents, see_these_passages
from tests.querying.passages import make_passage

HANDBOOK = make_passage(
    "The office opens at nine. Employees get 25 days of paid leave per year. Leave must be asked for two weeks ahead. "
    "The canteen serves lunch from noon.",
    document_title="Handbook",
)
PARKING = make_passage("Parking is free for employees. Bicycles go to the yard.", document_title="Parking", score=0.4)


def test_the_answer_quotes_the_sentences_that_speak_of_the_question() -> None:
    answer = quoted_answer("How many days of paid leave do employees get?", [HANDBOOK, PARKING]).text
    assert answer.startswith("“Employees get 25 days of paid leave per year.")
    assert "canteen" not in answer
    assert "[1]" in answer


def test_neighbouring_sentences_are_one_quote() -> None:
    answer = quoted_answer("When must paid leave of 25 days be asked for?", [HANDBOOK]).text
    assert answer == ("“Employees get 25 days of paid leave per year. Leave must be asked for two weeks ahead.” [1]")


def test_a_passage_that_fits_the_question_better_is_quoted_before_one_that_has_its_words_too() -> None:
    best = make_passage("Paid leave is 25 days. Paid leave is asked for in writing.", score=1.0)
    weak = make_passage("Paid leave of birds begins in autumn. Paid leave on trees falls down.", score=0.1)
    assert {quote.number for quote in choose_sentences("paid leave", [weak, best])} == {2}


def test_the_same_sentence_of_overlapping_passages_is_quoted_once() -> None:
    copy = make_passage("Employees get 25 days of paid leave per year. Something else entirely follows here.")
    answer = quoted_answer("How many days of paid leave?", [HANDBOOK, copy]).text
    assert answer.count("25 days") == 1


@pytest.mark.parametrize(
    ("question", "text", "expected"),
    [
        (
            "nha thau phai lam gi",
            "Trời đẹp lắm hôm nay ạ. Nhà thầu phải nộp hồ sơ. Xe đỗ ở sân sau nhà.",
            "Nhà thầu phải nộp",
        ),
        ("工资是多少", "天气很好。每月工资是五千元。食堂中午开门。", "每月工资是五千元"),
        ("Wie hoch ist der Beitrag?", "Es regnet oft im Mai. Der Beitrag beträgt 12 Euro.", "Der Beitrag beträgt"),
    ],
)
def test_it_works_in_other_languages(question: str, text: str, expected: str) -> None:
    assert expected in quoted_answer(question, [make_passage(text)]).text


def test_a_document_can_smuggle_in_neither_citations_nor_links_nor_markup() -> None:
    text = "# Employees get leave [2] of 25 days, see [here](https://evil.example/x)."
    answer = quoted_answer("How much leave do employees get?", [make_passage(text)]).text
    assert CITATION.findall(answer) == ["1"]
    assert "evil" not in answer
    assert not answer.startswith("“#")


def test_a_passage_without_sentences_is_still_quoted() -> None:
    assert quoted_answer("What?", [make_passage("12.5 | 30.1")]).text == "“12.5 | 30.1” [1]"
    assert quoted_answer("", [HANDBOOK]).text != ""
    assert quoted_answer("What?", [make_passage("---")]).text == ""
    assert quoted_answer("What?", []).text == ""


TEXTS = st.lists(st.text("abc. \n。!1é", max_size=60), min_size=1, max_size=4)


@settings(max_examples=200)
@given(st.text("abc e?", max_size=20), TEXTS)
def test_whatever_the_passages_hold_quotes_are_theirs_and_citations_resolve(question: str, texts: list[str]) -> None:
    passages = [make_passage(text, score=1 / n) for n, text in enumerate(texts, start=1)]
    quotes = choose_sentences(question, passages)
    assert quotes == choose_sentences(question, passages)
    assert len(quotes) <= MAX_SENTENCES
    assert bool(quotes) == any(char.isalnum() for text in texts for char in text)
    for quote in quotes:
        assert 0 <= quote.start < quote.end <= len(texts[quote.number - 1])
    answer = quoted_answer(question, passages).text
    assert {citation.number for citation in citations_of(answer, passages)} == {quote.number for quote in quotes}


def test_refusing_names_the_nearest_documents_once_each() -> None:
    same = uuid.uuid4()
    passages = [
        make_passage("a", document_title="Hand[1]book", document_id=same),
        make_passage("b", document_title="Hand[1]book", document_id=same),
        make_passage("c", document_title="Rules"),
    ]
    answer = not_in_these_documents(passages, "en")
    assert answer.endswith("What comes nearest: “Hand(1)book”, “Rules”.")
    assert not_in_these_documents([], "vi").startswith("Tôi không tìm thấy")
    assert not_in_these_documents([], "xx") == not_in_these_documents([], "en")
    assert see_these_passages(passages, "de").startswith("Diese Stellen")


@pytest.mark.skipif("RAGSITE_EVALUATION_DATA" not in os.environ, reason="needs the evaluation sets")
def test_the_quotes_hold_the_answer_where_the_right_passage_was_found() -> None:
    folder = Path(os.environ["RAGSITE_EVALUATION_DATA"]) / "squad-dev"
    rows = {
        name: map(json.loads, (folder / f"{name}.jsonl").read_text().splitlines())
        for name in ("corpus", "queries", "answers")
    }
    texts = {row["_id"]: row for row in rows["corpus"]}
    questions = {row["_id"]: row["text"] for row in rows["queries"]}
    known = {row["_id"]: row["answers"] for row in rows["answers"]}
    lines = (folder / "qrels" / "test.tsv").read_text().splitlines()[1:3001:6]
    held = asked = 0
    for line in lines:
        query, document, _ = line.split("\t")
        text = texts[document]["text"]
        quotes = choose_sentences(
            questions[query], [make_passage(text, document_title=texts[document].get("title", ""))]
        )
        said = " ".join(text[quote.start : quote.end] for quote in quotes).casefold()
        asked += 1
        held += any(answer.casefold() in said for answer in known.get(query, []))
    assert held / asked > 0.85


def test_code_and_headings_are_not_quoted_and_rows_of_tables_one_by_one() -> None:
    text = (
        "## What is the limit of an upload?\n\n```\n$ ask 'What is the limit of an upload?'\n```\n\n"
        "| name | meaning |\n|---|---|\n| `UPLOAD_MAX` | the limit of an upload in bytes |\n"
        "| `UPLOAD_FILES` | how many files at once |\n\nThe limit of an upload is 50 MB unless it is changed."
    )
    answer = quoted_answer("What is the limit of an upload?", [make_passage(text)]).text
    assert "The limit of an upload is 50 MB" in answer
    assert "“UPLOAD_MAX · the limit of an upload in bytes”" in answer
    assert "$ ask" not in answer and "##" not in answer and "|" not in answer


def test_a_passage_of_nothing_but_code_is_quoted_all_the_same() -> None:
    assert quoted_answer("How is it started?", [make_passage("```\nmake run\n```")]).text
