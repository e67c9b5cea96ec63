"""Reads Rich Text Format. Existing libraries lose headings, footnotes and the columns of tables.

The file is a stream of control words, groups and bytes; one pass over it feeds a `BlockWriter` each for the body,
headers, footers, notes and comments.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from documents.extraction.content import Content
from documents.extraction.encodings.letter_fonts import converted, letters_of
from documents.extraction.failures import Unreadable
from documents.extraction.office.rtf_words import (
    CELL_MERGES,
    CHARACTERS,
    CODEC_OF_CHARSET,
    IGNORED,
    SINKS,
    STARRED_AND_READ,
    codec_of_page,
)
from documents.extraction.office.rtf_writing import BlockWriter
from documents.text.extraction_notes import Note

_TOKEN = re.compile(rb"\\([a-zA-Z]{1,32})(-?\d{1,10})?[ ]?|\\'([0-9a-fA-F]{2})|\\(.)|([{}])|([^\\{}\r\n]+)|.", re.S)
_DEPTH_MAX = 5000
_HEADING_STYLE = re.compile(r"\s*(?:heading ([1-9])|(title))\s*", re.I)
_SYMBOL = "symbol"  # a font of signs, whose bytes are no letters
_BULLETS = b"\xb7\xa7\xa8\xd8\xfc"


@dataclass(frozen=True)
class _State:
    """Formatting state of a group."""

    is_skipped: bool = False
    is_hidden: bool = False
    fallback: int = 1  # characters that stand behind a Unicode one for older programs
    codec: str = "cp1252"
    letters: str = ""  # the encoding that the font draws letters in
    is_struck: bool = False
    is_raised: bool = False
    sink: str = "body"
    table: str = ""  # "fonts", "styles" or "title": the group describes something


def read(data: bytes) -> Content:
    """Return paragraphs, headings and tables; page headers come first, notes, comments and page footers last.

    Hidden and deleted text is kept apart. Raises Unreadable: too_complex.
    """
    reader = _Reader(data)
    reader.read()
    parts = reader.writings
    notes = [Note(code, count) for code, count in reader.counts.items() if count]
    blocks = [
        *dict.fromkeys(parts["header"].blocks),
        *parts["body"].blocks,
        *parts["note"].blocks,
        *(f"Comment: {block}" for block in parts["comment"].blocks),
        *dict.fromkeys(parts["footer"].blocks),
    ]
    return Content(
        ["\n\n".join(blocks)],
        markdown=True,
        title=parts["title"].take() or None,
        notes=notes,
        hidden="".join(reader.hidden).strip(),
    )


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._states = [_State()]
        self._bytes = bytearray()  # in the code page of the font, not decoded yet
        self._to_drop = 0
        self._is_starred = False
        self._codecs: dict[int, str] = {}  # by font
        self._letters: dict[int, str] = {}  # by font
        self._levels: dict[int, int] = {}  # by style
        self._default = "cp1252"
        self._font = self._style = -1
        self._default_font = 0
        self.writings = {
            name: BlockWriter() for name in ("body", "header", "footer", "note", "comment", "title", "names")
        }
        self.hidden: list[str] = []
        self.counts = {"pictures": 0, "files_inside": 0, "cut_off": 0}

    def read(self) -> None:
        """Parse the file in one pass."""
        position = 0
        while found := _TOKEN.match(self._data, position):
            position = found.end()
            word, number, code, sign, brace, text = found.groups()
            if text is not None:
                self._take(text)
            elif code is not None:
                self._take(bytes([int(code, 16)]))
            elif brace is not None:
                self._flush()
                self._to_drop = 0
                self._brace(brace)
            elif word == b"bin":
                position += max(0, int(number or 0))
            elif word is not None:
                self._word(word.decode("ascii"), None if number is None else int(number))
            elif sign is not None:
                self._sign(sign)
        self._flush()
        if len(self._states) > 1:
            self.counts["cut_off"] = 1
        for writing in self.writings.values():
            writing.is_in_table = False
            if writing is not self.writings["title"]:
                writing.end_paragraph(self._levels)

    @property
    def _state(self) -> _State:
        return self._states[-1]

    def _change(self, **values: object) -> None:
        self._states[-1] = replace(self._states[-1], **values)  # type: ignore[arg-type]

    def _brace(self, brace: bytes) -> None:
        self._is_starred = False
        if brace == b"{":
            if len(self._states) > _DEPTH_MAX:
                raise Unreadable("too_complex")
            self._states.append(self._state)
            return
        ended = self._state
        if len(self._states) > 1:
            self._states.pop()
        if ended.table == "styles":
            name = self.writings["names"].take().rstrip("; ")
            if found := _HEADING_STYLE.fullmatch(name):
                self._levels[self._style] = min(int(found[1] or 1), 6)
        elif ended.sink not in (self._state.sink, "title"):
            self.writings[ended.sink].end_paragraph(self._levels)

    def _sign(self, sign: bytes) -> None:
        """Handle a backslash with a sign: "\\~" is a blank, "\\*" marks groups that older programs skip."""
        if sign == b"*":
            self._is_starred = True
        elif sign in b"\r\n":
            self._flush()
            self._writing.end_paragraph(self._levels)
        elif sign in b"{}\\":
            self._take(sign)
        elif sign in b"~_":
            self._say("\u00a0" if sign == b"~" else "-")

    def _take(self, text: bytes) -> None:
        """Take bytes of text, without those that only stand in for a Unicode character."""
        dropped = min(self._to_drop, len(text))
        self._to_drop -= dropped
        if not self._state.is_skipped and len(text) > dropped:
            self._bytes += text[dropped:]

    def _flush(self) -> None:
        if not self._bytes:
            return
        given, self._bytes = bytes(self._bytes), bytearray()
        if self._state.codec == _SYMBOL:
            self._write("".join("•" if byte in _BULLETS else chr(byte) if byte < 128 else "" for byte in given))
        else:
            self._write(given.decode(self._state.codec, "replace"))

    def _say(self, text: str) -> None:
        self._flush()
        if not self._state.is_skipped:
            self._write(text)

    def _write(self, text: str) -> None:
        state = self._state
        if state.table == "styles":
            self.writings["names"].add(text)
        elif state.table == "fonts":
            self._letters.setdefault(self._font, letters_of(text))
        elif state.is_hidden:
            self.hidden.append(converted([(state.letters, text)]))
        else:
            self._writing.add(text, letters=state.letters, is_struck=state.is_struck, is_raised=state.is_raised)

    @property
    def _writing(self) -> BlockWriter:
        return self.writings[self._state.sink]

    def _word(self, word: str, number: int | None) -> None:
        starred, self._is_starred = self._is_starred, False
        if word == "u" and number is not None:
            self._say(chr(number & 0xFFFF))
            self._to_drop = self._state.fallback
            return
        if self._to_drop and word in CHARACTERS:
            self._to_drop -= 1
            return
        self._flush()
        if starred and not (word in STARRED_AND_READ or word in SINKS or word in IGNORED):
            self._change(is_skipped=True)
            return
        if not self._destination(word) and not self._format(word, number):
            self._paragraph(word, number)

    def _destination(self, word: str) -> bool:
        """Handle the first word of a group that is no text of the body."""
        if word in SINKS:
            self._change(sink=SINKS[word])
        elif word in ("fonttbl", "stylesheet"):
            self._change(table="fonts" if word == "fonttbl" else "styles")
        elif word in IGNORED:
            if word == "pict" and not self._state.is_skipped:
                self.counts["pictures"] += 1
            self.counts["files_inside"] += word == "objdata"
            self._change(is_skipped=True)
        elif word in STARRED_AND_READ:
            self._change(is_skipped=self._state.is_skipped and word != "ud")
        else:
            return False
        return True

    def _format(self, word: str, number: int | None) -> bool:
        """Handle what changes how bytes are read and whether text is seen."""
        value = 0 if number is None else number
        if word == "ansicpg":
            self._default = codec_of_page(value) or self._default
            self._change(codec=self._default)
        elif word in ("mac", "pc", "pca"):
            self._default = {"mac": "mac_roman", "pc": "cp437", "pca": "cp850"}[word]
            self._change(codec=self._default)
        elif word == "deff":
            self._default_font = value
        elif word == "f":
            self._font = value
            if self._state.table != "fonts":
                self._change(codec=self._codecs.get(value, self._default), letters=self._letters.get(value, ""))
        elif word == "fcharset" and self._state.table == "fonts":
            self._codecs[self._font] = CODEC_OF_CHARSET.get(value, self._default)
        elif word == "uc":
            self._change(fallback=max(0, value))
        elif word in ("v", "deleted"):
            self._change(is_hidden=number != 0)
        elif word in ("strike", "striked"):
            self._change(is_struck=number != 0)
        elif word in ("super", "nosupersub"):
            self._change(is_raised=word == "super" and number != 0)
        elif word == "plain":
            font = self._default_font
            self._change(
                is_hidden=False,
                is_struck=False,
                is_raised=False,
                codec=self._codecs.get(font, self._default),
                letters=self._letters.get(font, ""),
            )
        else:
            return False
        return True

    def _paragraph(self, word: str, number: int | None) -> None:
        """Handle what paragraphs and tables are made of."""
        writing = self._writing
        if self._state.table == "styles":
            if word == "s" and number is not None:
                self._style = number
            elif word == "outlinelevel" and number is not None and 0 <= number < 6:
                self._levels.setdefault(self._style, number + 1)
        elif self._state.is_skipped:
            return
        elif word in ("par", "sect", "page", "column"):
            writing.end_paragraph(self._levels)
        elif word in CHARACTERS:
            self._write(CHARACTERS[word])
        elif word == "pard":
            writing.level, writing.style, writing.is_in_table = 0, -1, False
        elif word == "s" and number is not None:
            writing.style = number
        elif word == "outlinelevel" and number is not None:
            writing.level = number + 1 if 0 <= number < 6 else 0
        elif word == "intbl":
            writing.is_in_table = True
        elif word in ("trowd", "trhdr", "cellx") or word in CELL_MERGES:
            writing.define(word)
        elif word == "cell":
            writing.end_cell()
        elif word == "row":
            writing.end_row()
