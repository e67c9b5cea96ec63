"""Reads the text of a Word paragraph: runs, fields, formulas and controls."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from documents.extraction.encodings.letter_fonts import converted, letters_of
from documents.extraction.marks import raised, struck, without_gaps
from documents.extraction.office.docx_styles import Styles, W, font_of, is_on
from documents.extraction.office.formulas import M, formula_text

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
# Field codes, readings of characters, and properties.
_LEFT_OUT = frozenset(
    f"{W}{name}" for name in ("instrText", "delText", "delInstrText", "pPr", "rPr", "sdtPr", "sdtEndPr", "rt")
)
_DELETED = frozenset([f"{W}del", f"{W}moveFrom"])
_MAY_BE_DARK = frozenset([f"{W}tbl", f"{W}txbxContent"])
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
class ParagraphFindings:
    """Counts and elements that were found while paragraphs were read."""

    boxes: list[Any] = field(default_factory=list)  # text boxes in the paragraph
    hidden: list[str] = field(default_factory=list)
    deletions: int = 0
    pictures: int = 0
    objects: int = 0  # embedded files
    parts: list[tuple[str, str]] = field(default_factory=list)  # (relation, kind) of charts and diagrams


class ParagraphReader:
    """Reads the text of paragraphs; tracked changes count as accepted."""

    def __init__(self, styles: Styles, found: ParagraphFindings) -> None:
        self._styles = styles
        self._found = found
        self._pieces: list[tuple[str, str]] = []  # (encoding, text): letters of old encodings go over several runs
        self._style_font = ""

    def read(self, paragraph: Any, style: str) -> str:
        """Return the text; text boxes in it are added to what was found."""
        self._pieces = []
        self._style_font = self._styles.font(style)
        self._walk(paragraph)
        return without_gaps(converted(self._pieces))

    def _walk(self, parent: Any) -> None:
        for element in parent.iterchildren():
            tag = element.tag
            if not isinstance(tag, str) or tag in _LEFT_OUT or is_other_form(element):
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
        is_hidden = properties is not None and (self._styles.is_hidden(style) or _is_unseen(run, properties))
        if is_hidden or is_on(properties, f"{W}vanish"):
            if text := "".join(element.text or "" for element in run.iter(f"{W}t")):
                self._found.hidden.append(text)
            return
        self._content(run, font)

    def _said(self, text: Any, font: str) -> None:
        """Add text of a run, with marks where it is struck out or raised."""
        run = text.getparent()
        properties = run.find(f"{W}rPr")
        said = text.text or ""
        if properties is not None and said:
            position = properties.find(f"{W}vertAlign")
            if position is not None and position.get(f"{W}val") == "superscript":
                said = raised(said, behind=self._pieces[-1][1] if self._pieces else "")
            if is_on(properties, f"{W}strike") or is_on(properties, f"{W}dstrike"):
                said = struck(said)
        self._add(said, font)

    def _content(self, parent: Any, font: str) -> None:
        for element in parent.iterchildren():
            tag = element.tag
            if tag == f"{W}t":
                self._said(element, font)
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
            elif isinstance(tag, str) and tag not in _LEFT_OUT and not is_other_form(element):
                self._drawn(element, tag)
                self._content(element, font)

    def _drawn(self, element: Any, tag: str) -> None:
        """Count pictures, and collect charts and diagrams."""
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


def is_other_form(element: Any) -> bool:
    """Return whether an element is what an older program shows instead of another one that is there."""
    return bool(element.tag == f"{_MC}Fallback" and element.getparent().find(f"{_MC}Choice") is not None)


def _is_unseen(run: Any, properties: Any) -> bool:
    """Return whether nobody sees a run's text: it is white on the white of the page, or as small as a dot."""
    size = properties.find(f"{W}sz")
    if size is not None and (size.get(f"{W}val") or "") in ("1", "2"):  # half points
        return True
    color = properties.find(f"{W}color")
    if color is None or (color.get(f"{W}val") or "").upper() != "FFFFFF":
        return False
    if any(properties.find(f"{W}{name}") is not None for name in ("shd", "highlight")):
        return False
    for above in run.iterancestors():
        if above.tag in _MAY_BE_DARK or above.find(f"{W}background") is not None:
            return False
        if above.tag == f"{W}p" and above.find(f"{W}pPr/{W}shd") is not None:
            return False
    return True


def _encoding_of(font: str) -> str:
    """Return which encoding of letters a font has, "" for Unicode."""
    name = font.lower()
    return "symbol" if name == "symbol" or name.startswith("wingdings") else letters_of(font)


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
