"""A reader that misbehaves harms its document, and nothing else."""

from __future__ import annotations

import logging

import pytest
from pytest_django import Settings

from documents.extraction.failures import REASONS
from documents.extraction.process import limits as process_limits
from documents.extraction.process.limits import limits_for
from tests.documents.extraction.reading import MISBEHAVING as CHILD
from tests.documents.extraction.reading import read_in_child, refusal_of, running_children

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
    assert running_children() == []


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


def test_the_child_loads_no_django() -> None:
    modules = read_in_child(b"modules", child=CHILD).text.split()

    assert not [name for name in modules if name.split(".")[0] in {"django", "psycopg"}]


def test_the_child_loads_no_library_that_starts_threads() -> None:
    """It may not start any: numpy would end the process."""
    assert read_in_child(b"import numpy", child=CHILD).text.startswith("refused")


def test_a_module_that_nobody_needed_yet_can_be_loaded() -> None:
    """Readers load codecs and the like when a file asks for them."""
    assert read_in_child(b"import encodings.cp1258", child=CHILD).text == "allowed"


@pytest.mark.parametrize(
    ("size_bytes", "seconds", "wall_seconds", "megabytes"),
    [
        (1, 10, 20, 512),
        (1_000_000, 10, 20, 512),
        (4_900_000, 29, 58, 605),
        (11_000_000, 60, 120, 752),
        (50_000_000, 120, 120, 1024),
    ],
)
def test_time_and_memory_grow_with_the_file(
    size_bytes: int, seconds: int, wall_seconds: int, megabytes: int, settings: Settings
) -> None:
    limits = limits_for(
        size_bytes,
        seconds=settings.EXTRACTION_TIMEOUT_SECONDS,
        memory_bytes=settings.EXTRACTION_MEMORY_BYTES,
        max_chars=settings.EXTRACTION_MAX_CHARS,
    )

    assert (limits.cpu_seconds, limits.wall_seconds) == (seconds, wall_seconds)
    assert limits.memory_bytes // 1024**2 == megabytes


def test_a_small_file_that_takes_for_ever_holds_the_worker_for_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process_limits, "_SMALL_SECONDS", 1)

    assert refusal_of(b"loop", child=CHILD).code == "timed_out"


@pytest.mark.parametrize(("code", "message"), REASONS.values())
def test_every_reason_says_what_happened_and_what_to_do(code: str, message: str) -> None:
    assert code in {
        *("encrypted", "no_text", "broken", "empty", "too_large", "unknown_type", "timed_out", "too_complex"),
        "unknown_encoding",
    }
    assert message.endswith(".")
    assert any(verb in message for verb in ("upload", "Upload"))
