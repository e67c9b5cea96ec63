"""Explains in the words of Go's decoder why a text is not JSON."""

from __future__ import annotations

import re

END = "unexpected EOF"
WHITESPACE = " \t\r\n"
NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?")
HEX_DIGITS = "0123456789abcdefABCDEF"


class _Fault(Exception):
    """The first place at which the text stops being JSON."""


def explain(text: str, start: int = 0) -> str:
    """Return Go's message for the first fault in `text` from `start` on, e.g. "unexpected EOF" for "{"."""
    try:
        _value(text, start, 0)
    except _Fault as fault:
        return str(fault)
    return "json: cannot unmarshal number"  # well-formed for Go, too large a number for Python


def _invalid(text: str, at: int, where: str) -> _Fault:
    if at >= len(text):
        return _Fault(END)
    character = text[at]
    shown = {"'": "\\'", "\n": "\\n", "\t": "\\t", "\r": "\\r"}.get(character)
    if shown is None:
        shown = character if character.isprintable() else f"\\x{ord(character):02x}"
    return _Fault(f"invalid character '{shown}' {where}")


def _blank(text: str, at: int) -> int:
    while at < len(text) and text[at] in WHITESPACE:
        at += 1
    return at


def _value(text: str, at: int, depth: int) -> int:
    """Return the place after the value that starts at `at`."""
    at = _blank(text, at)
    if depth > 500:
        raise _Fault("exceeded max depth")
    character = text[at : at + 1]
    if character == "{":
        return _object(text, at + 1, depth)
    if character == "[":
        return _array(text, at + 1, depth)
    if character == '"':
        return _string(text, at + 1)
    if character and character in "-0123456789":
        return _number(text, at)
    for word in ("true", "false", "null"):
        if character == word[0]:
            return _literal(text, at, word)
    raise _invalid(text, at, "looking for beginning of value")


def _object(text: str, at: int, depth: int) -> int:
    at = _blank(text, at)
    if text[at : at + 1] == "}":
        return at + 1
    while True:
        at = _blank(text, at)
        if text[at : at + 1] != '"':
            raise _invalid(text, at, "looking for beginning of object key string")
        at = _blank(text, _string(text, at + 1))
        if text[at : at + 1] != ":":
            raise _invalid(text, at, "after object key")
        at = _blank(text, _value(text, at + 1, depth + 1))
        if text[at : at + 1] == "}":
            return at + 1
        if text[at : at + 1] != ",":
            raise _invalid(text, at, "after object key:value pair")
        at += 1


def _array(text: str, at: int, depth: int) -> int:
    at = _blank(text, at)
    if text[at : at + 1] == "]":
        return at + 1
    while True:
        at = _blank(text, _value(text, at, depth + 1))
        if text[at : at + 1] == "]":
            return at + 1
        if text[at : at + 1] != ",":
            raise _invalid(text, at, "after array element")
        at += 1


def _string(text: str, at: int) -> int:
    while at < len(text):
        character = text[at]
        if character == '"':
            return at + 1
        if ord(character) < 0x20:
            raise _invalid(text, at, "in string literal")
        if character == "\\":
            at = _escape(text, at + 1)
        else:
            at += 1
    raise _Fault(END)


def _escape(text: str, at: int) -> int:
    character = text[at : at + 1]
    if character != "u":
        if not character or character not in '"\\/bfnrt':
            raise _invalid(text, at, "in string escape code")
        return at + 1
    for place in range(at + 1, at + 5):
        if text[place : place + 1] not in HEX_DIGITS or place >= len(text):
            raise _invalid(text, place, "in \\u hexadecimal character escape")
    return at + 5


def _number(text: str, at: int) -> int:
    found = NUMBER.match(text, at)
    if found is None:
        raise _invalid(text, at + 1, "in numeric literal")
    return found.end()


def _literal(text: str, at: int, word: str) -> int:
    for place, wanted in enumerate(word):
        if text[at + place : at + place + 1] != wanted:
            raise _invalid(text, at + place, f"in literal {word} (expecting '{wanted}')")
    return at + len(word)
