"""Lists the media types of pictures, apart from the code that opens them, which web processes must not load."""

from __future__ import annotations

PNG, JPEG, TIFF = "image/png", "image/jpeg", "image/tiff"
PICTURES = frozenset({PNG, JPEG, TIFF})
