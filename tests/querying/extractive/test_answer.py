"""Extractive answers: the right sentences, quoted word for word, with citations that resolve."""

from __future__ import annotations

import json
import os
import uuid
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from querying.extractive.answer import MAX_SENTENCES, STYLES, choose_sentences, first_sentence, quoted_answer
from querying.generation.citations import citations_of
from querying.generation.phrases import not_in_these_documents, see_these_passages
from tests.examples import examples
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
    answer = quoted_answer("paid leave of 25 days per year, asked for ahead", [HANDBOOK]).text
    assert answer.startswith("“Employees get 25 days of paid leave per year. Leave must be asked for two weeks ahead.")


def test_each_part_of_a_question_gets_its_sentence() -> None:
    text = (
        "Books are lent for four weeks, films for one week. Fees are due in May. A loan can be renewed twice. "
        "The library has many friends. Up to 15 items may be on loan at the same time. Late items cost a fee."
    )
    question = (
        "How long can I borrow a film, how often can I renew a loan, and how many items can I have at the same time?"
    )
    answer = quoted_answer(question, [make_passage(text)]).text
    assert answer.startswith("“Books are lent for four weeks"), answer
    assert "renewed twice" in answer and "Up to 15 items" in answer
    assert "friends" not in answer


def test_the_likelier_of_two_neighbours_comes_first_even_if_it_is_the_second() -> None:
    answer = quoted_answer("When must paid leave of 25 days be asked for?", [HANDBOOK]).text
    assert answer.startswith("“Leave must be asked for two weeks ahead.” [1]\n\n“Employees get 25 days")


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


def test_what_a_document_says_is_shown_word_for_word_and_does_nothing() -> None:
    text = "Employees get leave [2] of 25 days, see [here](https://evil.example/x) or map[7] and <b>this</b>."
    answer = quoted_answer("How much leave do employees get?", [make_passage(text)]).text
    assert answer == (
        "“Employees get leave `[2]` of 25 days, see `[here](https://evil.example/x)` or `map[7]`"
        " and `<b>this</b>`.” [1]"
    )
    assert [each.number for each in citations_of(answer, [make_passage(text)])] == [1]


def test_a_passage_without_sentences_is_still_quoted() -> None:
    assert quoted_answer("What?", [make_passage("12.5 | 30.1")]).text == "“12.5 | 30.1” [1]"
    assert quoted_answer("", [HANDBOOK]).text != ""
    assert quoted_answer("What?", [make_passage("---")]).text == ""
    assert quoted_answer("What?", []).text == ""


README = "# Staff handbook\n\n## Holidays\nEvery employee has 28 days of holiday. Shift work: two more. They lapse."
FAQ = "Q: How many days of holiday are there?\nA: 28.\n\nQ: Where is the office?\nA: In Hamburg, at the quay."


@pytest.mark.parametrize(
    ("question", "text", "first"),
    [
        ("How many days of holiday do we have?", README, "Every employee has 28 days of holiday."),  # below a heading
        ("How many days of holiday?", "Holidays\n========\nAll have 28 days.", "All have 28 days."),  # underlined
        ("How many days of holiday?", "**Holidays**\nAll have 28 days.", "All have 28 days."),  # bold
        ("How many days of holiday?", "3.2 Holidays\nAll who work at the harbour have 28 days.", "All who work"),
        ("How many days of holiday?", "---\nholiday: days\n---\nAll have 28 days of it.", "All have 28 days of it."),
        ("How many days of holiday?", "## How many days of holiday?\nIt is 28 for all.", "It is 28 for all."),  # a FAQ
        ("How many days of holiday are there?", FAQ, "28."),
        ("Where is the office?", FAQ, "In Hamburg, at the quay."),
        ("Was muss ich mitbringen?", "Bitte mitbringen:\n- den Ausweis\n- ein Foto\n\nDanke.", "Bitte mitbringen:"),
        ("What is the phone number?", "Room: 12\nPhone number: 4711\nMail: a@b.example", "Phone number: 4711"),
        ("What does the pass cost?", "| What | Cost |\n|---|---|\n| the pass | 5 |\n| a map | 2 |", "the pass | 5"),
        ("What does the pass cost?", "Item: a map; Cost: 2\nItem: the pass; Cost: 5", "Item: the pass; Cost: 5"),
        ("When was it built?", "When was the hall built? It was built in 1920.[4] More.", "It was built in 1920."),
        ("Where is the hall?", "The hall is in Oslo.[citation needed] More.", "The hall is in Oslo."),
    ],
)
def test_the_sentence_that_answers_comes_first_whatever_stands_around_it(question: str, text: str, first: str) -> None:
    passages = [make_passage(text, document_title="Staff handbook")]
    quoted = quoted_answer(question, passages)
    assert first_sentence(quoted, passages).startswith(first), quoted.text
    assert "#" not in quoted.text and "[citation" not in quoted.text and "[4]" not in quoted.text


