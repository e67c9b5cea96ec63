"""The text of one Word paragraph: what its runs, fields, formulas and controls show."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from documents.extraction.docx_styles import Styles, W, font_of, is_on
from documents.extraction.office_math import M, formula_text
from documents.extraction.vietnamese_legacy import from_tcvn3, from_vni

_MC = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"
_W14 = "{http://schemas.microsoft.com/office/word/2010/wordml}"
_A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_CHARACTERS = {
    f"{W}tab": "\t",
    f"{W}ptab": "\t",
    f"{W}br": "\n",
    f"{W}cr": "\n",
    f"{W}noBreakHyphen": "-",
}
# What an older program shows instead of a drawing, field codes, readings of characters, and properties.
_LEFT_OUT = frozenset(
    [f"{W}{name}" for name in ("instrText", "delText", "delInstrText", "pPr", "rPr", "sdtPr", "sdtEndPr", "rt")]
    + [f"{_MC}Fallback"]
)
_DELETED = frozenset([f"{W}del", f"{W}moveFrom"])
TEXT_BOX = f"{W}txbxContent"
_CHECKED, _UNCHECKED = "☒", "☐"
# Signs of fonts that have pictures at the places of letters.
_WINGDINGS = {0xA8: _UNCHECKED, 0x6F: "□", 0x71: "❑", 0xFE: "☑", 0xFD: _CHECKED, 0xFC: "✓", 0xFB: "✗", 0xE0: "→"}
_WINGDINGS |= dict.fromkeys((0x6C, 0x6E, 0x76, 0x9F, 0xA7, 0xB7, 0xD8), "•")
_SYMBOL = dict(
    zip(
        range(0x41, 0x5B),
        "ΑΒΧΔΕΦΓΗΙϑΚΛΜΝΟΠΘΡΣΤΥςΩΞΨΖ",
        strict=True,
    )
) | dict(zip(range(0x61, 0x7B), "αβχδεφγηιϕκλμνοπθρστυϖωξψζ", strict=True))
_SYMBOL |= dict(zip(range(0xA2, 0xC0), "′≤⁄∞ƒ♣♦♥♠↔←↑→↓°±″≥×∝∂•÷≠≡≈…⏐⎯↵", strict=True))
_SYMBOL |= {0xD6: "√", 0xE5: "∑", 0xF2: "∫", 0xD7: "⋅", 0xCE: "∈", 0x24: "∃", 0x22: "∀", 0xC6: "∅", 0xD1: "∇"}
_PRIVATE = re.compile("[\uf020-\uf0ff]")


@dataclass
class Runs:
    """What was found while paragraphs were read."""

    boxes: list[Any] = field(default_factory=list)  # text boxes in the paragraph
    hidden: list[str] = field(default_factory=list)
    deletions: int = 0
    pictures: int = 0
    objects: int = 0  # embedded files
    parts: list[tuple[str, str]] = field(default_factory=list)  # (relation, kind) of charts and diagrams


class ParagraphReader:
    """Returns the text of paragraphs. Changes that are tracked count as accepted."""

    def __init__(self, styles: Styles, found: Runs) -> None:
        self._styles = styles
        self._found = found
        self._pieces: list[tuple[str, str]] = []  # (encoding, text): letters of old encodings go over several runs
        self._style_font = ""

    def read(self, paragraph: Any, style: str) -> str:
        """Return the text; text boxes in it are added to what was found."""
        self._pieces = []
        self._style_font = self._styles.font(style)
        self._walk(paragraph)
        return _converted(self._pieces)

    def _walk(self, parent: Any) -> None:
        for element in parent.iterchildren():
            tag = element.tag
            if not isinstance(tag, str) or tag in _LEFT_OUT:
                continue
            if tag == f"{W}r":
                self._run(element)
            elif tag in (f"{M}oMath", f"{M}oMathPara"):
                self._add(formula_text(element))
            elif tag in _DELETED:
                self._found.deletions += 1
            elif tag == f"{W}sdt":
                self._control(element)
            elif tag == TEXT_BOX:
                self._found.boxes.append(element)
            else:
                self._walk(element)

    def _run(self, run: Any) -> None:
        properties = run.find(f"{W}rPr")
        style = ""
        if properties is not None:
            named = properties.find(f"{W}rStyle")
            style = (named.get(f"{W}val") or "") if named is not None else ""
        own = font_of(properties)
        font = own or (self._styles.font(style) if style else "") or self._style_font
        if is_on(properties, f"{W}vanish") or (properties is not None and self._styles.is_hidden(style)):
            if text := "".join(element.text or "" for element in run.iter(f"{W}t")):
                self._found.hidden.append(text)
            return
        self._content(run, font)

    def _content(self, parent: Any, font: str) -> None:
        for element in parent.iterchildren():
            tag = element.tag
            if tag == f"{W}t":
                self._add(element.text or "", font)
            elif tag in _CHARACTERS:
                self._add(_CHARACTERS[tag])
            elif tag == TEXT_BOX:
                self._found.boxes.append(element)
            elif tag == f"{W}sym":
                code = element.get(f"{W}char") or ""
                self._add(_sign(code, element.get(f"{W}font") or ""))
            elif tag == f"{W}fldChar":
                self._field(element)
            elif tag == f"{W}r":
                self._run(element)
            elif tag == f"{W}object":
                self._found.objects += 1
            elif isinstance(tag, str) and tag not in _LEFT_OUT:
                self._drawn(element, tag)
                self._content(element, font)

    def _drawn(self, element: Any, tag: str) -> None:
        """Note pictures, charts and diagrams."""
        name = tag.rpartition("}")[2]
        if name in ("blip", "imagedata"):
            self._found.pictures += 1
        elif name in ("chart", "relIds") and tag.startswith("{http://schemas.openxmlformats.org/drawingml/"):
            relation = next((value for key, value in element.attrib.items() if key.endswith(("}id", "}dm"))), "")
            self._found.parts.append((relation, name))

    def _field(self, element: Any) -> None:
        """Add what a field of a form shows: whether a box is checked, what was chosen from a list."""
        data = element.find(f"{W}ffData")
        if data is None:
            return
        if (box := data.find(f"{W}checkBox")) is not None:
            state = "checked" if box.find(f"{W}checked") is not None else "default"
            self._add(_CHECKED if is_on(box, f"{W}{state}") else _UNCHECKED)
        elif (chosen := data.find(f"{W}ddList")) is not None:
            entries = [entry.get(f"{W}val") or "" for entry in chosen.iterfind(f"{W}listEntry")]
            place = chosen.find(f"{W}result")
            number = (place.get(f"{W}val") or "0") if place is not None else "0"
            if number.isdecimal() and int(number) < len(entries):
                self._add(entries[int(number)])

    def _control(self, control: Any) -> None:
        """Add what a content control shows, but not its "Click here to enter text"."""
        properties = control.find(f"{W}sdtPr")
        if is_on(properties, f"{W}showingPlcHdr"):
            return
        content = control.find(f"{W}sdtContent")
        if content is None:
            return
        box = properties.find(f"{_W14}checkbox") if properties is not None else None
        if box is not None:
            checked = box.find(f"{_W14}checked")
            is_checked = checked is not None and checked.get(f"{_W14}val") in ("1", "true")
            self._add(_CHECKED if is_checked else _UNCHECKED)
        else:
            self._walk(content)

    def _add(self, text: str, font: str = "") -> None:
        encoding = _encoding_of(font)
        if encoding == "symbol":
            text, encoding = _PRIVATE.sub(lambda found: _sign(f"{ord(found[0]):x}", font), text), ""
        self._pieces.append((encoding, text))


def _encoding_of(font: str) -> str:
    """Return which encoding of letters a font has, "" for Unicode."""
    name = font.lower()
    if name.startswith(".vn"):
        return "tcvn3-capitals" if name.endswith("h") and not name.endswith("arabiah") else "tcvn3"
    if name.startswith(("vni-", "vni ")):
        return "vni"
    return "symbol" if name == "symbol" or name.startswith("wingdings") else ""


_CONVERTERS: dict[str, Callable[[str], str]] = {
    "tcvn3": from_tcvn3,
    "tcvn3-capitals": lambda text: from_tcvn3(text).upper(),  # the font draws small letters as capitals
    "vni": from_vni,
}


def _converted(pieces: list[tuple[str, str]]) -> str:
    """Return the pieces as one text, neighbours of one encoding together."""
    texts: list[str] = []
    place = 0
    while place < len(pieces):
        encoding = pieces[place][0]
        end = place
        while end < len(pieces) and pieces[end][0] == encoding:
            end += 1
        text = "".join(each for _encoding, each in pieces[place:end])
        texts.append(_CONVERTERS[encoding](text) if encoding else text)
        place = end
    return "".join(texts)


def _sign(code: str, font: str) -> str:
    """Return the character that a font of signs draws for a code in hex."""
    try:
        number = int(code, 16)
    except ValueError:
        return ""
    low = number - 0xF000 if 0xF000 <= number <= 0xF0FF else number
    table = _SYMBOL if font.lower() == "symbol" else _WINGDINGS if font.lower().startswith("wingdings") else {}
    if low in table:
        return table[low]
    if number != low:  # a private code that no other font has
        return chr(low) if font.lower() == "symbol" and 0x20 <= low < 0x7F else ""
    return chr(number) if 0x20 <= number < 0x110000 and not 0xD800 <= number < 0xE000 else ""
