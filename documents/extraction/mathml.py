"""Writes MathML formulas as one line of text: "x = (-b ± √(b^2-4ac))/(2a)". Pure: no Django."""

from __future__ import annotations

import re
from typing import Any

_DEPTH_MAX = 60
_SIMPLE = re.compile(r"[\w.,]*|\([^()]*\)|\[[^\[\]]*\]")


def math_text(element: Any, depth: int = 0) -> str:
    """Return the text of a formula or of a part of one, in HTML or XML; other notations of the same are left out."""
    name = element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""
    if depth > _DEPTH_MAX or not name or name.startswith("annotation"):
        return ""
    parts = [math_text(child, depth + 1) for child in element]
    if name == "mfrac" and len(parts) == 2:
        return f"{_grouped(parts[0])}/{_grouped(parts[1])}"
    if name == "msqrt":
        return f"√{_grouped(''.join(parts))}"
    if name == "mroot" and len(parts) == 2:
        return f"{'' if parts[1] == '2' else parts[1]}√{_grouped(parts[0])}"
    if name in ("msup", "mover") and len(parts) == 2:
        return f"{parts[0]}^{_grouped(parts[1])}"
    if name in ("msub", "munder") and len(parts) == 2:
        return f"{parts[0]}_{_grouped(parts[1])}"
    if name in ("msubsup", "munderover") and len(parts) == 3:
        return f"{parts[0]}_{_grouped(parts[1])}^{_grouped(parts[2])} "
    if name in ("mtable", "mtr"):
        return ("; " if name == "mtable" else ", ").join(parts)
    if name == "mfenced":
        return f"{element.get('open', '(')}{', '.join(parts)}{element.get('close', ')')}"
    own = " ".join((element.text or "").split())
    tails = [" ".join((child.tail or "").split()) for child in element]
    return own + "".join(part + tail for part, tail in zip(parts, tails, strict=True))


def _grouped(text: str) -> str:
    return text if _SIMPLE.fullmatch(text) else f"({text})"
