"""Removes a model's thoughts and the marks of its chat template from its answer. Pure: no Django.

Ollama hands over the thoughts of models that it knows apart from the answer. Of others they stand in the answer itself:
`<think>...</think>` and its kin, often without the first mark (it was in the prompt), sometimes without the last one.

A mark is one where an answer begins, where a line or sentence ends or begins, or where it is glued to words on both
sides. In code, in quotation marks and inside a sentence ("put it between <think> and </think>.") it is what the text is
about, and stays.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from documents.text.invisible_characters import visible
from querying.text.code_spans import Place

_NAMES = (
    "think",
    "thinking",
    "thought",
    "thoughts",
    "reasoning",
    "reflection",
    "analysis",
    "scratchpad",
    "seed:think",
    "inner_monologue",
)
_FINAL = "<|channel|>final<|message|>"  # in OpenAI's "harmony" form all that is no `final` message is thought
_END_OF = {
    **{f"<{name}>": f"</{name}>" for name in _NAMES},
    "[think]": "[/think]",
    "◁think▷": "◁/think▷",
    "<|think|>": "<|/think|>",
    "<|begin_of_thought|>": "<|end_of_thought|>",
    "<|start_thinking|>": "<|end_thinking|>",
    "<|channel>thought": "<channel|>",
    "<|channel|>analysis": _FINAL,
    "<|channel|>commentary": _FINAL,
}
_ENDS = frozenset(_END_OF.values())
# What a template writes before an answer; and what it writes behind one, or before the turn of another role.
_LEAD_INS = frozenset(
    [
        "<s>",
        "<bos>",
        "<|begin_of_text|>",
        "<|im_start|>assistant",
        "<|start|>assistant",
        "<|message|>",
        "<|assistant|>",
        "<|start_header_id|>assistant<|end_header_id|>",
        "<start_of_turn>model",
        "<|begin_of_solution|>",
        "<|start_response|>",
    ]
)
_TURNS = frozenset(
    [
        "</s>",
        "<eos>",
        "<|im_end|>",
        "<|im_start|>",
        "<|end|>",
        "<|start|>",
        "<|return|>",
        "<|call|>",
        "<|eot_id|>",
        "<|eom_id|>",
        "<|eot|>",
        "<|end_of_text|>",
        "<|endoftext|>",
        "<|start_header_id|>",
        "<|user|>",
        "<|system|>",
        "<end_of_turn>",
        "<start_of_turn>",
        "<|end_of_solution|>",
        "<|end_response|>",
        "<|end_of_turn_token|>",
        "<｜end▁of▁sentence｜>",
        "<｜user｜>",
        "[inst]",
        "[/inst]",
    ]
)
# How thoughts begin whose first mark is missing. An answer that begins so is only said later, not lost.
_PONDERING = frozenset(
    [
        "okay,",
        "ok,",
        "alright,",
        "hmm",
        "let me ",
        "let's ",
        "we need to ",
        "we are asked",
        "i need to ",
        "first, i ",
        "the user asks",
        "the user is asking",
        "the user wants",
        "the question asks",
        "好的，",
        "好，",
        "嗯，",
        "首先，我",
        "用户",
    ]
)
_AT_START = frozenset(_END_OF) | _ENDS | _LEAD_INS | _TURNS | _PONDERING
_WITHIN = _ENDS | _TURNS
_MARKS_AT_START = _AT_START - _PONDERING


def _begun_by(marks: Iterable[str]) -> frozenset[str]:
    """Return the texts of which one of the marks may still come."""
    return frozenset(mark[:chars] for mark in marks for chars in range(len(mark)))


def _longest_of(marks: Iterable[str]) -> re.Pattern[str]:
    return re.compile("|".join(map(re.escape, sorted(marks, key=len, reverse=True))))


_BEGUN_AT_START, _BEGUN_MARK_AT_START, _BEGUN_WITHIN = map(_begun_by, (_AT_START, _MARKS_AT_START, _WITHIN))
_FIRST, _NEXT = _longest_of(_AT_START), _longest_of(_WITHIN)
_LONGEST = max(map(len, _AT_START))
MAX_BLANK_CHARS = 200  # of white space that is held back: behind a mark, or before anything else
_OPENS_MARK = re.compile(r"[<◁]|\[(?=/|i|\Z)", re.IGNORECASE)
_ENDS_SENTENCE = frozenset('.!?…:;。！？：；।])}*_"”»')
_QUOTES = frozenset("`\"'“‘«‹„「『(")


class ThoughtFilter:
    """Removes the thoughts from a stream. The result doesn't depend on the pieces.

    Where thoughts lack their first mark, they may have been let through before the last one comes: `retractions` grows,
    and all that was let through until then is void. With `expects_thoughts` nothing leaves before it is clear.
    """

    def __init__(self, *, expects_thoughts: bool = False) -> None:
        self.retractions = 0
        self.is_over = False  # the model goes on in another role, or starts again
        self._held = ""
        self._has_begun = False  # something that is no mark has come
        self._waits = expects_thoughts  # what has begun may still turn out to be thoughts
        self._end = ""  # the mark that ends the thoughts that are under way
        self._place = Place()  # of what is held
        self._looked_chars = 0  # of what is held: no mark begins there
        self._before = ""  # the last character that came

    def feed(self, text: str) -> str:
        """Add a piece of the stream; return the text that can be released now."""
        if self.is_over:
            return ""
        text, self._before = visible(text, self._before), text[-1:] or self._before
        if self._has_begun and not self._held and not self._waits and _OPENS_MARK.search(text) is None:
            self._place.move(text)
            return text
        self._held += text
        return self._read(ended=False)

    def finish(self) -> str:
        """Return the held text at the end of the stream, unless it is an unfinished thought."""
        return "" if self.is_over else self._read(ended=True)

    def _read(self, *, ended: bool) -> str:
        said: list[str] = []
        while not self.is_over:
            before = self.retractions
            if self._end:
                goes_on = self._think()
            elif not self._has_begun:
                goes_on = self._begin(ended=ended)
            else:
                goes_on = self._speak(said, ended=ended)
            if self.retractions != before:
                said.clear()
            if not goes_on:
                break
        return "".join(said)

    def _think(self) -> bool:
        """Drop thoughts; return whether they have ended."""
        at = self._held.lower().find(self._end)
        if at < 0:
            self._held = self._held[-_LONGEST:]
            return False
        self._held, self._end, self._waits = self._held[at + len(self._end) :], "", False
        return True

    def _begin(self, *, ended: bool) -> bool:
        """Process the first characters of the answer; return whether to go on."""
        text = self._held.lstrip().lower()
        if not text:
            self._held = self._held[-MAX_BLANK_CHARS:]
            return False
        if not ended and text in _BEGUN_AT_START:
            return False
        if ended and text[0] in "<◁[" and text in _BEGUN_MARK_AT_START:
            self._held = ""  # cut off within a mark
            return False
        found = _FIRST.match(text)
        mark = found.group() if found else ""
        if mark and mark not in _PONDERING:
            self._held = self._held.lstrip()[len(mark) :]
            self._end = _END_OF.get(mark, "")
            self.is_over = mark in _TURNS
            return True
        self._has_begun = True
        self._waits = self._waits or bool(mark)
        return True

    def _speak(self, said: list[str], *, ended: bool) -> bool:
        """Release the held text up to the next mark; return whether to go on."""
        self._waits = self._waits and not ended
        at = self._looked_chars
        while (found := _OPENS_MARK.search(self._held, at)) is not None:
            rest = self._held[found.start() : found.start() + _LONGEST].lower()
            known = _NEXT.match(rest)
            mark = known.group() if known else ""
            if not mark and rest in _BEGUN_WITHIN:
                cut_off = ended and len(rest) >= 3 and self._is_mark(found.start(), "")
                if ended and not cut_off:
                    break
                self._say(self._held[: found.start()], said, looked=found.start())
                self._held = "" if ended else self._held
                return False
            if mark:
                behind = self._held[found.start() + len(mark) :]
                if not ended and len(behind) < MAX_BLANK_CHARS and not behind.strip(" \t"):
                    self._say(self._held[: found.start()], said, looked=found.start())
                    return False
                if self._is_mark(found.start(), behind):
                    self._reached(mark, found.start(), said)
                    return True
            at = found.end()
        self._say(self._held, said, looked=len(self._held))
        return False

    def _reached(self, mark: str, at: int, said: list[str]) -> None:
        self._looked_chars = 0
        if mark in _TURNS:
            self._waits = False
            self._say(self._held[:at], said)
            self.is_over = True
            return
        self._held = self._held[at + len(mark) :]
        self._place, self._has_begun, self._waits = Place(), False, False
        self.retractions += 1

    def _say(self, text: str, said: list[str], *, looked: int = 0) -> None:
        """Let the text, which is the beginning of what is held, through; while it waits, it stays."""
        self._looked_chars = looked if self._waits else 0
        if self._waits or not text:
            return
        said.append(text)
        self._held = self._held[len(text) :]
        self._place.move(text)

    def _is_mark(self, at: int, behind: str) -> bool:
        """Return whether what stands there is a mark, and not a word of the text."""
        if self._place.is_code_behind(self._held[:at]):
            return False
        line = self._place.line_behind(self._held[:at])
        if not line.strip():
            return True
        closes = line[-1] == '"' and line.count('"') % 2 == 0
        if line[-1] in _QUOTES and not closes:
            return False
        following = behind.lstrip(" \t")[:1]
        if following in {"", "\n", "\r"} or line.rstrip()[-1] in _ENDS_SENTENCE:
            return True
        return not line[-1].isspace() and behind[0].isalnum()
