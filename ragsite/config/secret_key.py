"""Generates and keeps the key that signs sessions, where the operator has not set one."""

from __future__ import annotations

import os
import secrets
import tempfile
from contextlib import suppress
from pathlib import Path


def kept_secret_key(folder: Path) -> str:
    """Return the random key that the first start on this machine wrote for itself, readable by its owner only.

    Of processes that start together all get the same one. Raises OSError.
    """
    path = folder / "secret_key"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=folder)
        try:
            with os.fdopen(descriptor, "w") as file:
                file.write(secrets.token_urlsafe(50))
            with suppress(FileExistsError):  # another process was first
                os.link(temporary, path)
        finally:
            Path(temporary).unlink()
    return path.read_text().strip()
