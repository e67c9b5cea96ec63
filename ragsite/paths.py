"""Path of the project's files. Imports nothing, so that settings and processes without Django can use it."""

from __future__ import annotations

from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent  # the folder of manage.py
