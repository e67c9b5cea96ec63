"""Removes links, images and HTML from answers, whatever a document made the model write. Pure: no Django.

A page or a chat client that renders markdown would load an image or offer a link of an attacker's choice, with the
reader's secrets in its address. So no link, image, HTML tag or address leaves; every other character does. The answer
is plain markdown text; sources are named in its citations, which come from the database.
"""

from __future__ import annotations

import re
from collections.abc import Container

from documents.text.invisible_characters import visible
from querying.generation.citations import CitationFilter
from querying.generation.control_tokens import is_control_name
from querying.output.bare_addresses import ENDS_WORD, AddressFilter
from querying.output.html_elements import ELEMENTS

REMOVED = "‹link removed›"  # no bracket and no HTML: it can't become part of something else
MAX_HELD_CHARS = 1024  # of a word that isn't finished
KEPT_WHEN_FULL_CHARS = 256  # an address that begins there is still found

# Characters that end a word for our purpose. Ideographs do too: Chinese has no spaces, and would be held back for long.
_RUN = re.compile(rf"[^{ENDS_WORD}]+|.", re.DOTALL)  # of a word, or one character that ends it
_WORD = re.compile(rf"[^{ENDS_WORD}]")
# Ends what follows "https://" when an address has a host that isn't plain ASCII.
_ENDS_ADDRESS = frozenset("\"'`<>)“”»›、。，；！？）】」』》")

_ADDRESS = re.compile(
    r"""
      (?<![a-z0-9]) (?:https?|ftps?|wss?|javascript|vbscript|livescript|mailto|blob|file) : (?= [\w/\\%.@&+-] )
    | (?<![a-z0-9]) data: (?= [\w.+-]+/ | [;,] )
    | [/\\]{2} (?= (?:[^\s/\\]*@)? (?: [\w-]+ (?:\.[\w-]+)+ | [\w-]+:\d+ | \d{6,} | 0x[0-9a-f]+ ) )  # //host
    | (?<![^\W_]) www\d*\. (?= [\w-] )
    | (?<![\w.-]) (?:[\w-]{1,63}\.)+ (?: xn--[\w-]+ | (?!(?:js|ts|go|vb)\b) [^\W\d_]{2,24} )  # host.tld ...
      (?::\d{1,5})? [/?\#\\] (?= \S )                                         # ... with a path
    """,
    re.IGNORECASE | re.VERBOSE,
)
# Any scheme://, also https:\\. What stands before the colon is read backwards from there: looked for from each letter
# on, it would take the square of a long word's length.
_SLASHES = re.compile(r":[/\\]{2}")
_SCHEME_SIGNS = "0123456789+.-"
_SCHEME_CHARS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ" + _SCHEME_SIGNS
# Without one of these a word holds no address, no beginning of one, and no entity.
_SUSPECT = re.compile(r"[:/\\?#&]|www", re.IGNORECASE)
# At the end of a word, with more than a space behind it: "https://[::1]", "javascript:(...)".
_BEGUN = re.compile(r"(?:(?<![a-z0-9])(?:https?|javascript|vbscript|data):|[/\\]{2})$", re.IGNORECASE)
_TRAILING = re.compile(r"[.,;:!?]*$")
# Markdown decodes these late; a linkifier sees the result.
_ENTITY = re.compile(r"&(?=#)|&(?!(?:amp|lt|gt|quot|apos|nbsp);)(?=[a-z][a-z0-9]{1,31};)", re.IGNORECASE)
# Two characters that together open a link, an image, a reference, a tag or an entity.
# `List<String>`: a type in angle brackets, glued to a name. As HTML it would be an unknown element without
# attributes, which does nothing; those that do something get their space like all others.
_TYPE = re.compile(r"[A-Za-z_][A-Za-z0-9_,]*")
_BEFORE_TYPE = re.compile(r"[A-Za-z0-9_]")
_OPENERS = frozenset([("]", "("), ("]", ":"), ("!", "["), ("<", "/"), ("<", "!"), ("<", "?"), ("&", "#")])

# Text in which there is nothing to look for, as most sentences are: words, signs that open nothing, and citations.
_HARMLESS = re.compile(
    r"(?:[\w \n.,;'\"%()*`–-]++|[:?!](?=[ \n]|\Z)|(?<!!)(?:\[\d{1,9}\])++(?=[ \n.,;?)*]))*+", re.IGNORECASE
)
_LETTERS = re.compile("[a-z]*", re.IGNORECASE)


