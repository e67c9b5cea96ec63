"""Short ways to read a document in tests."""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path

import psutil
import pytest

from documents.extraction import Extracted, ExtractionFailed, extract
from documents.extraction.content import AssembledText, assemble
from documents.extraction.media_types import recognise
from documents.extraction.process.child import reader_of

MISBEHAVING = "tests.documents.extraction.misbehaving"


def read_here(data: bytes, suffix: str = "") -> AssembledText:
    """Return the text of a document, read in this process."""
    return assemble(reader_of(recognise(data, suffix=suffix))(data), max_chars=10**8)


def read_in_child(data: bytes, name: str = "file", **options: str) -> Extracted:
    """Return what `extract` makes of a document."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(data)
        file.flush()
        return extract(Path(file.name), name=name, **options)


def refusal_of(data: bytes, name: str = "file", **options: str) -> ExtractionFailed:
    """Return why `extract` refuses a document."""
    with pytest.raises(ExtractionFailed) as refused:
        read_in_child(data, name, **options)
    return refused.value


def fork_servers(parent: psutil.Process | None = None) -> list[psutil.Process]:
    """Return the processes that a process (this one) has started to read files."""
    found = []
    for child in (parent or psutil.Process()).children():
        with contextlib.suppress(psutil.NoSuchProcess):
            if child.status() != psutil.STATUS_ZOMBIE and child.cmdline()[-2].endswith((".child", MISBEHAVING)):
                found.append(child)
    return found


def running_children() -> list[psutil.Process]:
    """Return the processes that read a file at this moment."""
    return [child for server in fork_servers() for child in server.children()]
