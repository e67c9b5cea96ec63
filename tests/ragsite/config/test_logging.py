"""Logs are short lines for people on a terminal, and JSON elsewhere."""

from __future__ import annotations

import json
import logging
import logging.config
import os
import pty
import subprocess
import sys

import pytest

from ragsite.config.logging import PlainFormatter, logging_to_stderr
from ragsite.paths import PROJECT

SAY = """
import logging, logging.config
from ragsite.config.logging import logging_to_stderr
logging.config.dictConfig(logging_to_stderr("INFO"))
logging.getLogger("documents.indexing.pipeline").info("document %s: ready", 7, extra={"seconds": 0.5})
logging.getLogger("gunicorn.error").info("Booting worker with pid: 1")
logging.getLogger("gunicorn.error").warning("Worker was sent SIGKILL")
"""


def record(level: int, message: str, **extra: object) -> logging.LogRecord:
    made = logging.makeLogRecord({"levelno": level, "levelname": logging.getLevelName(level), "msg": message})
    vars(made).update(extra)
    return made


@pytest.mark.parametrize(
    ("given", "line"),
    [
        (record(logging.INFO, "ready", request_id="-"), "ready"),
        (record(logging.WARNING, "slow"), "WARNING slow"),
        (record(logging.INFO, "asked", request_id="abc", seconds=0.5), "asked seconds=0.5 request_id=abc"),
        (record(logging.ERROR, "bad", request="<WSGIRequest: GET '/?q=secret'>"), "ERROR bad"),
    ],
)
def test_a_line_for_people(given: logging.LogRecord, line: str) -> None:
    time, _, rest = PlainFormatter().format(given).partition(" ")
    assert rest == line
    assert len(time) == len("15:20:14")


def test_a_traceback_follows_its_line() -> None:
    try:
        raise ValueError("why")
    except ValueError:
        given = record(logging.ERROR, "failed", exc_info=sys.exc_info())
    lines = PlainFormatter().format(given).splitlines()
    assert lines[0].endswith("ERROR failed")
    assert lines[-1] == "ValueError: why"


@pytest.mark.parametrize(("style", "is_plain"), [("plain", True), ("json", False), ("auto", False)])
def test_the_format_can_be_chosen(style: str, is_plain: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: False, raising=False)
    assert logging_to_stderr("INFO", style)["handlers"]["stderr"]["formatter"] == ("plain" if is_plain else "json")


def test_elsewhere_every_line_is_json_the_web_servers_own_too() -> None:
    done = subprocess.run([sys.executable, "-c", SAY], cwd=PROJECT, capture_output=True, text=True, check=True)
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert [line["message"] for line in lines] == [
        "document 7: ready",
        "Booting worker with pid: 1",
        "Worker was sent SIGKILL",
    ]
    assert lines[0]["seconds"] == 0.5


def test_on_a_terminal_lines_are_short_and_the_web_server_says_what_matters() -> None:
    terminal, end = pty.openpty()
    try:
        subprocess.run([sys.executable, "-c", SAY], cwd=PROJECT, stderr=end, check=True)
        written = os.read(terminal, 10_000).decode()
    finally:
        os.close(terminal)
        os.close(end)
    first, second = written.splitlines()
    assert first.partition(" ")[2] == "document 7: ready seconds=0.5"
    assert second.partition(" ")[2] == "WARNING Worker was sent SIGKILL"
