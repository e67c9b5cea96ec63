"""The key that signs sessions, where the operator has not set one."""

from __future__ import annotations

import secrets
from pathlib import Path


def kept_secret_key(folder: Path) -> str:
    """Return the random key that the first start on this machine wrote for itself, readable by its owner only."""
    path = folder / "secret_key"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(50))
    return path.read_text()
