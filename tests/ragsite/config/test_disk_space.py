"""Nothing is written to an embedded database whose disk is nearly full; questions are answered all the same."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any, cast

import pytest
from procrastinate.job_context import JobContext
from pytest_django import Settings

from documents import jobs
from querying.cachestore.background_writer import Background
from ragsite.config import disk_space
from ragsite.errors import StorageFull


@pytest.fixture(autouse=True)
def embedded(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "postgres").mkdir()
    settings.VAR_DIR = tmp_path
    monkeypatch.setitem(settings.DATABASES["default"], "HOST", str(tmp_path / "postgres"))
    monkeypatch.setattr(disk_space, "LOOK_SECONDS", -1.0)
    return tmp_path / "postgres"


@pytest.fixture
def free(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> Any:
    settings.FREE_DISK_FLOOR_BYTES = 1000

    def set_free(count: int) -> None:
        monkeypatch.setattr(disk_space, "free_bytes", lambda folder: count)

    return set_free


def test_indexing_waits_below_the_floor_and_records_at_a_tenth_of_it(free: Any) -> None:
    free(1000)
    disk_space.require_room_in_database()
    free(999)
    with pytest.raises(StorageFull, match="nearly full"):
        disk_space.require_room_in_database()
    assert disk_space.has_room_for_records()
    free(99)
    assert not disk_space.has_room_for_records()


def test_jobs_are_put_off(free: Any) -> None:
    free(10)
    with pytest.raises(StorageFull):
        jobs.build_index.func(space_id=1)
    with pytest.raises(StorageFull):
        jobs.index.func(cast(JobContext, None), document_id="x", corpus_id=1)


def test_the_background_stores_nothing_and_says_so_once(
    free: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    stored: list[int] = []
    monkeypatch.setattr("querying.cachestore.background_writer._stores", [lambda: stored.append(1)])
    background = Background()
    free(10)
    with caplog.at_level(logging.WARNING):
        background.store()
        background.store()
    assert stored == []
    assert len(caplog.records) == 1
    free(5000)
    background.store()
    assert stored == [1]


def test_another_server_is_not_judged_by_our_disk(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.FREE_DISK_FLOOR_BYTES = 2**62
    assert not disk_space.has_room_for_records()
    monkeypatch.setitem(settings.DATABASES["default"], "HOST", "database.example")
    assert disk_space.has_room_for_records()


def test_nor_is_one_whose_folder_is_elsewhere(settings: Settings, embedded: Path) -> None:
    settings.FREE_DISK_FLOOR_BYTES = 2**62
    embedded.rmdir()
    assert disk_space.has_room_for_records()


def test_a_look_counts_for_a_moment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(disk_space, "LOOK_SECONDS", 60.0)
    looked: list[Path] = []
    usage = type("Usage", (), {"free": 7})

    def look(folder: Path) -> Any:
        looked.append(folder)
        return usage

    monkeypatch.setattr("ragsite.config.disk_space.shutil.disk_usage", look)
    assert [disk_space.free_bytes(tmp_path) for _ in range(3)] == [7, 7, 7]
    assert looked == [tmp_path]
