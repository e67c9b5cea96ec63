"""The first command on a fresh machine need not be `serve`: the embedded database is ready for any."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from ragsite.paths import PROJECT


def manage(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("DATABASE_")}
    environment |= {"VAR_DIR": str(folder), "ENV_FILE": str(folder / "none")}
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=PROJECT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=110,
    )


def test_the_first_command_on_a_fresh_machine_may_be_any(tmp_path: Path) -> None:
    refused = manage(tmp_path / "var", "ask", "handbook", "How many days of leave?")
    assert refused.returncode == 1
    assert "There is no corpus 'handbook'" in refused.stderr
    (tmp_path / "leave.md").write_text("Everybody has thirty days of paid leave a year.\n")
    ingested = manage(tmp_path / "var", "ingest", "handbook", "--create", str(tmp_path / "leave.md"))
    assert ingested.returncode == 0, ingested.stderr
    answered = manage(tmp_path / "var", "ask", "handbook", "How many days of paid leave?")
    assert "thirty days" in answered.stdout


def test_the_schema_can_be_seen_as_it_is(tmp_path: Path) -> None:
    assert "[ ] 0001_initial" in manage(tmp_path / "var", "showmigrations", "querying").stdout
