"""Loads the file `.env` of the project into the environment."""

from __future__ import annotations

import os
from pathlib import Path

import environ

from ragsite.paths import PROJECT


def load() -> None:
    """Put the settings of `.env` into the environment; what is set there already wins.

    The ways in (manage.py, wsgi.py) call it, not the settings: tests then never see what a developer has in there.
    """
    path = Path(os.environ.get("ENV_FILE") or PROJECT / ".env")
    if path.exists():
        environ.Env.read_env(path)
