"""A reader that misbehaves harms its document, and nothing else."""

from __future__ import annotations

import logging
import os
import socket
from pathlib import Path

import psutil
import pytest
from pytest_django import Settings

from documents.extraction.failures import REASONS
from tests.documents.extraction.reading import read_in_child, refusal_of

CHILD = "tests.documents.extraction.misbehaving"
DEEDS = [
    ("abort", "broken"),
    ("segfault", "broken"),
    ("exit 0", "broken"),  # ends well, and says nothing
    ("exit 3", "broken"),
    ("raise what the file says", "broken"),
    ("recurse", "too_complex"),
    ("allocate", "too_complex"),
]


@pytest.mark.parametrize(("deed", "code"), DEEDS)
def test_a_reader_that_dies_is_reported_with_a_sentence_of_ours(deed: str, code: str) -> None:
    refused = refusal_of(deed.encode(), child=CHILD)

    assert refused.code == code
    assert (refused.code, refused.message) in REASONS.values()


def test_what_an_exception_says_reaches_neither_user_nor_log(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        refused = refusal_of(b"raise what the file says", child=CHILD)

    assert refused.detail.startswith("ValueError in misbehaving.py:")
    assert "what the file says" not in refused.message + refused.detail + caplog.text


@pytest.mark.parametrize("deed", ["loop", "sleep", "drip"])
def test_a_reader_that_hangs_is_stopped_and_gone(deed: str, settings: Settings) -> None:
    settings.EXTRACTION_TIMEOUT_SECONDS = 1

    assert refusal_of(deed.encode(), child=CHILD).code == "timed_out"
    alive = [child for child in psutil.Process().children() if child.status() != psutil.STATUS_ZOMBIE]
    assert not [child for child in alive if CHILD in " ".join(child.cmdline())]


def test_memory_is_limited_to_the_setting(settings: Settings) -> None:
    settings.EXTRACTION_MEMORY_BYTES = 300 * 1024 * 1024

    assert refusal_of(b"flood 100000000", child=CHILD).code == "too_complex"


def test_more_text_than_allowed_is_too_large(settings: Settings) -> None:
    settings.EXTRACTION_MAX_CHARS = 1000

    assert len(read_in_child(b"flood 100", child=CHILD).text) == 499
    assert refusal_of(b"flood 300", child=CHILD).code == "too_large"


def test_what_a_library_prints_is_no_part_of_the_text() -> None:
    assert read_in_child(b"flood 2", child=CHILD).text == "word word"


def test_a_file_beyond_a_quarter_of_the_memory_is_refused_unread(settings: Settings) -> None:
    settings.EXTRACTION_MEMORY_BYTES = 4000

    assert refusal_of(b"word " * 300).code == "too_large"


def test_the_child_sees_no_environment_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://secret")
    text = read_in_child(b"environment", child=CHILD).text

    assert "DATABASE_URL" not in text
    assert "SECRET_KEY" not in text


def test_the_child_loads_no_django() -> None:
    modules = read_in_child(b"modules", child=CHILD).text.split()

    assert not [name for name in modules if name.split(".")[0] in {"django", "psycopg", "lxml", "docx", "pypdfium2"}]


@pytest.mark.skipif(os.name != "posix" or not Path("/proc/self/status").exists(), reason="needs Linux")
def test_the_child_can_gain_no_rights() -> None:
    assert "NoNewPrivs: 1" in read_in_child(b"limits", child=CHILD).text.replace("\t", " ")


def test_the_child_writes_no_file(tmp_path: Path) -> None:
    assert read_in_child(f"write {tmp_path / 'x'}".encode(), child=CHILD).text.startswith("refused")


def test_the_child_loads_no_library_that_starts_threads() -> None:
    """Where it may not start any (everywhere but as root), numpy would end the process."""
    assert read_in_child(b"import numpy", child=CHILD).text.startswith("refused")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may always start processes")
def test_the_child_starts_no_process() -> None:
    assert read_in_child(b"fork", child=CHILD).text.startswith("refused")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may surely cut a process off the network")
def test_the_child_has_no_network() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        deed = f"connect 127.0.0.1:{server.getsockname()[1]}"
        assert read_in_child(deed.encode(), child=CHILD).text.startswith("refused")


@pytest.mark.parametrize(("code", "message"), REASONS.values())
def test_every_reason_says_what_happened_and_what_to_do(code: str, message: str) -> None:
    assert code in {
        *("encrypted", "no_text", "broken", "empty", "too_large", "unknown_type", "timed_out", "too_complex"),
        "unknown_encoding",
    }
    assert message.endswith(".")
    assert any(verb in message for verb in ("upload", "Upload"))
