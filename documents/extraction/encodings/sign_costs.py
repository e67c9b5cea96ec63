"""Scores whether a sign above ASCII fits its place: a quotation mark before a word, a euro beside a number.

The wrong code page gives signs in places where nobody writes them ("It¡¯s", "4øC", "Ä4.50"), and that is most of what
a short English text has to go by. Costs are about -log of a probability. Pure: no Django.
"""

from __future__ import annotations

import re

_GOOD = 1.0
_BAD = 6.5
_ODD = 4.5
_LONELY = 9.0
_SIGN_COST = 4.6  # of a sign wherever it stands
NOTHING = 15.0  # undefined, a control character, of private use

_LETTERS = re.compile(r"[^\W\d_]{1,6}")
_LETTERS_BEFORE = re.compile(r"[^\W\d_]+\Z")
_SHORTENED = frozenset(["s", "t", "d", "m", "re", "ve", "ll", "n", "em", "er", "til", "cause", "clock"])

_OPENING = "“‘„‚«‹「『（【《〈"
_CLOSING = "”’»›“‘」』）】》〉"
_DASHES = "–—‐‑―−"
_MONEY = "€£¥¢₫"
_MARKS = "®™"
_BULLETS = "•·▪■●○◦‣►▶★☆→✓✔➢"
_OPENED = {"¡": "!", "¿": "?"}
_SENTENCE_CHARS = 300
_FRACTIONS = "½¼¾"
_NEVER_ALONE = "“‘„‚”’‹›¬¨´¸¯ˇ˘˙˚˛˜˝¤¦"
_BLANKS = " \u00a0"
_ENDS = " \t\r\n\u00a0"
_RULES = "─═━█"  # lines of a table are many of these
_UPRIGHTS = "│║┃"
_PUNCTUATION = ".,;:!?()[]/\"'-"


def sign_cost(sign: str, before: str, after: str, text: str, index: int) -> float:
    """Return the cost of `text[index]`, which is no letter, between its neighbours ("" at a border)."""
    if sign == "’" and _is_latin(before) and _is_latin(after):
        return _SIGN_COST + (0.0 if _is_apostrophe(text, index) else _BAD)
    if sign in _OPENED and _OPENED[sign] not in text[index : index + _SENTENCE_CHARS]:
        return _SIGN_COST + _BAD
    if before in _BLANKS and after in _BLANKS:
        if sign in _NEVER_ALONE:
            return _SIGN_COST + _LONELY
        if sign in _MONEY:
            return _SIGN_COST + (
                _GOOD if text[max(0, index - 2)].isdigit() or text[index + 2 : index + 3].isdigit() else _ODD
            )
    return _SIGN_COST + _place_cost(sign, before, after)


def _is_apostrophe(text: str, index: int) -> bool:
    """Return whether a sign between two letters shortens a word: "isn’t", "l’eau", "dell’arte"."""
    behind = _LETTERS.match(text, index + 1)
    in_front = _LETTERS_BEFORE.search(text, max(0, index - 8), index)
    return bool(behind and behind[0].lower() in _SHORTENED) or bool(in_front and len(in_front[0]) <= 6)


def _is_latin(character: str) -> bool:
    return character.isalpha() and character < "\u0250"


def _place_cost(sign: str, before: str, after: str) -> float:
    before, after = before or "\n", after or "\n"
    spaced_before, spaced_after = before in _ENDS or before in _PUNCTUATION, after in _ENDS or after in _PUNCTUATION
    if sign in _OPENING or sign in _CLOSING:
        return _quote_cost(sign, before, after, spaced_before=spaced_before, spaced_after=spaced_after)
    if sign in _DASHES:
        if before.isalpha() and after.isalpha() and sign not in "—‐‑":
            return _BAD
        is_even = (before in _ENDS) == (after in _ENDS) or before.isdigit() or after.isdigit()
        return _GOOD if is_even and not (_is_lower(before) and after.isupper()) else _ODD
    if sign == "…":
        return 1.5 if after in _ENDS or spaced_after or before in _ENDS else _ODD
    if sign == "\u00a0":
        if (before.isalpha() and after.isalpha()) or before in "([" or after in ")]":
            return 3.0
        return 0.5 if before not in "\n" and after not in "\n" else 2.0
    if sign in _BULLETS:
        return _GOOD if after in _ENDS and before in _ENDS else 2.0 if before in "\n" else _ODD
    return _other_cost(sign, before, after, spaced_before=spaced_before, spaced_after=spaced_after)


