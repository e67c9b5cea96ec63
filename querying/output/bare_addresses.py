"""Shows hosts and e-mail addresses as code, so that no renderer of markdown makes links of them. Pure: no Django.

`hr@company.example` and `evil.example` are text in markdown, and links in chat clients and in renderers that look for
addresses. In a code span they are readable, and no link. In code they stay as they are; so this follows what is code,
and lets no lone backtick leave that could pair with one of its own.
"""

from __future__ import annotations

import re

MAX_SPAN_CHARS = 1000  # of code in a line that are waited for; longer, or unfinished, it is none
# Of the words between them; the same that end a word for the filter of links.
ENDS_WORD = re.escape("[](){}<>\"'`|*^“”„«»‹›‘’、。，．：；！？（）【】「」『』《》…—–")
ENDS_WORD += r"\s\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\uac00-\ud7af"
_WORD = re.compile(rf"[^{ENDS_WORD}]+")
_LOOSE = "~_,.;:!?+=-&#$%/"  # around an address
_TOP = r"(?:xn--[\w-]+|[^\W\d_]{2,24})(?![^\W_])"
_ADDRESS = re.compile(rf"@[^\W_]|[\w-][.]{_TOP}", re.IGNORECASE)
_REST = re.compile(rf"[.]{_TOP}", re.IGNORECASE)  # of a host whose first letters have left
_GLUED = re.compile(r"[^\W_]|[-_]")
# What has to be looked at; all else passes as it is. At a line's beginning: what may be a fence, or a table's rule.
_SUSPECT = re.compile(r"[`@|\n]|[.][^\W\d_]{2}|[.]xn--|~~~", re.IGNORECASE)
_TOKEN = re.compile(r"`+|\n|[^`\n]+")
_LINE_BEGIN = re.compile(r"[ \t]*(?:[-*+][ \t]{0,4}|\d{1,9}[.)]?[ \t]{0,4})?[ \t]*(?:`*|~*)[|:\- \t]*")
_FENCE = re.compile(r"(?P<indent>(?: {0,3}(?:[-*+]|\d{1,9}[.)]) {1,4})? {0,3})(?P<mark>`{3,}(?=[^`]*\Z)|~{3,})")
_CLOSING = re.compile(r" {0,9}(?P<mark>`{3,}|~{3,})[ \t]*")
_RULE = re.compile(r"[ \t>]*(?=.*[|:-])[|:\- \t]+")


class AddressFilter:
    """Filters a stream of whole words, as LinkFilter yields them; the result doesn't depend on the pieces."""

    def __init__(self) -> None:
        self._held = ""  # a line's beginning that may be a fence or a rule, or a code span that isn't closed
        self._begins_line = True
        self._fence = ""  # the mark of the code block that is open
        self._indent = 0  # of that block: a line with less may not belong to it
        self._is_code_line = False
        self._in_table = False  # of which a bar ends even a code span
        self._is_risky = False  # a code span with a bar came: it is none, should this become a table
        self._last = ""  # the character that left last

    def feed(self, text: str) -> str:
        """Add a piece of the stream; return the text that can be released now."""
        is_plain = not self._held and not self._begins_line and not self._fence and _SUSPECT.search(text) is None
        if is_plain and text and text[0] != ".":
            self._last = text[-1]
            return text
        self._held += text
        return self._read(ended=False)

    def finish(self) -> str:
        """Return the held text at the end of the stream."""
        return self._read(ended=True)

    def _read(self, *, ended: bool) -> str:
        said: list[str] = []
        while self._held:
            if self._begins_line:
                if not self._begin_line(said, ended=ended):
                    break
                continue
            found = _TOKEN.match(self._held)
            assert found is not None
            run = found.group()
            if run == "\n":
                self._begins_line = True
                self._let_out(1, said)
            elif self._is_code_line:
                self._let_out(self._line_chars(), said)
            elif run[0] != "`":
                self._held = self._held[len(run) :]
                said.append(self._emit(self._without_addresses(run)))
            elif not self._read_span(len(run), said, ended=ended):
                break
        return "".join(said)

    def _line_chars(self) -> int:
        end = self._held.find("\n")
        return len(self._held) if end < 0 else end

    def _begin_line(self, said: list[str], *, ended: bool) -> bool:
        """Classify a line by its beginning; return False if too little of it is there."""
        chars = self._line_chars()
        line, is_whole = self._held[:chars], ended or chars < len(self._held)
        fence = _FENCE.match(line)
        if not is_whole and chars <= MAX_SPAN_CHARS and (fence or _LINE_BEGIN.fullmatch(line)):
            return False
        self._begins_line = False
        self._is_code_line = False
        if self._fence:
            closing = _CLOSING.fullmatch(line)
            if closing and closing["mark"].startswith(self._fence):
                self._fence, self._is_code_line = "", True
            else:
                self._is_code_line = not line.strip() or len(line) - len(line.lstrip(" ")) >= self._indent
        elif fence and is_whole:
            self._fence, self._indent, self._is_code_line = fence["mark"], len(fence["indent"]), True
            self._in_table = self._is_risky = False
        elif not line.strip():
            self._in_table = self._is_risky = False
        elif is_whole and _RULE.fullmatch(line):
            if self._is_risky:
                said.append(self._emit("\n"))
            self._in_table = not self._is_risky
        return True

    def _read_span(self, ticks: int, said: list[str], *, ended: bool) -> bool:
        """Release a code span, or its backticks as apostrophes if it is none; return False if that is undecided."""
        rest = self._held[: self._line_chars()]
        is_escaped = self._last == "\\"
        close = None if is_escaped else re.compile(rf"(?<!`)`{{{ticks}}}(?!`)").search(rest, ticks)
        has_bar = close is not None and "|" in rest[: close.end()]
        is_open = not ended and len(rest) == len(self._held) and len(rest) <= MAX_SPAN_CHARS and not is_escaped
        if is_open and (close is None or close.end() == len(rest)):
            return False  # the next character may be a further backtick
        if close is None or close.end() > MAX_SPAN_CHARS or (has_bar and self._in_table):
            self._held = self._held[ticks:]
            said.append(self._emit("'" * ticks))
            return True
        self._is_risky = self._is_risky or has_bar
        self._let_out(close.end(), said)
        return True

    def _without_addresses(self, text: str) -> str:
        if "." not in text and "@" not in text:
            return text
        begin, parts = 0, list[str]()
        for found in _WORD.finditer(text):
            word = found.group()
            before = text[found.start() - 1] if found.start() else self._last
            if not _ADDRESS.search(word) and not (_REST.match(word) and _GLUED.match(before)):
                continue
            core = word.strip(_LOOSE) if word[0] != "." else word.rstrip(_LOOSE)
            at = found.start() + word.index(core)
            parts += [text[begin:at], " " if before == "\\" and at == found.start() else "", f"`{core}`"]
            begin = at + len(core)
        return "".join([*parts, text[begin:]])

    def _let_out(self, chars: int, said: list[str]) -> None:
        text, self._held = self._held[:chars], self._held[chars:]
        said.append(self._emit(text))

    def _emit(self, text: str) -> str:
        """Return the text, separated from a code span right before it, which it would change."""
        if not text:
            return ""
        joins = self._last == "`" and text[0] == "`" and not self._is_code_line
        self._last = text[-1]
        return f" {text}" if joins else text
