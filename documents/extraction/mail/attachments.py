"""Reads the files attached to a mail by their own formats, within limits."""

from __future__ import annotations

from pathlib import Path

from documents.extraction.content import Content
from documents.extraction.failures import Unreadable
from documents.extraction.media_types import recognise
from documents.extraction.process.child import reader_of
from documents.text.extraction_notes import Note

ATTACHMENT_MAX_BYTES = 4 * 1024 * 1024  # a larger one would take the time that the mail itself has
NOT_READ = Note("attachment_not_read")


def read_attachment(data: bytes, name: str) -> Content | None:
    """Return what an attached file says, None if it can't be read."""
    if not data or len(data) > ATTACHMENT_MAX_BYTES:
        return None
    try:
        content = reader_of(recognise(data, suffix=Path(name).suffix[:16].lower()))(data)
    except (Unreadable, RecursionError):
        return None
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001  whatever a parser raises on a broken attachment, the mail around it is read
        return None
    return content if any(part.strip() for part in content.parts) else None
