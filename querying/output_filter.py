"""Lets no link to anywhere leave with an answer, whatever a document made the model write. Pure: no Django.

A page or a chat client that renders markdown would load an image or offer a link of an attacker's choice, with the
reader's secrets in its address. So no link, image, HTML tag or address leaves; every other character does. The answer
is plain markdown text; sources are named in its citations, which come from the database.
"""

from __future__ import annotations

import re
from collections.abc import Container

from querying.citations import CitationFilter
from querying.html_elements import ELEMENTS

REMOVED = "‹link removed›"  # no bracket and no HTML: it can't become part of something else
MAX_HELD_CHARS = 1024  # of a word that isn't finished
KEPT_WHEN_FULL_CHARS = 256  # an address that begins there is still found

# Characters that end a word for our purpose. Ideographs do too: Chinese has no spaces, and would be held back for long.
_DELIMITERS = frozenset("[](){}<>\"'`|*^“”„«»‹›‘’、。，．：；！？（）【】「」『』《》…—–")
_IDEOGRAPH = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\uac00-\ud7af]")
# Ends what follows "https://" when an address has a host that isn't plain ASCII.
_ENDS_ADDRESS = frozenset("\"'`<>)“”»›、。，；！？）】」』》")

_ADDRESS = re.compile(
    r"""
      (?: [a-z][a-z0-9+.-]+ : )  [/\\]{2}                                     # any scheme://, also https:\\
    | (?<![a-z0-9]) (?:https?|ftps?|wss?|javascript|vbscript|livescript|mailto|blob|file) : (?= [\w/\\%.@&+-] )
    | (?<![a-z0-9]) data: (?= [\w.+-]+/ | [;,] )
    | [/\\]{2} (?= (?:[^\s/\\]*@)? (?: [\w-]+ (?:\.[\w-]+)+ | [\w-]+:\d+ | \d{6,} | 0x[0-9a-f]+ ) )  # //host
    | (?<![\w-]) www\d*\. (?= [\w-] )
    | (?<![\w.-]) (?:[\w-]{1,63}\.)+ (?: xn--[\w-]+ | (?!(?:js|ts|go|vb)\b) [^\W\d_]{2,24} )  # host.tld ...
      (?::\d{1,5})? [/?\#\\] (?= \S )                                         # ... with a path
    """,
    re.IGNORECASE | re.VERBOSE,
)
# At the end of a word, with more than a space behind it: "https://[::1]", "javascript:(...)".
_BEGUN = re.compile(
    r"(?:[a-z][a-z0-9+.-]+:[/\\]{2}|(?<![a-z0-9])(?:https?|javascript|vbscript|data):|[/\\]{2})$", re.IGNORECASE
)
_TRAILING = re.compile(r"[.,;:!?]*$")
# Markdown decodes these late; a linkifier sees the result.
_ENTITY = re.compile(r"&(?=#)|&(?!(?:amp|lt|gt|quot|apos|nbsp);)(?=[a-z][a-z0-9]{1,31};)", re.IGNORECASE)
# Two characters that together open a link, an image, a reference, a tag or an entity.
# `List<String>`: a type in angle brackets, glued to a name. As HTML it would be an element that nobody knows, without
# attributes, which does nothing; those that do something get their space like all others.
_TYPE = re.compile(r"[A-Za-z_][A-Za-z0-9_,]*")
_BEFORE_TYPE = re.compile(r"[A-Za-z0-9_]")
_OPENERS = frozenset([("]", "("), ("]", ":"), ("!", "["), ("<", "/"), ("<", "!"), ("<", "?"), ("&", "#")])

# What nobody sees, and what could hide in it: controls, zero-width, direction marks, tags. The joiners that emoji and
# Indic scripts need stay. A lone surrogate can't be sent at all.
_INVISIBLE: dict[int, str | None] = {
    **dict.fromkeys(
        code
        for first, last in [
            (0x00, 0x08),
            (0x0B, 0x1F),
            (0x7F, 0x9F),
            (0xAD, 0xAD),
            (0x180E, 0x180E),
            (0x200B, 0x200B),
            (0x200E, 0x200F),
            (0x202A, 0x202E),
            (0x2060, 0x206F),
            (0xFEFF, 0xFEFF),
            (0xFFF9, 0xFFFB),
            (0xE0000, 0xE0FFF),
        ]
        for code in range(first, last + 1)
    ),
    **dict.fromkeys(range(0xD800, 0xE000), "\ufffd"),
    0x2028: "\n",
    0x2029: "\n",
}


# Text in which there is nothing to look for, as most sentences are: words, and signs that open nothing.
_HARMLESS = re.compile(r"(?!.*www)(?:[\w \n.,;'\"%()–-]|[:?](?=[ \n]|\Z))*", re.IGNORECASE | re.DOTALL)
_ONE_WORD = re.compile(r"[a-z0-9.,;:?%-]*", re.IGNORECASE)  # or the beginning of one
_LETTERS = re.compile("[a-z]*", re.IGNORECASE)


