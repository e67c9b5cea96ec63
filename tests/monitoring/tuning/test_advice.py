"""Advice that fits the machine, and settings that can always be put back; on a Postgres of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from monitoring.tuning.advice import GB, MB, Setting, advise, as_number, compare
from monitoring.tuning.machine_resources import Resources, machine_resources
from monitoring.tuning.report import propose
from monitoring.tuning.server_settings import TuningRefused
from ragsite.paths import PROJECT

pytestmark = pytest.mark.xdist_group("tuning")  # its Postgres is one for the module
SERVER = Resources(memory_bytes=16 * GB, cores=8)


def advised(resources: Resources = SERVER, *, needed: int = 30, is_shared: bool = False) -> dict[str, str]:
    advice = advise(resources, connections_needed=needed, is_shared=is_shared)
    assert all(each.reason for each in advice)
    return {each.name: each.value for each in advice}


def test_a_server_of_its_own_gets_the_usual_shares() -> None:
    found = advised()
    assert (found["shared_buffers"], found["effective_cache_size"]) == ("4096MB", "12288MB")
    assert (found["maintenance_work_mem"], found["work_mem"]) == ("1024MB", "20MB")
    assert (found["max_parallel_workers"], found["max_parallel_workers_per_gather"]) == ("8", "4")
    assert (found["random_page_cost"], found["jit"]) == ("1.1", "off")


def test_beside_ragsite_and_models_less_is_taken_for_granted() -> None:
    assert advised(is_shared=True)["effective_cache_size"] == "8192MB"


def test_tiny_and_huge_machines_stay_within_reason() -> None:
    tiny, huge = advised(Resources(512 * MB, 1)), advised(Resources(1024 * GB, 128))
    assert (tiny["shared_buffers"], tiny["work_mem"], tiny["max_parallel_workers_per_gather"]) == ("128MB", "4MB", "1")
    assert (huge["shared_buffers"], huge["work_mem"], huge["maintenance_work_mem"]) == ("16384MB", "64MB", "2048MB")


@pytest.mark.parametrize(("needed", "expected"), [(30, "100"), (97, "100"), (98, "110"), (213, "220")])
def test_there_are_connections_for_every_pool_and_for_superusers(needed: int, expected: str) -> None:
    assert advised(needed=needed)["max_connections"] == expected


def test_safety_is_never_traded_for_speed() -> None:
    assert advised().keys().isdisjoint({"fsync", "synchronous_commit", "full_page_writes"})


def test_only_what_differs_is_changed_and_connections_are_never_taken_away() -> None:
    advice = advise(SERVER, connections_needed=30, is_shared=False)
    changes = compare(
        advice,
        {
            "shared_buffers": Setting("4GB", needs_restart=True),
            "max_connections": Setting("500", needs_restart=True),
            "jit": Setting("on", needs_restart=False),
        },
    )
    assert {change.name: change.differs for change in changes} == {
        "shared_buffers": False,  # 4GB is 4096MB
        "max_connections": False,
        "jit": True,
    }


@pytest.mark.parametrize(
    ("text", "number"), [("1GB", 1024**3), ("4096MB", 4 * 1024**3), ("64kB", 65536), ("1.1", 1.1), ("off", "off")]
)
def test_sizes_are_read_as_postgres_writes_them(text: str, number: object) -> None:
    assert as_number(text) == number


# What a container may use.


def test_limits_of_a_container_count(tmp_path: Path) -> None:
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/self/cgroup").write_text("0::/\n")
    (tmp_path / "sys/fs/cgroup").mkdir(parents=True)
    (tmp_path / "sys/fs/cgroup/memory.max").write_text("1073741824\n")
    (tmp_path / "sys/fs/cgroup/cpu.max").write_text("50000 100000\n")
    assert machine_resources(tmp_path) == Resources(1024**3, 1)


def test_the_tightest_limit_on_the_way_up_counts(tmp_path: Path) -> None:
    for folder, limit in {"": "max", "system": "536870912", "system/ours": "max"}.items():
        (tmp_path / "sys/fs/cgroup" / folder).mkdir(parents=True, exist_ok=True)
        (tmp_path / "sys/fs/cgroup" / folder / "memory.max").write_text(limit)
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/self/cgroup").write_text("0::/system/ours\n")
    assert machine_resources(tmp_path).memory_bytes == 536870912


def test_control_groups_of_the_first_version_count_too(tmp_path: Path) -> None:
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/self/cgroup").write_text("4:memory:/box\n1:cpu,cpuacct:/box\n")
    (tmp_path / "sys/fs/cgroup/memory/box").mkdir(parents=True)
    (tmp_path / "sys/fs/cgroup/memory/box/memory.limit_in_bytes").write_text("268435456")
    (tmp_path / "sys/fs/cgroup/cpu/box").mkdir(parents=True)
    (tmp_path / "sys/fs/cgroup/cpu/box/cpu.cfs_quota_us").write_text("100000")
    (tmp_path / "sys/fs/cgroup/cpu/box/cpu.cfs_period_us").write_text("100000")
    assert machine_resources(tmp_path) == Resources(268435456, 1)


def test_without_limits_it_is_the_machine(tmp_path: Path) -> None:
    assert machine_resources(tmp_path).memory_bytes == os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


# The command, on an embedded server of its own.


# `manage.py` as `tune_postgres` is run: with the rights of the server's owner.
AS_OWNER = (
    "-c",
    "from ragsite.postgres import embedded_server; embedded_server.ensure_running(as_owner=True);"
    "import manage; manage.main()",
)


@dataclass(frozen=True)
class Home:
    """A folder in which manage.py keeps a Postgres of its own."""

    folder: Path

    def run(
        self, *arguments: str, program: Sequence[str] = ("manage.py",), **environment: str
    ) -> subprocess.CompletedProcess[str]:
        kept = {name: value for name, value in os.environ.items() if name not in {"DATABASE_URL", "TEST_DATABASE_URL"}}
        return subprocess.run(
            [sys.executable, *program, *arguments],
            cwd=PROJECT,
            env={**kept, "VAR_DIR": str(self.folder), **environment},
            capture_output=True,
            text=True,
            timeout=110,
        )

    def steps(self, script: str) -> list[dict[str, Any]]:
        """Return what the steps of a script found, each a Tuning."""
        script = (
            f"from monitoring.tuning.report import *; import json; print(json.dumps([x.as_dict() for x in {script}]))"
        )
        done = self.run("shell", "-v", "0", "-c", script, program=AS_OWNER)
        assert done.returncode == 0, done.stderr
        steps: list[dict[str, Any]] = json.loads(done.stdout)
        return steps


@pytest.fixture(scope="module")
def home() -> Iterator[Home]:
    # Not in pytest's folder: every other run closes that to all users but its own, and Postgres is another one.
    with tempfile.TemporaryDirectory(prefix="ragsite-tune-") as folder:
        Path(folder).chmod(0o755)
        yield Home(Path(folder).resolve())


def settings_of(tuning: dict[str, Any]) -> dict[str, str]:
    return {each["name"]: each["current"] for each in tuning["settings"]}


def test_settings_are_applied_to_the_embedded_server_and_put_back(home: Home) -> None:
    look = 'propose(memory="2GB", cores=2)'
    before, applied, after, again, restored, last = home.steps(
        f"({look}, apply_tuning({look}), {look}, apply_tuning({look}), restore_tuning(), {look})"
    )
    assert "restarted" in applied["done"][1]
    assert "shared_buffers" in applied["done"][1]
    assert (settings_of(before)["shared_buffers"], settings_of(after)["shared_buffers"]) == ("256MB", "512MB")
    assert (settings_of(before)["jit"], settings_of(after)["effective_io_concurrency"]) == ("off", "200")
    assert not any(each["differs"] for each in after["settings"])
    assert again["done"] == ["Nothing to change."]
    assert "restarted" in restored["done"][1]
    assert settings_of(last) == settings_of(before)


def test_to_look_changes_nothing_and_without_a_backup_nothing_is_restored(home: Home) -> None:
    shown = home.run("tune_postgres", "--memory", "2GB", "--cores", "2")
    assert shown.returncode == 0, shown.stderr
    assert "256MB -> 512MB" in shown.stdout
    done = home.run("tune_postgres", "--restore")
    assert done.returncode == 1
    assert "no backup" in done.stderr


def test_a_server_in_use_is_not_restarted(home: Home) -> None:
    other = "__import__('psycopg').connect(__import__('os').environ['DATABASE_URL'])"
    look = 'propose(memory="2GB", cores=2)'
    applied, after, restored = home.steps(f"(lambda other: (apply_tuning({look}), {look}, restore_tuning()))({other})")
    assert "Stop `serve` and start it again" in applied["done"][1]
    assert (settings_of(after)["shared_buffers"], settings_of(after)["effective_io_concurrency"]) == ("256MB", "200")
    assert "Stop `serve`" in restored["done"][1]


def test_whoever_is_no_superuser_is_told_so_and_changes_nothing(home: Home) -> None:
    script = "from monitoring.tuning.report import apply_tuning, propose;apply_tuning(propose(memory='3GB', cores=2))"
    done = home.run("shell", "-v", "0", "-c", script)
    assert done.returncode != 0
    assert "TuningRefused: The user of DATABASE_URL is not a superuser" in done.stderr
    assert list((home.folder / "postgres-settings").glob("*.json")) == []


def test_a_server_elsewhere_needs_to_be_described(home: Home) -> None:
    done = home.run("tune_postgres", DATABASE_URL="postgresql://somebody@192.0.2.1:5432/x")
    assert done.returncode == 1
    assert "--memory 16GB --cores 4" in done.stderr


@pytest.mark.parametrize("memory", ["lots", "12", "-1GB", "10MB"])
def test_nonsense_is_refused(memory: str) -> None:
    with pytest.raises(TuningRefused, match="is no memory of a server"):
        propose(memory=memory, cores=2)
