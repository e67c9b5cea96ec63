"""Switches as other systems name them do what they say, or say at the start what they can't."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from pytest_django import Settings

from monitoring.health.computing_checks import check_computing
from ragsite.paths import PROJECT


@pytest.mark.parametrize(
    ("values", "check_id"),
    [
        ({"RAG_DEVICE": "auto"}, None),
        ({"RAG_DEVICE": "cpu"}, None),
        ({"RAG_DEVICE": "cuda"}, "ragsite.W005"),
        ({"RAG_MODEL": "english"}, None),
        ({"RAG_MODEL": "multilingual"}, "ragsite.W006"),  # there is no model server
        ({"RAG_MODEL": "multilingual", "OLLAMA_BASE_URLS": ["http://localhost:11434"]}, None),
        ({"RAG_CPU_THREADS": 4}, None),
        ({"RAG_DISABLE": True}, "ragsite.W004"),
    ],
)
def test_a_switch_is_accepted_or_warned_about(
    settings: Settings, values: dict[str, object], check_id: str | None
) -> None:
    assert check_computing(None) == []
    for name, value in values.items():
        setattr(settings, name, value)
    found = check_computing(None)
    assert [message.id for message in found] == ([] if check_id is None else [check_id])
    assert all(message.hint for message in found)


def settings_with(**environment: str) -> str:
    code = (
        "import django; django.setup(); from django.conf import settings as s;"
        "print(s.RAG_DISABLE, s.OLLAMA_GPU, s.EMBED_MODEL)"
    )
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "ragsite.settings", **environment},
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    ).stdout.strip()


def test_device_and_model_choose_what_is_not_chosen_otherwise() -> None:
    assert settings_with(RAG_DISABLE="0") == "False True nomic-embed-text"
    switched = {"RAG_DISABLE": "1", "RAG_DEVICE": "cpu", "RAG_MODEL": "multilingual"}
    assert settings_with(**switched) == "True False nomic-embed-text-v2-moe"
    assert settings_with(**switched, OLLAMA_GPU="true", EMBED_MODEL="mine") == "True True mine"


def test_the_start_tells_of_them() -> None:
    done = subprocess.run(
        [sys.executable, "manage.py", "check"],
        env={**os.environ, "ENV_FILE": "/nowhere", "RAG_DEVICE": "cuda", "RAG_MODEL": "multilingual"},
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0
    assert "ragsite.W005" in done.stderr
    assert "ragsite.W006" in done.stderr