def _quote_cost(sign: str, before: str, after: str, *, spaced_before: bool, spaced_after: bool) -> float:
    if ord(sign) >= 0x3000:
        return 2.0 + 5.0 * (_is_latin(before) + _is_latin(after))
    if sign == "‚":
        return 3.5 if spaced_before and after.isalnum() else _BAD
    if sign == "’" and before.isalpha():
        return 0.0 if (after.isalpha() and not (_is_lower(before) and after.isupper())) or spaced_after else 2.5
    if sign in _OPENING and spaced_before and after not in _ENDS:
        return _GOOD
    if sign in _CLOSING and not before.isspace() and (spaced_after or after in _CLOSING):
        return _GOOD
    if sign in "«»":
        return 1.5 if spaced_before or spaced_after else _BAD
    if (before.isalpha() and after.isalpha()) or (sign in "‚‹›" or (sign in "“„«" and after in _ENDS)):
        return _BAD
    return _ODD


def _other_cost(sign: str, before: str, after: str, *, spaced_before: bool, spaced_after: bool) -> float:
    by_digit = before.isdigit() or after.isdigit()
    if sign in _MONEY:
        if by_digit or (before == "(" and after == ")"):
            return _GOOD
        return 3.0 if spaced_before and spaced_after else _BAD
    if sign == "°":
        return _GOOD if before.isdigit() or (before in " \u00a0" and after in "CF") else 3.0 if after in "CFK" else _BAD
    if sign in "±×÷≤≥≈":
        return 2.0 if by_digit or (before in _ENDS and after in _ENDS) or (before == "(" and after == ")") else _BAD
    if sign in "§¶№":
        return 1.5 if spaced_before and (after in " \u00a0§" or after.isdigit()) else _BAD
    if sign == "©":
        return 1.5 if (spaced_before and spaced_after) or after.isdigit() else _BAD
    if sign in _MARKS:
        return 1.5 if before.isalpha() or spaced_before else _BAD
    if sign in _FRACTIONS:
        return 2.5 if before.isdigit() or spaced_before else _BAD
    if sign in "²³¹":
        return 2.5 if before.isalnum() and not after.isalpha() else _BAD
    if sign in "ºª":
        return 2.5 if before.isdigit() or (before in "nN" and (after in _ENDS or after.isdigit())) else _BAD
    if sign in "†‡":
        return 3.5 if spaced_after else _BAD
    if sign in "¿¡":
        return 1.5 if spaced_before and (after.isalpha() or after in "¿¡") else _BAD
    code = ord(sign)
    if 0x2500 <= code < 0x25A0:  # lines and blocks of old tables stand in runs
        if sign in (before, after):
            return -3.0 if sign in _RULES else 2.5
        is_in_line = sign in _UPRIGHTS or _is_line(before) or _is_line(after) or (before in _ENDS and after in _ENDS)
        return 5.0 if is_in_line else _LONELY
    if 0x3000 <= code < 0x3040 or 0xFF00 <= code < 0xFF60:
        return 2.0 + 4.0 * (_is_plain(before) + _is_plain(after))
    return _BAD + 2.0 if before.isalpha() and after.isalpha() else _BAD


def _is_line(character: str) -> bool:
    return "\u2500" <= character < "\u25a0"


def _is_plain(character: str) -> bool:
    """Return whether a character is one that a text in Latin letters has, blanks aside."""
    return character < "\u0250" and not character.isspace()


def _is_lower(character: str) -> bool:
    return character.islower()
