"""Finds the positions of shapes on an OpenDocument slide. Pure."""

from __future__ import annotations

from typing import Any

from documents.extraction.office.pptx_order import Box
from documents.extraction.open_document.text import DRAW, SVG

_UNITS = {"cm": 360_000, "mm": 36_000, "in": 914_400, "pt": 12_700, "pc": 152_400, "px": 9_525}


def box_of(shape: Any) -> Box:
    """Return where a shape stands; a group, where the first shape in it does."""
    if shape.get(f"{SVG}x") is None and shape.tag == f"{DRAW}g":
        shape = next((inner for inner in shape.iter() if inner.get(f"{SVG}x") is not None), shape)
    return Box(*(_length(shape.get(f"{SVG}{side}")) for side in ("x", "y", "width", "height")))


def _length(text: str | None) -> int:
    """Return a length such as "2.5cm" in units of which an inch has 914,400; 0 for what is none."""
    try:
        return int(float((text or "")[:-2]) * _UNITS.get((text or "")[-2:], 0))
    except (ValueError, OverflowError):
        return 0
