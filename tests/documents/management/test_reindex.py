"""`manage.py reindex`: its output, its exit code, and that nothing is lost when it is killed."""

from __future__ import annotations

import io
import json
import signal
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from documents.models import Corpus, Embedding
from documents.reindexing.report import Progress
from documents.reindexing.target import SpaceRequest, target_of
from documents.vectors.index_progress import Build
from documents.vectors.spaces import live_space_of
from ragsite.errors import InvalidInput
from tests.documents.reindexing.second_space import Embedder, corpus, embedder, is_complete, vectors_in
from tests.factories import make_corpus
from tests.stock import stock
from tests.workers import end, start_command, wait_until

__all__ = ["corpus", "embedder"]
pytestmark = pytest.mark.django_db(transaction=True)


def run(corpus: Corpus, *options: str) -> tuple[int, dict[str, Any]]:
    """Return exit code and report of `reindex --json`."""
    out, code = io.StringIO(), 0
    try:
        call_command("reindex", f"{corpus.tenant.slug}/{corpus.slug}", *options, "--json", stdout=out)
    except SystemExit as exc:
        code = int(exc.code or 0)
    return code, json.loads(out.getvalue())


def text_of(corpus: Corpus, *options: str) -> str:
    out = io.StringIO()
    call_command("reindex", corpus.slug, *options, stdout=out)
    return out.getvalue()


def test_it_says_what_it_did_and_what_it_found(corpus: Corpus, embedder: Embedder) -> None:
    code, report = run(corpus, "--dimensions", "128")
    assert (code, report["result"]) == (0, "shadow")
    assert report["comparison"]["questions"] == 40
    assert report["space"]["measured"]["recall"]["recall_at_10"] == 1.0
    code, report = run(corpus, "--promote")
    assert (code, report["result"], report["space"]["status"]) == (0, "promoted", "live")
    code, status = run(corpus, "--status")
    assert [space["status"] for space in status["spaces"]] == ["live", "retired"]
    live = status["spaces"][0]
    assert (live["chunks_covered"], live["chunks_total"], live["dimensions"]) == (40, 40, 128)
    assert live["index"] == {"state": "exact", "bytes": 0, "building": None}
    assert live["settings"] == {"keep_first": 128}
    assert run(corpus, "--rollback")[1]["result"] == "rolled_back"
    assert "measured" in run(corpus, "--measure")[1]["spaces"][1]
    assert [space["status"] for space in run(corpus, "--drop-retired")[1]["spaces"]] == ["live"]


def test_people_read_sentences(corpus: Corpus, embedder: Embedder) -> None:
    assert "Nothing would change" in text_of(corpus)
    told = text_of(corpus, "--shorten-to", "64", "--rerank", "2")
    assert "--promote makes it live" in told
    assert "recall@10 of its index: 1.000 (40 questions, 40 chunks, exact" in told
    assert "live -> new: recall@10" in told
    status = text_of(corpus, "--status")
    assert "shadow" in status
    assert "indexed by the first 64, rerank 2" in status
    assert "40 of 40 chunks; index: exact" in status
    assert "shadow" not in text_of(corpus, "--drop-unfinished")
    empty = make_corpus(with_space=False)
    assert "No space yet" in text_of(empty, "--status")


def test_a_refused_space_is_exit_code_1_with_the_figures(corpus: Corpus, embedder: Embedder) -> None:
    embedder.is_nonsense = True
    code, report = run(corpus, "--dimensions", "128", "--promote")
    assert (code, report["result"], report["why"]) == (1, "refused", "It finds less than the live space.")
    assert report["comparison"]["is_worse"] is True
    assert run(corpus, "--promote", "--force")[0] == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--model", "wordllama", "--provider", "ollama", "--shorten-to", "4"], "say nothing"),
        (["--provider", "embedded", "--model", "bge-m3"], "one model"),
        (["--dimensions", "300"], "256 dimensions"),
        (["--shorten-to", "512"], "shorten to less"),
        (["--quantise", "binary", "--rerank", "1000"], "rerank is"),
        (["--rollback"], "no retired space"),
    ],
)
def test_what_can_not_be_done_is_told_in_a_sentence(corpus: Corpus, options: list[str], message: str) -> None:
    with pytest.raises(CommandError, match=message):
        run(corpus, *options)
    assert corpus.spaces.count() == 1


def test_an_unknown_corpus_is_told() -> None:
    with pytest.raises(CommandError, match="There is no corpus"):
        call_command("reindex", "nowhere")


def test_settings_of_the_index_alone_keep_the_model(corpus: Corpus, settings: Settings) -> None:
    settings.OLLAMA_BASE_URLS = ["http://127.0.0.1:9"]
    settings.EMBED_MODEL = "bge-m3"
    assert target_of(corpus, SpaceRequest()).model == "bge-m3"
    assert target_of(corpus, SpaceRequest(quantise="binary")).model == "wordllama"
    live = live_space_of(corpus)
    live.index_settings = {"m": 8, "quantise": "binary", "rerank": 9, "query_prefix": "Q"}
    live.save()
    assert target_of(corpus, SpaceRequest(quantise="none")).index_settings == {"m": 8, "query_prefix": "Q"}
    assert target_of(corpus, SpaceRequest(model="nomic-embed-text")).index_settings == {}
    with pytest.raises(InvalidInput):
        target_of(corpus, SpaceRequest(quantise="pq"))


def test_a_killed_run_goes_on_where_it_was(corpus: Corpus) -> None:
    name = f"{corpus.tenant.slug}/{corpus.slug}"
    arguments = ("reindex", name, "--dimensions", "128", "--promote")
    batch = {"OLLAMA_EMBED_BATCH_SIZE": "2"}
    assert end(start_command(*arguments, RAGSITE_CHECKPOINT="filled_batch:2:kill", **batch)) == -signal.SIGKILL
    space = corpus.spaces.get(status="building")
    assert vectors_in(space) == 32
    assert end(start_command(*arguments, RAGSITE_CHECKPOINT="switching:1:kill", **batch)) == -signal.SIGKILL
    space.refresh_from_db()
    assert (space.status, vectors_in(space)) == ("shadow", 40)
    assert live_space_of(corpus) != space  # the switch is all or nothing
    assert end(start_command(*arguments, **batch)) == 0
    assert live_space_of(corpus) == space
    assert is_complete(corpus)


def test_ctrl_c_ends_it_after_the_batch_and_says_so(corpus: Corpus) -> None:
    stock(corpus, *[f"many more {number}" for number in range(400)])
    process = start_command("reindex", corpus.slug, "--dimensions", "128", OLLAMA_EMBED_BATCH_SIZE="1")
    wait_until(lambda: Embedding.objects.filter(space__status="building").exists())
    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "Stopped before the end" in error
    assert 0 < vectors_in(corpus.spaces.get(status="building")) < 440


def test_progress_is_told_on_a_terminal_and_elsewhere() -> None:
    for is_terminal in (False, True):
        stream = io.StringIO()
        stream.isatty = lambda answer=is_terminal: answer  # type: ignore[misc,method-assign]
        with Progress(stream, lambda: True) as progress:
            progress.stage("embedding", 100)
            for _ in range(10):
                progress.count(10)
            progress.stage("building the index")
            assert progress.on_build(Build(1, "loading tuples", 0.5))
        assert "embedding" in stream.getvalue()
        assert "100 of 100" in stream.getvalue() or "100/100" in stream.getvalue()
        assert "loading tuples" in stream.getvalue()
