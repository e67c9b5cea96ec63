"""Files are stored completely or not at all."""

from __future__ import annotations

import errno
import gc
import hashlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from pytest_django import Settings

from documents.models import Document
from documents.storage.file_store import Incoming, path_of, remove_file, sweep_orphans
from ragsite.errors import StorageFull, UploadTooLarge
from tests.factories import make_corpus
from tests.uploads import stored_files, upload


def test_a_kept_file_has_its_bytes_under_a_random_name() -> None:
    incoming = Incoming()
    incoming.write(b"ab")
    incoming.write(b"c")
    stored = incoming.keep()
    assert path_of(stored.key).read_bytes() == b"abc"
    assert stored.sha256 == hashlib.sha256(b"abc").hexdigest()
    assert stored.size_bytes == 3
    assert path_of(stored.key).stat().st_mode & 0o077 == 0
    assert stored_files() == 1


def test_a_file_that_is_not_kept_is_gone() -> None:
    incoming = Incoming()
    incoming.write(b"abc")
    assert stored_files() == 1
    incoming.discard()
    incoming.discard()
    assert stored_files() == 0


def test_a_file_that_is_forgotten_by_everybody_is_gone() -> None:
    Incoming().write(b"abc")
    gc.collect()
    assert stored_files() == 0


def test_a_file_past_the_limit_is_refused_while_it_comes_in(settings: Settings) -> None:
    settings.UPLOAD_MAX_BYTES = 10
    incoming = Incoming()
    incoming.write(b"0123456789")
    with pytest.raises(UploadTooLarge):
        incoming.write(b"x")
    assert stored_files() == 0


def test_no_file_is_begun_below_the_floor_of_free_space(settings: Settings) -> None:
    settings.FREE_DISK_FLOOR_BYTES = 2**62
    with pytest.raises(StorageFull):
        Incoming()
    assert stored_files() == 0


def test_bytes_that_the_disk_lost_are_noticed() -> None:
    incoming = Incoming()
    incoming.write(b"abc")
    incoming.file.flush()
    os.ftruncate(incoming.file.fileno(), 2)
    with pytest.raises(OSError, match="not what was received"):
        incoming.keep()
    assert stored_files() == 0


@pytest.fixture
def small_disk(tmp_path: Path, settings: Settings) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)], capture_output=True)
    if mounted.returncode:
        pytest.skip("mounting needs root")
    settings.MEDIA_ROOT = folder
    settings.FREE_DISK_FLOOR_BYTES = 0
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_leaves_nothing_behind(small_disk: Path) -> None:
    incoming = Incoming()
    with pytest.raises(StorageFull) as raised:
        for _ in range(64):
            incoming.write(b"x" * 65536)
        incoming.keep()
    assert isinstance(raised.value.__cause__, OSError)
    assert raised.value.__cause__.errno == errno.ENOSPC
    assert stored_files() == 0


@pytest.mark.django_db
def test_the_sweep_removes_old_files_without_a_document_and_no_other() -> None:
    document = upload(make_corpus())
    orphan = Incoming()
    orphan.write(b"x")
    orphan_key = orphan.keep().key
    unfinished = Incoming()
    assert sweep_orphans() == 0
    for path in [*Path(django_settings.MEDIA_ROOT).rglob("*")]:
        if path.is_file():
            os.utime(path, (0, 0))
    fresh = Incoming()
    assert sweep_orphans() == 2
    assert path_of(document.file_key).exists()
    assert not path_of(orphan_key).exists()
    assert stored_files() == 2
    unfinished.discard()
    fresh.discard()


@pytest.mark.django_db
def test_the_sweep_removes_the_file_of_a_deleted_document() -> None:
    document = upload(make_corpus())
    key = document.file_key
    Document.objects.filter(pk=document.pk).update(deleted_at="2026-01-01T00:00:00Z", file_key="")
    os.utime(path_of(key), (0, 0))
    assert sweep_orphans() == 1
    remove_file(key)
    remove_file("")
