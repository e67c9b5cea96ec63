"""`manage.py benchmark`, for real: its own Postgres, gunicorn, model server and load; and nothing left of them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ragsite.paths import PROJECT
from tests.monitoring.lab.drills.test_drill import left_behind


def run(folder: Path, *arguments: str) -> tuple[int, str, str]:
    done = subprocess.run(
        [sys.executable, "manage.py", "benchmark", *arguments],
        cwd=PROJECT,
        env={**os.environ, "TMPDIR": str(folder), "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"},
        capture_output=True,
        text=True,
        timeout=230,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_identical_questions_over_two_workers_cost_one_generation(tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    code, output, told = run(tmp_path, "single-flight", "--quick", "--rounds", "1", "--check", "--json", str(report))
    assert code == 0, output + told
    found: dict[str, Any] = json.loads(report.read_text())
    (scenario,) = found["scenarios"]
    figures = {figure["name"]: figure for figure in scenario["figures"]}
    assert figures["generations, the most of any round"]["value"] == 1
    assert figures["failures"]["value"] == 0
    assert scenario["settings"]["clients"] == 50
    assert scenario["percentiles"]["reply s"]["count"] == 50
    used = {each["process"]: each for each in scenario["processes"]}
    served_by = {"gunicorn", "gunicorn: child", "postgres", "postgres: child", "model server", "load generator"}
    assert used.keys() >= served_by
    assert used["gunicorn: child"]["private_bytes"] > 10_000_000
    assert found["versions"]["postgres"]
    assert found["versions"]["pgvector"]
    assert f"Report: {report}" in output
    assert left_behind(tmp_path) == []
