"""`manage.py ingest`: indexes files and folders, and skips what didn't change."""

from __future__ import annotations

import io
import json
import os
import shutil
import signal
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from documents.indexing import batch_pipeline, versions
from documents.models import Corpus, Document
from documents.uploads import folder_import
from documents.uploads.folder_import import Ingested, find_files, ingest_paths
from documents.uploads.import_report import Progress
from documents.vectors.embedding import embed_passages
from monitoring.lab.ollama_simulator.running import StandIn
from ragsite.errors import OllamaUnavailable
from tests.factories import make_corpus
from tests.uploads import make_text, upload, waiting_jobs
from tests.workers import start_command, wait_until

pytestmark = pytest.mark.django_db


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "manual"
    for name, text in {
        "start.md": "# Start\n\nPress the green button.",
        "pay/rates.txt": "The rate is 12 per hour.",
        "pay/.draft.txt": "hidden",
        ".git/config": "hidden",
    }.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def run(*arguments: str | Path) -> tuple[int, dict[str, Any]]:
    """Return exit code and report of `ingest --json`."""
    out = io.StringIO()
    code = 0
    try:
        call_command("ingest", *map(str, arguments), "--json", stdout=out)
    except SystemExit as exc:
        code = int(exc.code or 0)
    return code, json.loads(out.getvalue())


def statuses(report: dict[str, Any]) -> dict[str, str]:
    return {Path(done["file"]).name: done["status"] for done in report["documents"]}


def test_a_folder_is_indexed_with_what_is_below_it_except_hidden_files(folder: Path) -> None:
    make_corpus(slug="handbook")
    code, report = run("handbook", folder)
    assert code == 0
    assert statuses(report) == {"start.md": "ready", "rates.txt": "ready"}
    assert report["documents"][0].keys() == {"file", "status", "error_code", "chunks"}
    assert (report["ready"], report["failed"], report["unchanged"]) == (2, 0, 0)
    assert report["bytes"] == sum((folder / name).stat().st_size for name in ("start.md", "pay/rates.txt"))
    assert report["seconds"] > 0
    assert set(Document.objects.values_list("source", "status")) == {
        ("manual/start.md", "ready"),
        ("manual/pay/rates.txt", "ready"),
    }
    assert waiting_jobs() == []


def test_repeating_it_does_only_what_changed(folder: Path) -> None:
    make_corpus(slug="handbook")
    run("handbook", folder)
    before = dict(Document.objects.values_list("source", "pk"))
    (folder / "start.md").write_text("# Start\n\nPress the red button.")
    (folder / "new.txt").write_text("Something new.")
    code, report = run("handbook", folder)
    assert code == 0
    assert statuses(report) == {"start.md": "ready", "rates.txt": "unchanged", "new.txt": "ready"}
    after = dict(Document.objects.values_list("source", "pk"))
    assert before.items() <= after.items()
    changed = Document.objects.get(source="manual/start.md")
    (chunk,) = changed.chunks.all()
    assert "red" in chunk.text


def test_a_file_that_became_a_copy_of_another_one_takes_its_old_text_along(folder: Path) -> None:
    corpus = make_corpus(slug="handbook")
    run("handbook", folder)
    (folder / "start.md").write_text((folder / "pay/rates.txt").read_text())
    assert run("handbook", folder)[1]["unchanged"] == 2
    assert list(corpus.documents.filter(deleted_at=None).values_list("source", flat=True)) == ["manual/pay/rates.txt"]


def test_files_and_globs_may_be_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder.parent)
    found = find_files(["manual/start.md", "manual/**/*.txt", folder / "pay" / "rates.txt", "./manual"])
    assert [(file.path.name, file.source) for file in found] == [
        ("start.md", "manual/start.md"),
        ("rates.txt", "manual/pay/rates.txt"),
    ]
    assert find_files([folder / "start.md"])[0].source == "start.md"
    assert find_files(["."])[0].source.startswith(folder.parent.name + "/manual/")


def test_a_path_where_nothing_is_stops_it_before_it_begins(folder: Path) -> None:
    make_corpus(slug="handbook")
    with pytest.raises(CommandError, match="no file at /nowhere"):
        run("handbook", folder, "/nowhere")
    assert not Document.objects.exists()