class LinkFilter:
    """Removes the links from a stream. The result doesn't depend on the pieces.

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
        """Add a piece of the stream; return the text that can be released now."""
        if not self._last and not self._word and text and _LETTERS.fullmatch(text) and len(text) < MAX_HELD_CHARS:
            self._word, self._said_chars = text, len(text)
            return self._emit(text)
        said = ""
        if not self._swallowing and not self._said_chars:
            whole = self._word + text
            begin = 1 + max(whole.rfind(" "), whole.rfind("\n"))
            if begin and _is_harmless(words := whole[:begin]):
                self._word = ""
                said, text = self._emit(words), whole[begin:]
        runs = [self._take(run) for run in _RUN.findall(text)]
        return said + "".join(runs) if runs else said

    def finish(self) -> str:
        """Return the held text at the end of the stream."""
        return self._word_done(followed_by_space=True)

    def _take(self, run: str) -> str:
        """Add a run of characters of a word, or one character that ends it."""
        if _WORD.match(run):
            return "" if self._swallowing else self._grow(run)
        is_space = run.isspace()
        if self._swallowing and not self._word:
            if not is_space and run not in _ENDS_ADDRESS:
                return ""
            self._swallowing = False
        word = self._word_done(followed_by_space=is_space, closed=run == ">")
        if self._swallowing and not is_space and run not in _ENDS_ADDRESS:
            return word
        self._swallowing = False
        return word + self._emit(run)

    def _grow(self, run: str) -> str:
        """Add to the word; one that becomes too long is checked in parts."""
        said = ""
        while len(self._word) + len(run) >= MAX_HELD_CHARS and not self._swallowing:
            taken = MAX_HELD_CHARS - len(self._word)
            self._word, run = self._word + run[:taken], run[taken:]
            said += self._word_too_long()
        if not self._swallowing:
            self._word += run
        return said

    def _word_done(self, *, followed_by_space: bool, closed: bool = False) -> str:
        word, self._word = self._word, ""
        said_chars, self._said_chars = self._said_chars, 0
        if not word:
            return ""
        is_type = closed and self._may_open_type and _is_type(word)
        if _SUSPECT.search(word) is None:
            return self._emit(word[said_chars:], is_type=is_type)
        begin, end = _address_in(word)
        if begin < 0 and not followed_by_space and (begun := _BEGUN.search(word)):
            begin, end = begun.span()
        if begin < 0:
            return self._emit(_ENTITY.sub("& ", word[said_chars:]), is_type=is_type)
        trailing = _TRAILING.search(word, end)
        behind = trailing.group() if trailing and trailing.start() > end else ""
        # A host in brackets or ideographs comes as further words.
        self._swallowing = not followed_by_space and end == len(word)
        before = word[said_chars:begin]
        return self._emit(_ENTITY.sub("& ", before)) + self._emit(REMOVED) + self._emit(behind)

    def _word_too_long(self) -> str:
        said_chars, self._said_chars = self._said_chars, 0
        begin, _end = _address_in(self._word) if _SUSPECT.search(self._word) else (-1, -1)
        if begin >= 0:
            before, self._word, self._swallowing = self._word[said_chars:begin], "", True
            return self._emit(_ENTITY.sub("& ", before)) + self._emit(REMOVED)
        cut = max(said_chars, len(self._word) - KEPT_WHEN_FULL_CHARS)
        before, self._word = self._word[said_chars:cut], self._word[cut:]
        return self._emit(_ENTITY.sub("& ", before))

    def _emit(self, text: str, *, is_type: bool = False) -> str:
        """Return the text, with a space before it if it would form markup with the text before."""
        if not text:
            return ""
        opens = (self._last, text[0]) in _OPENERS or (self._last == "<" and text[0].isalpha() and not is_type)
        self._may_open_type = text == "<" and bool(_BEFORE_TYPE.match(self._last))
        self._last = text[-1]
        return f" {text}" if opens else text


def _is_harmless(words: str) -> bool:
    """Return whether these whole words contain nothing to remove or to separate."""
    return _HARMLESS.fullmatch(words) is not None and "www" not in words.lower()


def _is_type(word: str) -> bool:
    """Return whether `<word>` behind a name is the type that it holds, and not a tag or a model's control token."""
    return _TYPE.fullmatch(word) is not None and word.lower() not in ELEMENTS and not is_control_name(word)


def _address_in(word: str) -> tuple[int, int]:
    """Return the places where the first address of a word begins, and where its mark ends; (-1, -1): there is none."""
    found = _ADDRESS.search(word)
    begin, end = found.span() if found else (-1, -1)
    for slashes in _SLASHES.finditer(word):
        before = word[: slashes.start()]
        scheme = before[len(before.rstrip(_SCHEME_CHARS)) :].lstrip(_SCHEME_SIGNS)
        if len(scheme) >= 2:
            start = slashes.start() - len(scheme)
            return (start, slashes.end()) if begin < 0 or start <= begin else (begin, end)
    return begin, end


class AnswerFilter:
    """Applies all filters to a stream: invisible characters, citations, links, bare addresses.

    In this order: "ht[9]tps://" is an address only once the citation is gone, and "[\u200b9]" a citation only once
    the invisible character is.
    """

    def __init__(self, given: Container[int]) -> None:
        self._citations = CitationFilter(given)
        self._links = LinkFilter()
        self._addresses = AddressFilter()
        self._before = ""  # the last character that came

    def feed(self, text: str) -> str:
        """Add a piece of the stream; return the text that can be released now."""
        text, self._before = visible(text, self._before), text[-1:] or self._before
        return self._addresses.feed(self._links.feed(self._citations.feed(text)))

    def finish(self) -> str:
        """Return the held text at the end of the stream."""
        last = self._links.feed(self._citations.finish()) + self._links.finish()
        return self._addresses.feed(last) + self._addresses.finish()


def filter_answer(text: str, given: Container[int] = ()) -> str:
    """Return the filtered text, with citations of the given numbers only."""
    answer = AnswerFilter(given)
    return answer.feed(text) + answer.finish()


def filter_field(text: str) -> str:
    """Return a title or another short field, filtered. Its brackets are no citations, and stay."""
    links, addresses = LinkFilter(), AddressFilter()
    return addresses.feed(links.feed(visible(text)) + links.finish()) + addresses.finish()
