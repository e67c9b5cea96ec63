"""Writes the content of a Rich Text file as Markdown blocks: paragraphs, headings and tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from documents.extraction.encodings.letter_fonts import converted
from documents.extraction.marks import raised, struck, without_gaps
from documents.extraction.office.rtf_words import CELL_MERGES
from documents.extraction.tables.model import describe_table
from documents.text.headings import as_body, as_heading


@dataclass
class BlockWriter:
    """Paragraphs and tables of one part of a file: its body, a header, a note."""

    blocks: list[str] = field(default_factory=list)
    level: int = 0
    style: int = -1
    is_in_table: bool = False
    _pieces: list[tuple[str, str]] = field(default_factory=list)  # encoding of the letters, and text
    _row: list[str] = field(default_factory=list)
    _rows: list[list[str]] = field(default_factory=list)
    _merges: list[str] = field(default_factory=list)  # of the cells of a row that is defined: "", "above" or "beside"
    _merge: str = ""
    _is_header: bool = False
    _header_rows: int = 0

    def add(self, text: str, *, letters: str = "", is_struck: bool = False, is_raised: bool = False) -> None:
        """Add text in the encoding of its letters; what is struck out or raised gets its mark."""
        if is_raised:
            text = raised(text, behind=self._pieces[-1][1] if self._pieces else "")
        self._pieces.append((letters, struck(text) if is_struck else text))

    def end_paragraph(self, levels: Mapping[int, int]) -> None:
        """Finish the paragraph; within a table it is a line of its cell."""
        if self.is_in_table:
            self.add("\n")
            return
        text = self.take()
        self.end_table()
        level = self.level or levels.get(self.style, 0)
        if text:
            self.blocks.append(as_heading(level, text) if level else as_body(text))

    def define(self, word: str) -> None:
        """Apply a control word that defines the row's cells: "cellx" ends the definition of one."""
        if word == "trowd":
            self._merges, self._merge, self._is_header = [], "", False
        elif word == "trhdr":
            self._is_header = True
        elif word == "cellx":
            self._merges.append(self._merge)
            self._merge = ""
        else:
            self._merge = CELL_MERGES[word]

    def end_cell(self) -> None:
        """End the current cell of a table."""
        self._row.append(" ".join(self.take().split()))

    def end_row(self) -> None:
        """End the current row of a table; places that a merged cell covers get its text."""
        above = self._rows[-1] if self._rows else []
        for place, merge in enumerate(self._merges[: len(self._row)]):
            if self._row[place] or not merge:
                continue
            if merge == "beside" and place:
                self._row[place] = self._row[place - 1]
            elif merge == "above" and place < len(above):
                self._row[place] = above[place]
        if self._row:
            self._header_rows += self._is_header and self._header_rows == len(self._rows)
            self._rows.append(self._row)
        self._row = []

    def end_table(self) -> None:
        """Write the table that the last rows are."""
        self.end_row()
        if table := "\n".join(map(as_body, describe_table(self._rows, header_rows=self._header_rows))):
            self.blocks.append(table)
        self._rows, self._header_rows = [], 0

    def take(self) -> str:
        """Return the text since it was last taken."""
        text = without_gaps(converted(self._pieces)).strip()
        self._pieces = []
        return text
