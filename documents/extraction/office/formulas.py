"""Writes formulas of Office documents as one line of text: "x = (-b ± √(b^2 - 4ac))/(2a)"."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

M = "{http://schemas.openxmlformats.org/officeDocument/2006/math}"
_DEPTH_MAX = 60
_SIMPLE = re.compile(r"[\w.,]*|\([^()]*\)|\[[^\[\]]*\]")


def formula_text(element: Any, depth: int = 0) -> str:
    """Return the text of a formula or of a part of one."""
    if depth > _DEPTH_MAX:
        return ""
    parts = []
    for child in element.iterchildren():
        tag = child.tag
        if not isinstance(tag, str):
            continue
        if tag.endswith("}t"):
            parts.append(child.text or "")
        elif tag.startswith(M) and (write := _WRITERS.get(tag[len(M) :])):
            parts.append(write(child, depth + 1))
        elif not tag.endswith("Pr"):
            parts.append(formula_text(child, depth + 1))
    return "".join(parts)


def _part(element: Any, name: str, depth: int) -> str:
    child = element.find(f"{M}{name}")
    return formula_text(child, depth).strip() if child is not None else ""


def _sign(element: Any, properties: str, name: str, usual: str) -> str:
    child = element.find(f"{M}{properties}/{M}{name}")
    value = child.get(f"{M}val") if child is not None else None
    return usual if value is None else str(value)


def _grouped(text: str) -> str:
    return text if _SIMPLE.fullmatch(text) else f"({text})"


def _fraction(element: Any, depth: int) -> str:
    return f"{_grouped(_part(element, 'num', depth))}/{_grouped(_part(element, 'den', depth))}"


def _root(element: Any, depth: int) -> str:
    degree = _part(element, "deg", depth)
    sign = {"3": "∛", "4": "∜"}.get(degree, f"{degree}√" if degree and degree != "2" else "√")
    return f"{sign}{_grouped(_part(element, 'e', depth))}"


def _scripts(element: Any, depth: int) -> str:
    base, below, above = (_part(element, name, depth) for name in ("e", "sub", "sup"))
    return base + (f"_{_grouped(below)}" if below else "") + (f"^{_grouped(above)}" if above else "")


def _sum(element: Any, depth: int) -> str:
    sign = _sign(element, "naryPr", "chr", "∫")
    below, above, what = (_part(element, name, depth) for name in ("sub", "sup", "e"))
    return sign + (f"_{_grouped(below)}" if below else "") + (f"^{_grouped(above)}" if above else "") + f" {what}"


def _brackets(element: Any, depth: int) -> str:
    parts = [formula_text(child, depth).strip() for child in element.iterfind(f"{M}e")]
    between = _sign(element, "dPr", "sepChr", "|")
    return _sign(element, "dPr", "begChr", "(") + between.join(parts) + _sign(element, "dPr", "endChr", ")")


def _function(element: Any, depth: int) -> str:
    what = _part(element, "e", depth)
    return f"{_part(element, 'fName', depth)} {what}".strip()


def _matrix(element: Any, depth: int) -> str:
    rows = element.iterfind(f"{M}mr")
    return "; ".join(", ".join(formula_text(cell, depth).strip() for cell in row.iterfind(f"{M}e")) for row in rows)


def _lines(element: Any, depth: int) -> str:
    return "; ".join(formula_text(line, depth).strip() for line in element.iterfind(f"{M}e"))


_WRITERS: dict[str, Callable[[Any, int], str]] = {
    "f": _fraction,
    "rad": _root,
    "sSub": _scripts,
    "sSup": _scripts,
    "sSubSup": _scripts,
    "nary": _sum,
    "d": _brackets,
    "func": _function,
    "m": _matrix,
    "eqArr": _lines,
}
