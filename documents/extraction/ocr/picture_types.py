"""The media types of picture files; apart from what opens them, so that web processes don't load that."""

from __future__ import annotations

PNG, JPEG, TIFF = "image/png", "image/jpeg", "image/tiff"
PICTURES = frozenset({PNG, JPEG, TIFF})
