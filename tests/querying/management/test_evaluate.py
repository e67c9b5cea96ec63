"""`manage.py evaluate`, on sets small enough to know the answer."""

from __future__ import annotations

import json
import os
import signal
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from documents.models import Chunk, Corpus, Embedding, Tenant, TermFrequency
from querying import evaluation
from querying.evaluation import beir_run
from querying.evaluation.beir import BeirSet, Text, read_beir
from querying.evaluation.gate_run import part_of
from querying.evaluation.language import guess_language, language_of

pytestmark = pytest.mark.django_db(transaction=True)

ENGLISH = "The committee has met in the town hall, and it was decided that the bridge is to be repaired in the spring. "
GERMAN = "Der Ausschuss hat im Rathaus getagt, und es wurde entschieden, dass die Brücke im Frühjahr repariert wird. "
VIETNAMESE = "Ủy ban đã họp tại tòa thị chính và quyết định rằng cây cầu sẽ được sửa chữa vào mùa xuân. "
RUSSIAN = "Комитет собрался в ратуше, и было решено, что мост будет отремонтирован весной. "

TEXTS = [
    ("d1", "Leave", "Employees get 25 days of paid leave per calendar year."),
    ("d2", "Office", "The office in Hamburg opens at nine o'clock."),
    ("d3", "Travel", "Business trips of more than 300 kilometres are booked by rail."),
    ("d4", "Nhà ăn", "Nhà ăn phục vụ bữa trưa."),
]
QUESTIONS = [
    ("q1", "How many days of paid leave are there?", "d1"),
    ("q2", "When does the office in Hamburg open?", "d2"),
    ("q3", "Are business trips booked by rail?", "d3"),
    ("q4", "Nhà ăn phục vụ gì?", "d4"),
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "small"
    (folder / "qrels").mkdir(parents=True)
    lines = [json.dumps({"_id": pk, "title": title, "text": text}) for pk, title, text in TEXTS]
    (folder / "corpus.jsonl").write_text("\n".join(lines))
    lines = [json.dumps({"_id": pk, "text": text}) for pk, text, _ in QUESTIONS]
    (folder / "queries.jsonl").write_text("\n".join([*lines, json.dumps({"_id": "q9", "text": "unjudged"})]))
    rows = [f"{pk}\t{document}\t1" for pk, _, document in QUESTIONS]
    (folder / "qrels" / "test.tsv").write_text("\n".join(["query-id\tcorpus-id\tscore", *rows]))
    known = [("q1", ["25 days"]), ("q2", ["noon", "NINE o'clock"]), ("q3", ["by ship"])]
    (folder / "answers.jsonl").write_text("\n".join(json.dumps({"_id": pk, "answers": each}) for pk, each in known))
    return folder


def run(*arguments: object) -> Any:
    out = StringIO()
    call_command("evaluate", *arguments, "--provider=embedded", "--json", stdout=out)
    return json.loads(out.getvalue())


def nothing_is_left() -> bool:
    return not any(model.objects.exists() for model in (Tenant, Corpus, Chunk, Embedding, TermFrequency))


def test_a_set_is_measured_by_leg_and_nothing_of_it_stays(folder: Path) -> None:
    report = run("--beir", folder)
    assert report["questions"] == 4
    assert report["fused"] == {"recall@1": 1.0, "recall@5": 1.0, "recall@10": 1.0, "mrr@10": 1.0, "ndcg@10": 1.0}
    assert set(report["lexical"]) == set(report["dense"]) == set(report["fused"])
    assert nothing_is_left()


def test_measures_are_what_the_field_computes(folder: Path) -> None:
    # The judged text of q1 is now one that the question has nothing to do with.
    rows = (folder / "qrels" / "test.tsv").read_text().replace("q1\td1", "q1\td3")
    (folder / "qrels" / "test.tsv").write_text(rows)
    report = run("--beir", folder)
    assert report["fused"]["recall@1"] == 0.75
    assert report["fused"]["recall@10"] == 1.0
    assert 0.75 < report["fused"]["mrr@10"] < 1


def test_a_sample_is_the_first_questions(folder: Path) -> None:
    assert run("--beir", folder, "--queries", 2)["questions"] == 2


def test_accents_can_be_left_out_of_the_questions(folder: Path) -> None:
    assert read_beir(folder, strip_accents=True).questions[3].text == "Nha an phuc vu gi?"
    assert run("--beir", folder, "--strip-accents", "--language=vi")["fused"]["recall@1"] == 1.0


def test_a_provider_that_is_not_there_is_said_so(folder: Path) -> None:
    with pytest.raises(CommandError, match=r"OLLAMA_BASE_URL|model server"):
        call_command("evaluate", "--beir", folder, "--provider=ollama", stdout=StringIO())
    assert nothing_is_left()


def test_people_get_a_table(folder: Path) -> None:
    out = StringIO()
    call_command("evaluate", "--beir", folder, "--provider=embedded", stdout=out)
    assert "ndcg@10" in out.getvalue()
    assert "fused" in out.getvalue()


def test_nothing_stays_after_a_failure(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*args: object) -> None:
        raise RuntimeError("boom")

    monkeypatch.setattr(beir_run, "ask", fails)
    with pytest.raises(RuntimeError):
        run("--beir", folder)
    assert nothing_is_left()


@pytest.mark.parametrize(("number", "error"), [(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, SystemExit)])
def test_nothing_stays_after_a_signal(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
    number: signal.Signals,
    error: type[BaseException],
) -> None:
    def interrupted(*args: object) -> None:
        os.kill(os.getpid(), number)

    monkeypatch.setattr(beir_run, "ask", interrupted)
    # A process that a shell starts in the background ignores SIGINT, and so would its tests.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    request.addfinalizer(lambda: signal.signal(signal.SIGINT, before))
    with pytest.raises(error):
        run("--beir", folder)
    assert nothing_is_left()


@pytest.fixture
def large_folder(tmp_path: Path) -> Path:
    """Sixty texts of twenty articles; each question repeats words of its text."""
    folder = tmp_path / "large"
    (folder / "qrels").mkdir(parents=True)
    names = [
        f"{first}{second}" for first in ("bra", "kel", "mon", "dru") for second in ("vik", "sund", "tal", "holm", "by")
    ]
    texts = [
        {
            "_id": f"{name}{part}",
            "title": name.title(),
            "text": f"The {thing} of {name.title()} was built in {1800 + n}.",
        }
        for n, name in enumerate(names)
        for part, thing in enumerate(("bridge", "town hall", "harbour"))
    ]
    questions = [
        {"_id": f"q-{text['_id']}", "text": f"When was the {thing} of {text['title']} built?"}
        for text, thing in zip(texts, ["bridge", "town hall", "harbour"] * len(names), strict=True)
    ]
    (folder / "corpus.jsonl").write_text("\n".join(map(json.dumps, texts)))
    (folder / "queries.jsonl").write_text("\n".join(map(json.dumps, questions)))
    rows = [f"{question['_id']}\t{text['_id']}\t1" for question, text in zip(questions, texts, strict=True)]
    (folder / "qrels" / "test.tsv").write_text("\n".join(["query-id\tcorpus-id\tscore", *rows]))
    return folder


def test_the_gate_is_measured_with_questions_about_the_other_articles(large_folder: Path) -> None:
    report = run("--gate", large_folder, "--queries", 20)
    row = next(row for row in report["rows"] if row["kind"] == "plain" and row["legs"] == "keywords")
    assert row["kept"] >= 0.8
    assert row["refused_other_articles"] is not None
    assert row["refused_other_sets"] is None  # there is only one set
    assert nothing_is_left()


def test_the_gate_learns_from_sets_and_keeps_what_it_learnt(
    large_folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "calibrations.json"
    monkeypatch.setattr(evaluation, "FILE", file)
    run("--gate", large_folder, "--fit", "--queries", 20, "--language", "en")
    stored = json.loads(file.read_text())
    assert stored["fitted_on"] == ["large"]
    assert ("stemmed", "keywords") in [(row["writing"], row["legs"]) for row in stored["calibrations"]]
    assert nothing_is_left()


def test_half_of_a_set_without_titles_are_its_first_texts() -> None:
    texts = [Text(str(number), "", "") for number in range(5)]
    assert part_of(BeirSet("untitled", texts, []), "half") == ["0", "1", "2"]
    titled = [Text(str(number), f"title {number // 2}", "") for number in range(6)]
    assert part_of(BeirSet("titled", titled, []), "half") == ["0", "1", "4", "5"]


def test_answers_are_measured_by_what_is_quoted(folder: Path) -> None:
    report = run("--answers", folder)
    assert report["questions"] == 3, "the others have no known answer"
    assert report["in_answer"] == report["in_first_sentence"] == round(2 / 3, 4)
    assert report["found_first"] == report["found"] == 1.0
    assert 40 < report["mean_chars"] < 200
    assert report["style"] == "short"
    assert run("--answers", folder, "--queries", 1)["questions"] == 1
    assert nothing_is_left()
    out = StringIO()
    call_command("evaluate", "--answers", folder, "--provider=embedded", "--answer-style=full", stdout=out)
    assert "style full" in out.getvalue() and "first quoted sentence of 0.667" in out.getvalue()


def test_the_first_sentence_and_the_rest_are_told_apart(folder: Path) -> None:
    texts = [("d1", "Leave", "There are 25 days of paid leave. Five days of paid leave may be kept.")]
    lines = [json.dumps({"_id": pk, "title": title, "text": text}) for pk, title, text in texts]
    (folder / "corpus.jsonl").write_text("\n".join(lines))
    (folder / "answers.jsonl").write_text(json.dumps({"_id": "q1", "answers": ["may be kept"]}))
    report = run("--answers", folder, "--answer-style=full")
    assert (report["in_answer"], report["in_first_sentence"]) == (1.0, 0.0)


def test_spans_are_measured_from_whole_documents(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    paragraphs = [f"Paragraph {number} is about the river and its {number} banks. " * 8 for number in range(40)]
    wanted = "The treasure is buried under the old oak tree."
    text = "\n\n".join([*paragraphs[:20], wanted, *paragraphs[20:]])
    (tmp_path / "docs" / "text.md").write_text(text)
    start = text.index(wanted)
    references = [{"content": wanted, "start": start, "end": start + len(wanted)}]
    question = {"_id": "q", "document": "text.md", "text": "Where is the treasure buried?", "references": references}
    (tmp_path / "questions.jsonl").write_text(json.dumps(question))
    report = run("--spans", tmp_path)
    assert report["recall"] == 1.0
    assert 0 < report["precision"] < 0.2
    assert report["unfound"] == 0
    assert nothing_is_left()


@pytest.mark.parametrize("option", ["--answers", "--beir", "--gate", "--spans"])
def test_a_folder_that_is_no_set_is_said_so(tmp_path: Path, option: str) -> None:
    with pytest.raises(CommandError, match="is not such a set"):
        run(option, tmp_path)
    assert nothing_is_left()


@pytest.mark.parametrize(
    ("text", "code"),
    [(ENGLISH, "en"), (GERMAN, "de"), (VIETNAMESE, "xx"), (RUSSIAN, "ru"), ("数据库" * 30, "xx"), ("", "xx")],
)
def test_languages_are_told_by_their_stop_words_and_scripts(text: str, code: str) -> None:
    assert guess_language(text * 3) == code


def test_a_folders_name_may_say_its_language(tmp_path: Path) -> None:
    assert language_of(tmp_path / "xquad-vi", ENGLISH) == "vi"
    assert language_of(tmp_path / "squad-dev", ENGLISH) == "en"


@pytest.mark.slow
def test_real_questions_reach_what_was_measured() -> None:
    data = os.environ.get("RAGSITE_EVALUATION_DATA")
    if not data:
        pytest.skip("RAGSITE_EVALUATION_DATA names no folder with evaluation sets")
    report = run("--beir", Path(data) / "xquad-en", "--queries", 300)
    assert report["fused"]["ndcg@10"] >= 0.97
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