def test_files_that_fail_are_named_with_their_reason_and_the_others_are_indexed(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make_corpus(slug="handbook")
    (folder / "empty.txt").write_bytes(b"")
    code, report = run("handbook", folder)
    assert code == 1
    assert statuses(report) == {"start.md": "ready", "rates.txt": "ready", "empty.txt": "failed"}
    failed = next(done for done in report["documents"] if done["status"] == "failed")
    assert failed["error_code"] == "empty"
    assert failed["error"]
    out = io.StringIO()
    with pytest.raises(SystemExit):
        call_command("ingest", "handbook", str(folder), stdout=out)
    assert "empty.txt" in out.getvalue()
    assert "empty:" in out.getvalue()
    assert "3 of 3 files" in capsys.readouterr().err


def test_a_file_too_large_or_unreadable_is_a_failure_of_that_file(folder: Path, settings: Any) -> None:
    make_corpus(slug="handbook")
    settings.UPLOAD_MAX_BYTES = 1000
    (folder / "large.txt").write_text("x" * 1001)
    (folder / "gone.txt").symlink_to("/proc/self/mem")
    code, report = run("handbook", folder)
    assert code == 1
    assert {done["error_code"] for done in report["documents"]} == {"", "too_large", "unreadable"}
    assert report["ready"] == 2


def test_an_unknown_corpus_is_an_error_that_names_the_known_ones(folder: Path) -> None:
    corpus = make_corpus(slug="handbook")
    with pytest.raises(CommandError, match=f"{corpus.tenant.slug}/handbook"):
        run("manual", folder)


def test_a_corpus_is_made_on_request(folder: Path) -> None:
    code, report = run("manual", folder, "--create", "--language", "de", "--public")
    assert (code, report["ready"]) == (0, 2)
    corpus = Corpus.objects.get()
    assert (corpus.slug, corpus.tenant.slug, corpus.language, corpus.is_public) == ("manual", "default", "de", True)
    assert run("manual", folder, "--create")[1]["unchanged"] == 2
    run("acme/manual", folder, "--create")
    assert Corpus.objects.filter(tenant__slug="acme", slug="manual").exists()


@pytest.mark.parametrize("arguments", [["a b", "--create"], ["x", "--create", "--language", "german"]])
def test_a_corpus_that_can_not_be_is_refused(folder: Path, arguments: list[str]) -> None:
    with pytest.raises(CommandError):
        run(arguments[0], folder, *arguments[1:])
    assert not Corpus.objects.exists()


def test_the_indexing_may_be_left_to_the_workers(folder: Path) -> None:
    make_corpus(slug="handbook")
    code, report = run("handbook", folder, "--enqueue")
    assert (code, report["processing"]) == (0, 2)
    assert len(waiting_jobs()) == 2


def test_a_document_that_waits_since_a_crash_is_indexed_now(folder: Path) -> None:
    corpus = make_corpus(slug="handbook")
    upload(corpus, (folder / "pay/rates.txt").read_text(), enqueued=False)
    assert statuses(run("handbook", folder)[1])["rates.txt"] == "ready"


def test_a_model_that_is_away_leaves_the_documents_to_the_workers(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*arguments: Any, **options: Any) -> None:
        raise OllamaUnavailable

    monkeypatch.setattr(versions, "embed_passages", refuse)
    monkeypatch.setattr(versions, "SHORT_WAITS_SECONDS", ())
    make_corpus(slug="handbook")
    code, report = run("handbook", folder)
    assert (code, report["processing"], report["failed"]) == (1, 2, 0)
    assert {done["error_code"] for done in report["documents"]} == {"waiting_for_model"}
    assert len(waiting_jobs()) == 2


def test_what_nobody_expected_fails_that_document_only(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def break_on_rates(space: Any, texts: Any, **options: Any) -> Any:
        if any("rate" in text for text in texts):
            raise ValueError("unexpected")
        return embed_passages(space, texts, **options)

    monkeypatch.setattr(versions, "embed_passages", break_on_rates)
    make_corpus(slug="handbook")
    code, report = run("handbook", folder)
    assert code == 1
    assert statuses(report) == {"start.md": "ready", "rates.txt": "failed"}


def test_it_stops_after_the_group_that_it_has_begun_with(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch_pipeline, "GROUP_FILES", 1)
    for number in range(5):
        (folder / f"{number}.txt").write_text(f"Number {number}.")
    corpus = make_corpus()
    done: list[Ingested] = []
    report = ingest_paths(corpus, [folder], on_file=done.append, keep_going=lambda: not done)
    assert report.stopped
    assert 1 <= report.ready == len(report.documents) < 7
    assert not Document.objects.exclude(status="ready").exists()
    assert ingest_paths(corpus, [folder]).ready == 7 - report.ready


def test_small_files_are_indexed_together(
    folder: Path, monkeypatch: pytest.MonkeyPatch, django_assert_max_num_queries: Any
) -> None:
    sizes: list[int] = []

    def embed(space: Any, texts: Any, **options: Any) -> Any:
        sizes.append(len(texts))
        return embed_passages(space, texts, **options)

    monkeypatch.setattr(versions, "embed_passages", embed)
    shutil.rmtree(folder)
    folder.mkdir()
    for number in range(60):
        (folder / f"{number:02}.txt").write_text(f"Paragraph number {number} of sixty.")
    (folder / "30-empty.txt").write_bytes(b"")
    (folder / "31-large.txt").write_text(make_text(200))
    (folder / "32-copy.txt").write_text("Paragraph number 7 of sixty.")
    corpus = make_corpus()
    done: list[Ingested] = []
    with django_assert_max_num_queries(62 * 20):  # three times as many when each goes by itself
        report = ingest_paths(corpus, [folder], on_file=done.append)
    assert [Path(each.file).name for each in report.documents] == sorted(path.name for path in folder.iterdir())
    assert {Path(each.file).name: each.status for each in done if each.status != "ready"} == {
        "30-empty.txt": "failed",
        "32-copy.txt": "unchanged",
    }
    assert (report.ready, report.failed, report.unchanged) == (61, 1, 1)
    assert sorted(done, key=lambda each: each.file) == list(report.documents)
    assert sum(size for size in sizes if size > 1) >= 60


def test_of_two_files_with_one_name_the_second_one_counts(folder: Path, tmp_path: Path) -> None:
    corpus = make_corpus()
    other = tmp_path / "other" / "manual"
    other.mkdir(parents=True)
    (other / "start.md").write_text("# Start\n\nPress the blue button.")
    report = ingest_paths(corpus, [folder, other])
    assert (report.ready + report.unchanged, len(report.documents)) == (3, 3)
    (chunk,) = corpus.documents.get(source="manual/start.md").chunks.all()
    assert "blue" in chunk.text


def test_signals_are_noticed_and_their_handlers_put_back() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with folder_import.stopped_by_signals() as keep_going:
        assert keep_going()
        os.kill(os.getpid(), signal.SIGTERM)
        assert not keep_going()
    assert signal.getsignal(signal.SIGTERM) is before


def test_progress_is_a_bar_on_a_terminal_and_lines_elsewhere() -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    def advance(stream: io.StringIO) -> str:
        with Progress(stream) as progress:
            progress.start(40)
            for _ in range(40):
                progress.advance(Ingested("a.txt", "ready"))
        return stream.getvalue()

    assert advance(io.StringIO()) == "20 of 40 files\n40 of 40 files\n"
    bar = advance(Terminal())
    assert "40/40" in bar
    assert "file/s" in bar


@pytest.mark.django_db(transaction=True)
def test_sigterm_ends_the_command_after_the_current_file(tmp_path: Path) -> None:
    make_corpus(slug="handbook", with_space=False)
    for number in range(20):
        (tmp_path / f"{number:02}.txt").write_text(make_text(200, seed=number))
    with StandIn(["nomic-embed-text"], embed_seconds=0.1) as standin:
        process = start_command("ingest", "handbook", str(tmp_path), "--json", OLLAMA_BASE_URL=standin.url)
        wait_until(lambda: Document.objects.filter(status="ready").exists())
        process.terminate()
        out, _ = process.communicate(timeout=30)
    assert process.returncode == 1
    report = json.loads(out)
    assert report["stopped"]
    assert 1 <= report["ready"] == Document.objects.count() < 20
    assert not Document.objects.exclude(status="ready").exists()