def test_a_list_is_quoted_with_the_line_above_it() -> None:
    text = "You must bring:\n\n- your passport\n- a photo\n\nDoors open at nine."
    assert quoted_answer("What must I bring?", [make_passage(text)]).text == (
        "“You must bring: - your passport - a photo” [1]"
    )


@pytest.mark.parametrize(
    ("question", "sentence"),
    [
        ("When did the ferry first sail?", "It first sailed in 1902."),
        ("Wie viele Betten hat das Haus?", "Das Haus hat heute vierzig Betten."),
        ("Ai đã xây cây cầu này?", "Cây cầu này do Nguyễn Văn Bình xây."),
        ("这座桥是什么时候建成的？", "这座桥于1957年建成。"),
        ("¿Cuántas camas tiene la casa?", "La casa tiene cuarenta camas."),
        ("Qui dirige le musée ?", "Le musée est dirigé par Anne Morel."),
    ],
)
def test_a_sentence_with_the_kind_of_thing_that_is_asked_for_is_preferred(question: str, sentence: str) -> None:
    others = (
        "It first sailed with a crew of old men. Das Haus hat schöne Betten. Cây cầu này được xây rất chắc. "
        "这座桥建成后很美。 La casa tiene buenas camas. Le musée est dirigé avec soin."
    )
    passages = [make_passage(f"{others} {sentence}")]
    assert first_sentence(quoted_answer(question, passages), passages) == sentence


def test_the_full_style_quotes_more_and_as_well_the_best_first() -> None:
    names = ("cooks", "drivers", "nurses", "clerks", "porters", "guards", "pilots")
    sentences = [f"Paid leave of the {name} is {n} days a year." for n, name in enumerate(names, start=20)]
    passages = [make_passage(f"{each} Nothing else is said of it here.") for each in sentences]
    short, full = (quoted_answer("How many days of paid leave?", passages, style) for style in STYLES)
    assert len(full.quotes) > len(short.quotes)
    assert full.text.startswith(short.text.split(" [1]")[0])


TEXTS = st.lists(st.text("abc. \n。!1é", max_size=60), min_size=1, max_size=4)


@examples(200)
@given(st.text("abc e?", max_size=20), TEXTS)
def test_whatever_the_passages_hold_quotes_are_theirs_and_citations_resolve(question: str, texts: list[str]) -> None:
    passages = [make_passage(text, score=1 / n) for n, text in enumerate(texts, start=1)]
    quotes = choose_sentences(question, passages)
    assert quotes == choose_sentences(question, passages)
    assert len(quotes) <= MAX_SENTENCES["short"]
    assert bool(quotes) == any(char.isalnum() for text in texts for char in text)
    for quote in quotes:
        assert 0 <= quote.start < quote.end <= len(texts[quote.number - 1])
    answer = quoted_answer(question, passages).text
    quoted = quoted_answer(question, passages).quotes
    assert [cited.number for cited in citations_of(answer, passages)] == [quote.number for quote in quoted]
    for quote in quoted:
        assert texts[quote.number - 1][quote.start : quote.end].strip()


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
    assert "name | meaning: “`UPLOAD_MAX` | the limit of an upload in bytes” [1]" in answer
    assert "$ ask" not in answer and "##" not in answer and "---" not in answer


def test_a_passage_of_nothing_but_code_is_quoted_all_the_same() -> None:
    assert quoted_answer("How is it started?", [make_passage("```\nmake run\n```")]).text
