"""Every command ends a bad argument in one sentence that is true: what is wrong, and where it helps, what there is."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command, get_commands
from django.test.utils import captured_stderr
from pytest_django import Settings

from documents.models import Corpus
from ragsite.ollama.values import OPERATIONS
from tests.factories import make_corpus, make_user

pytestmark = pytest.mark.django_db
OURS = ("documents", "querying", "monitoring")
OLLAMA = "http://127.0.0.1:9"
# command, arguments, words of the sentence. FOLDER is an empty folder, FILE a text file.
CASES: list[tuple[str, list[str], str]] = [
    ("ask", ["nope", "Why?"], "There is no corpus 'nope'"),
    ("ask", ["manual", " "], "question: ' ' can't be: it must be a text of 1 to 4000 characters"),
    ("ask", ["manual", "x" * 5000], "4000"),
    ("ask", ["manual", "Why?", "--top-k", "0"], "--top-k: '0' can't be: it must be a whole number from 1 to 100"),
    ("ask", ["manual", "Why?", "--deadline-seconds", "nan"], "--deadline-seconds: 'nan'"),
    ("ask", ["manual", "Why?", "--deadline-seconds", "-1"], "--deadline-seconds: '-1'"),
    ("ask", ["manual", "Why?", "--mode", "turbo"], "--mode: invalid choice: 'turbo' (choose from"),
    ("ask", ["manual", "Why?", "--answer-style", "long"], "--answer-style: invalid choice"),
    ("ask", ["manual"], "required: question"),
    ("benchmark", ["nope"], "there is no scenario 'nope'"),
    ("benchmark", ["search", "--rounds", "0"], "--rounds: '0'"),
    ("benchmark", ["compare", "one.json"], "takes two files"),
    ("benchmark", ["compare", "/none/a.json", "/none/b.json"], "/none/a.json"),
    ("benchmark", ["compare", "FILE", "FILE"], "FILE"),
    ("benchmark", ["compare", "FILE", "FILE", "--tolerance", "nan"], "--tolerance: 'nan'"),
    ("benchmark", ["search", "--plot", "curve.png"], "SVG"),
    ("benchmark", ["search", "--peer", "/none/python"], "--peer is for `streams`"),
    ("circuit", ["open", OLLAMA, "fly"], "invalid choice: 'fly'"),
    ("circuit", ["open", "http://unknown:1", OPERATIONS[0]], "unknown:1"),
    ("circuit", ["explode"], "invalid choice: 'explode'"),
    ("create_api_key", ["nobody"], "There is no active user 'nobody'"),
    ("create_api_key", ["somebody", "--expires-days", "0"], "--expires-days: '0'"),
    ("create_api_key", ["somebody", "--scope", "everything"], "--scope: invalid choice"),
    ("drain_host", ["http://unknown:1"], "unknown:1"),
    ("drain_host", ["no address"], "no address"),
    ("drill", ["nope"], "invalid choice: 'nope'"),
    ("evaluate", ["--beir", "/none"], "/none is not such a set: /none/qrels/test.tsv: No such file or directory"),
    ("evaluate", ["--beir", "FOLDER"], "FOLDER is not such a set: FOLDER/qrels/test.tsv: No such file or directory"),
    ("evaluate", ["--beir", "FILE"], "FILE is not such a set: FILE/qrels/test.tsv: Not a directory"),
    ("evaluate", ["--answers", "/none"], "No such file or directory"),
    ("evaluate", ["--spans", "/none"], "No such file or directory"),
    ("evaluate", ["--gate", "/none"], "No such file or directory"),
    ("evaluate", ["semantic-cache", "--pairs", "/none"], "/none is not such a set: /none: No such file or directory"),
    ("evaluate", ["semantic-cache", "--pairs", "FILE"], "FILE is not such a set"),
    ("evaluate", ["semantic-cache", "--threshold", "2"], "--threshold: '2'"),
    ("evaluate", ["--beir", "FOLDER", "--queries", "-1"], "--queries: '-1'"),
    ("evaluate", ["--beir", "FOLDER", "--language", "klingon"], "--language: 'klingon'"),
    ("evaluate", [], "required"),
    ("ingest", ["nope", "FILE"], "There is no corpus 'nope'; --create makes it. There are: acme/manual."),
    ("ingest", ["manual", "FILE", "--language", "klingon"], "has the language 'en' already"),
    ("ingest", ["manual", "FILE", "--language", "de", "--create"], "--language is for a new one"),
    ("ingest", ["manual", "FILE", "--public"], "is not public; --public is for a new one"),
    ("ingest", ["new", "FILE", "--create", "--language", "klingon"], "ISO 639-1"),
    ("ingest", ["a/b/c", "FILE", "--create"], "can't be a corpus' name"),
    ("ingest", ["manual", "/none/*.md"], "/none/*.md"),
    ("ollama_standin", ["--port", "99999"], "--port: '99999'"),
    ("ollama_standin", ["--port", "0", "--fail", "nonsense"], "nonsense"),
    ("ollama_standin", ["--port", "0", "--fail", "cut,times=many"], "cut,times=many"),
    ("prepare", ["--wait-seconds", "-1"], "--wait-seconds: '-1'"),
    ("profile_query", ["nope", "Why?"], "There is no corpus 'nope'"),
    ("profile_query", ["manual", ""], "question: '' can't be"),
    ("profile_query", ["manual", "Why?", "--repeat", "0"], "--repeat: '0'"),
    ("profile_query", ["manual", "Why?", "--top", "-3"], "--top: '-3'"),
    ("prune_circuit_events", ["--older-than-days", "-1"], "--older-than-days: '-1'"),
    ("prune_circuit_events", ["--older-than-days", "99999"], "from 0 to 36500"),
    ("purge_cache", ["nope"], "There is no corpus 'nope'"),
    ("purge_cache", ["--corpus", "nope"], "There is no corpus 'nope'"),
    ("reindex", ["nope"], "There is no corpus 'nope'. There are: acme/manual."),
    ("reindex", ["manual", "--dimensions", "-1"], "--dimensions: '-1'"),
    ("reindex", ["manual", "--questions", "0"], "--questions: '0'"),
    ("reindex", ["manual", "--margin", "nan"], "--margin: 'nan'"),
    ("reindex", ["manual", "--rerank", "0"], "--rerank: '0'"),
    ("reindex", ["manual", "--provider", "cloud"], "--provider: invalid choice"),
    ("reindex", ["manual", "--promote", "--rollback"], "not allowed with argument"),
    ("serve", ["--port", "99999"], "--port: '99999'"),
    ("serve", ["--port", "abc"], "--port: 'abc'"),
    ("serve", ["--workers", "0"], "--workers: '0'"),
    ("serve", ["--threads", "0"], "--threads: '0'"),
    ("serve", ["--ingest-workers", "-1"], "--ingest-workers: '-1'"),
    ("serve", ["--host", "two words"], "--host: 'two words'"),
    ("serve", ["--host", "192.0.2.1"], "HOST is '192.0.2.1', where this machine can't listen"),
    ("serve", ["--threads", "50"], "WEB_THREADS is not above MAX_OPEN_STREAMS"),
    ("tune_postgres", ["--memory", "much"], "much"),
    ("tune_postgres", ["--memory=-1GB"], "-1GB"),
    ("tune_postgres", ["--cores", "-1"], "--cores: '-1'"),
    ("tune_postgres", ["--apply", "--restore"], "not allowed with argument"),
    ("warm_cache", ["nope"], "There is no corpus 'nope'"),
    ("warm_cache", ["manual", "--top", "0"], "--top: '0'"),
    ("warm_cache", ["manual", "--days", "nan"], "--days: 'nan'"),
    ("work", ["--concurrency", "0"], "--concurrency: '0'"),
]


@pytest.fixture
def paths(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file.md").write_text("Thirty days of leave.\n")
    return {"FOLDER": str(tmp_path / "folder"), "FILE": str(tmp_path / "file.md")}


@pytest.mark.parametrize(("name", "arguments", "words"), CASES)
def test_a_bad_argument_ends_in_one_true_sentence(
    name: str, arguments: list[str], words: str, paths: dict[str, str], settings: Settings
) -> None:
    settings.OLLAMA_BASE_URLS = [OLLAMA]
    settings.STATIC_ROOT = Path(paths["FOLDER"])
    settings.VAR_DIR = Path(paths["FOLDER"]) / "var"  # of this test alone: one server at a time holds it
    make_user(username="somebody")
    _manual()
    for place, path in paths.items():
        arguments = [argument.replace(place, path) for argument in arguments]
        words = words.replace(place, path)
    with captured_stderr(), pytest.raises(CommandError) as raised:
        call_command(name, *arguments, stdout=io.StringIO(), stderr=io.StringIO())
    sentence = str(raised.value)
    assert words in sentence
    assert not re.search(r"Error\b(?!: argument|: the following|: one of|: unrecognized)", sentence), (
        "no exception's name"
    )
    assert "Errno" not in sentence
    assert "Traceback" not in sentence


def _manual() -> Corpus:
    corpus = make_corpus(slug="manual", language="en", is_public=False)
    corpus.tenant.slug = "acme"
    corpus.tenant.save()
    return corpus


def test_every_command_has_its_bad_arguments_here() -> None:
    without_arguments: set[str] = set()
    ours = {name for name, app in get_commands().items() if app in OURS}
    assert ours - {name for name, _, _ in CASES} == without_arguments
