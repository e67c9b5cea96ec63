"""Where a text that grows stands: in which line, and in code or not. Pure: no Django."""

from __future__ import annotations

LINE_CHARS = 400  # of the present line that are looked at


class Place:
    """The end of a text, as far as it decides what comes next."""

    def __init__(self) -> None:
        self.line = ""
        self._in_fence = False

    def move(self, text: str) -> None:
        """Go on behind a further piece of the text."""
        self.line, self._in_fence = self._behind(text)

    def line_behind(self, text: str) -> str:
        """Return the line as it would be behind a further piece."""
        return self._behind(text)[0]

    def is_code_behind(self, text: str) -> bool:
        """Return whether what comes behind a further piece is code: between backticks of one line, or in a block."""
        line, in_fence = self._behind(text)
        return in_fence or line.count("`") % 2 == 1

    def _behind(self, text: str) -> tuple[str, bool]:
        if "\n" not in text:
            return (self.line + text)[-LINE_CHARS:], self._in_fence
        *lines, last = (self.line + text).split("\n")
        fences = sum(line.lstrip().startswith(("```", "~~~")) for line in lines)
        return last[-LINE_CHARS:], self._in_fence != bool(fences % 2)