class LinkFilter:
    """Takes the links out of a stream. Goes character by character, so the pieces it is fed don't matter.

    Holds back the word that isn't finished, MAX_HELD_CHARS at most; but the first letters of all leave at once, as a
    reader waits for nothing else. Should an address begin with them, they are all of it that leaves.
    """

    def __init__(self) -> None:
        self._word = ""
        self._said_chars = 0  # of the word: its letters that have left
        self._last = ""  # the character that left last
        self._may_open_type = False  # it is "<", glued to a name
        self._swallowing = False  # inside an address whose end isn't reached

    def feed(self, text: str) -> str:
        """Return what can be said now of all that was fed."""
        if not self._last and not self._word and text and _LETTERS.fullmatch(text) and len(text) < MAX_HELD_CHARS:
            self._word, self._said_chars = text, len(text)
            return self._emit(text)
        if not self._swallowing and not self._said_chars:
            whole = self._word + text
            begin = 1 + max(whole.rfind(" "), whole.rfind("\n"))
            words, word = whole[:begin], whole[begin:]
            if len(word) < MAX_HELD_CHARS and _ONE_WORD.fullmatch(word) and _HARMLESS.fullmatch(words):
                self._word = word
                return self._emit(words)
        return "".join(map(self._take, text))

    def finish(self) -> str:
        """Return what was held back."""
        return self._word_done(followed_by_space=True)

    def _take(self, char: str) -> str:
        if char.isspace() or char in _DELIMITERS or _IDEOGRAPH.match(char):
            if self._swallowing and not self._word:
                if not char.isspace() and char not in _ENDS_ADDRESS:
                    return ""
                self._swallowing = False
            word = self._word_done(followed_by_space=char.isspace(), closed=char == ">")
            if self._swallowing and not char.isspace() and char not in _ENDS_ADDRESS:
                return word
            self._swallowing = False
            return word + self._emit(char)
        if self._swallowing:
            return ""
        self._word += char
        return self._word_too_long() if len(self._word) >= MAX_HELD_CHARS else ""

    def _word_done(self, *, followed_by_space: bool, closed: bool = False) -> str:
        word, self._word = self._word, ""
        said_chars, self._said_chars = self._said_chars, 0
        if not word:
            return ""
        address = _ADDRESS.search(word)
        if address is None and not followed_by_space:
            address = _BEGUN.search(word)
        if address is None:
            is_type = closed and self._may_open_type and _TYPE.fullmatch(word) and word.lower() not in ELEMENTS
            return self._emit(_ENTITY.sub("& ", word[said_chars:]), is_type=bool(is_type))
        trailing = _TRAILING.search(word, address.end())
        behind = trailing.group() if trailing and trailing.start() > address.end() else ""
        # A host in brackets or ideographs comes as further words.
        self._swallowing = not followed_by_space and address.end() == len(word)
        before = word[said_chars : address.start()]
        return self._emit(_ENTITY.sub("& ", before)) + self._emit(REMOVED) + self._emit(behind)

    def _word_too_long(self) -> str:
        said_chars, self._said_chars = self._said_chars, 0
        address = _ADDRESS.search(self._word)
        if address is not None:
            before, self._word, self._swallowing = self._word[said_chars : address.start()], "", True
            return self._emit(_ENTITY.sub("& ", before)) + self._emit(REMOVED)
        cut = max(said_chars, len(self._word) - KEPT_WHEN_FULL_CHARS)
        before, self._word = self._word[said_chars:cut], self._word[cut:]
        return self._emit(_ENTITY.sub("& ", before))

    def _emit(self, text: str, *, is_type: bool = False) -> str:
        """Return the text, with a space before it where it would open something with what left before."""
        if not text:
            return ""
        opens = (self._last, text[0]) in _OPENERS or (self._last == "<" and text[0].isalpha() and not is_type)
        self._may_open_type = text == "<" and bool(_BEFORE_TYPE.match(self._last))
        self._last = text[-1]
        return f" {text}" if opens else text


class AnswerFilter:
    """All that a model's text passes through on its way out: invisible characters, citations, links, in this order.

    The order matters: "ht[9]tps://" is an address only once the citation is gone, and "[\u200b9]" a citation only once
    the invisible character is.
    """

    def __init__(self, given: Container[int]) -> None:
        self._citations = CitationFilter(given)
        self._links = LinkFilter()

    def feed(self, text: str) -> str:
        """Return what can be said now of all that was fed."""
        return self._links.feed(self._citations.feed(text.translate(_INVISIBLE)))

    def finish(self) -> str:
        """Return what was held back."""
        return self._links.feed(self._citations.finish()) + self._links.finish()


def filter_answer(text: str, given: Container[int] = ()) -> str:
    """Return the text as it may leave, with citations of the given numbers only."""
    if _HARMLESS.fullmatch(text):
        return text
    answer = AnswerFilter(given)
    return answer.feed(text) + answer.finish()


def visible(text: str) -> str:
    """Return the text without what nobody sees."""
    return text.translate(_INVISIBLE)
