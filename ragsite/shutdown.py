"""Tells whether this process has been told to stop. Long work checks it, and ends properly."""

from __future__ import annotations

_begun = False


def begin() -> None:
    """Note that the process is to stop. A plain assignment: it is called from signal handlers."""
    global _begun
    _begun = True


def has_begun() -> bool:
    """Return whether the process has been told to stop."""
    return _begun
