"""Tracks the end of a growing text: its current line, and whether it is in code. Pure: no Django."""

from __future__ import annotations

LINE_CHARS = 400  # of the current line that are checked


class Place:
    """The end of a growing text. Moving is cheap; line and code are computed on demand."""

    def __init__(self) -> None:
        self._line = ""
        self._in_fence = False
        self._moves: list[str] = []

    def move(self, text: str) -> None:
        """Append a piece of the text."""
        self._moves.append(text)

    def line_behind(self, text: str) -> str:
        """Return the current line after a further piece."""
        return self.behind(text)[0]

    def is_code_behind(self, text: str) -> bool:
        """Return whether what comes behind a further piece is code: between backticks of one line, or in a block."""
        return self.behind(text)[1]

    def behind(self, text: str) -> tuple[str, bool]:
        """Return the line and whether it is code, after a further piece."""
        if self._moves:
            moved = "".join(self._moves)
            self._moves.clear()
            self._line, self._in_fence = self._moved(moved)
        line, in_fence = self._moved(text)
        return line, in_fence or line.count("`") % 2 == 1

    def _moved(self, text: str) -> tuple[str, bool]:
        *lines, last = (self._line + text).split("\n")
        fences = sum(line.lstrip().startswith(("```", "~~~")) for line in lines)
        return last[-LINE_CHARS:], self._in_fence != bool(fences % 2)
