"""Applies a spreadsheet's number formats, so that numbers read as the sheet shows them. Pure: no Django.

Dates are written in ISO 8601, whatever their format, because 03/04 is ambiguous. A number without a
format keeps all digits that the file has. Nothing is ever written with an exponent.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from fractions import Fraction
from functools import lru_cache

BUILT_IN = {
    0: "General", 1: "0", 2: "0.00", 3: "#,##0", 4: "#,##0.00", 9: "0%", 10: "0.00%", 11: "0.00E+00", 12: "# ?/?",
    13: "# ??/??", 14: "yyyy-mm-dd", 15: "yyyy-mm-dd", 16: "yyyy-mm-dd", 17: "yyyy-mm", 18: "h:mm", 19: "h:mm:ss",
    20: "h:mm", 21: "h:mm:ss", 22: "yyyy-mm-dd h:mm", 37: "#,##0;(#,##0)", 38: "#,##0;(#,##0)",
    39: "#,##0.00;(#,##0.00)", 40: "#,##0.00;(#,##0.00)", 41: '#,##0;-#,##0;"-"', 42: '$#,##0;-$#,##0;"-"',
    43: '#,##0.00;-#,##0.00;"-"', 44: '$#,##0.00;-$#,##0.00;"-"', 45: "mm:ss", 46: "[h]:mm:ss", 47: "mm:ss",
    48: "0.0E+0", 49: "@",
}  # fmt: skip
BUILT_IN |= dict.fromkeys([*range(27, 37), *range(50, 59)], "yyyy-mm-dd")
_TOKEN = re.compile(
    r'"(?P<quoted>[^"]*)"|\\(?P<escaped>.)|_.|\*.|\[\$(?P<currency>[^\]-]*)[^\]]*\]|\[(?P<bracket>[^\]]*)\]'
    r"|(?P<general>General)|(?P<exponent>[eE][+-])|(?P<digits>[0#?])|(?P<sign>.)",
    re.IGNORECASE | re.DOTALL,
)
_ELAPSED = re.compile(r"[hms]+", re.IGNORECASE)
_CONDITION = re.compile(r"([<>=]+)\s*(-?\d+(?:\.\d+)?)")
_DATE_LETTERS = re.compile(r"[ymdhsbeg]|am/pm", re.IGNORECASE)
_SECTIONS_MAX = 4
_DECIMALS_MAX = 30


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str


@lru_cache(maxsize=512)
def formatter_of(code: str, *, is_1904: bool = False) -> Callable[[str], str]:
    """Return what turns a number, as a sheet's XML has it, into what a format shows of it."""
    sections = _sections(code)[:_SECTIONS_MAX]
    is_date = any(_is_date(section) for section in sections[:1])

    def write(value: str) -> str:
        if is_date:
            return _date(value, sections[0], is_1904=is_1904) or plain_number(value)
        try:
            number = Decimal(value.strip())
        except InvalidOperation:
            return value
        if not number.is_finite() or abs(number.adjusted()) > 300:
            return value
        section, is_signed = _section_for(sections, number)
        return _number(number if is_signed else abs(number), section)

    if code.strip().lower() in ("", "general", "@"):
        return plain_number
    return write


def plain_number(value: str) -> str:
    """Return a number with its own digits (15 at most, as spreadsheets count), without an exponent."""
    value = value.strip()
    digits = value.lstrip("-")
    if digits.isdecimal() and len(digits) <= 15:
        return value
    try:
        number = Decimal(value)
        if not number.is_finite() or abs(number.adjusted()) > 300:
            return value
        return _trimmed(format(Decimal(f"{number:.15g}"), "f"))
    except InvalidOperation:
        return value


def _trimmed(text: str) -> str:
    return text.rstrip("0").rstrip(".") if "." in text else text


def _sections(code: str) -> list[list[_Token]]:
    """Return the tokens of a format's sections: for positive and negative numbers, zero, text."""
    sections: list[list[_Token]] = [[]]
    for found in _TOKEN.finditer(code):
        kind = found.lastgroup or "blank"
        text = found[kind] if found.lastgroup else " "
        if kind == "sign" and text == ";":
            sections.append([])
        else:
            sections[-1].append(_Token(kind, text))
    return sections


def _is_date(section: list[_Token]) -> bool:
    return any(
        (token.kind == "sign" and _DATE_LETTERS.match(token.text))
        or (token.kind == "bracket" and _ELAPSED.fullmatch(token.text))
        for token in section
    )


def _section_for(sections: list[list[_Token]], number: Decimal) -> tuple[list[_Token], bool]:
    """Return the section that is for a number, and whether it still has to be written with its sign."""
    conditions = [_condition(section) for section in sections]
    if any(conditions):
        for section, condition in zip(sections, conditions, strict=True):
            if condition is None or _holds(number, *condition):
                return section, True
    if number < 0 and len(sections) > 1:
        return sections[1], False
    if number == 0 and len(sections) > 2:
        return sections[2], False
    return sections[0], True


def _condition(section: list[_Token]) -> tuple[str, Decimal] | None:
    """Return the comparison that a section begins with: [<100]."""
    for token in section:
        if token.kind == "bracket" and (found := _CONDITION.match(token.text)):
            return found[1], Decimal(found[2])
    return None


def _holds(number: Decimal, sign: str, limit: Decimal) -> bool:
    return {
        "<": number < limit,
        ">": number > limit,
        "=": number == limit,
        "<=": number <= limit,
        ">=": number >= limit,
        "<>": number != limit,
    }.get(sign, False)


def _number(number: Decimal, section: list[_Token]) -> str:
    """Return a number in one section of a format."""
    shown = [token for token in section if token.kind != "bracket"]
    if any(token.kind == "general" for token in shown):
        general = plain_number(str(number))
        return "".join(general if token.kind == "general" else token.text for token in shown).strip()
    places = [place for place, token in enumerate(shown) if token.kind == "digits"]
    if not places:
        return "".join(token.text for token in shown).strip()
    first, last = places[0], places[-1]
    if any(token.kind == "exponent" for token in shown):
        last = max(last, max(place for place, token in enumerate(shown) if token.kind == "exponent"))
        body = plain_number(str(number))
    elif any(token.kind == "sign" and token.text == "/" for token in shown[first:last]):
        while last + 1 < len(shown) and shown[last + 1].text.isdecimal():  # "# ?/16"
            last += 1
        body = _fraction(number, shown[first : last + 1])
    else:
        while last + 1 < len(shown) and shown[last + 1] == _Token("sign", ","):
            last += 1
        percents = sum(token == _Token("sign", "%") for token in shown)
        body = _digits(number * Decimal(100) ** percents, shown[first : last + 1])
    sign = "-" if body.startswith("-") else ""
    before = "".join(token.text for token in shown[:first])
    after = "".join(token.text for token in shown[last + 1 :])
    return " ".join(f"{sign}{before}{body.removeprefix('-')}{after}".split())


def _digits(number: Decimal, tokens: list[_Token]) -> str:
    """Return a number in the part of a format between its first and last digit."""
    while tokens[-1] == _Token("sign", ","):  # each leaves three digits out
        tokens, number = tokens[:-1], number / 1000
    point = next((place for place, token in enumerate(tokens) if token == _Token("sign", ".")), len(tokens))
    whole, part = tokens[:point], tokens[point + 1 :]
    most = min(sum(token.kind == "digits" for token in part), _DECIMALS_MAX)
    least = sum(token.text == "0" for token in part if token.kind == "digits")
    rounded = number.quantize(Decimal(1).scaleb(-most), ROUND_HALF_UP) if number.adjusted() < 26 else number
    left, _, right = format(abs(rounded), "f").partition(".")
    right = right[:least] + right[least:].rstrip("0")
    least_left = sum(token.text == "0" for token in whole if token.kind == "digits")
    left = left.lstrip("0").rjust(least_left, "0")
    others = [token for token in whole if token.kind != "digits" and token.text != ","]
    if others:
        left = _masked(left, whole)
    elif any(token == _Token("sign", ",") for token in whole):
        left = f"{int(left or 0):,}" if least_left <= 1 and left else left
    tail = "".join(token.text for token in part if token.kind != "digits")
    sign = "-" if rounded < 0 else ""
    return f"{sign}{left or ('0' if not right else '')}{'.' + right if right else ''}{tail}"


def _masked(digits: str, tokens: list[_Token]) -> str:
    """Return digits with what a format has between them: "000-00" shows 12345 as "123-45"."""
    written: list[str] = []
    left = list(digits)
    places = sum(token.kind == "digits" for token in tokens)
    for token in reversed(tokens):
        if token.kind != "digits":
            if token.text != ",":
                written.append(token.text)
            continue
        places -= 1
        if places == 0:
            written.append("".join(left))
            left = []
        elif left:
            written.append(left.pop())
    return "".join(reversed(written))


def _fraction(number: Decimal, tokens: list[_Token]) -> str:
    slash = next(place for place, token in enumerate(tokens) if token.text == "/")
    below = tokens[slash + 1 :]
    fixed = "".join(token.text for token in below)
    exact = Fraction(number)
    if fixed.isdecimal() and int(fixed) > 0:
        near = Fraction(round(exact * int(fixed)), int(fixed))
    else:
        near = exact.limit_denominator(10 ** min(max(1, len(below)), 4) - 1)
    sign, near = ("-" if near < 0 else ""), abs(near)
    has_whole = any(token.kind == "blank" or token.text == " " for token in tokens[:slash])
    whole = near.numerator // near.denominator if has_whole else 0
    rest = near - whole
    parts = [str(whole)] if whole or not rest else []
    return sign + " ".join([*parts, f"{rest.numerator}/{rest.denominator}"] if rest else parts)


def _date(value: str, section: list[_Token], *, is_1904: bool) -> str | None:
    """Return a serial number as date, time or duration; None if it is outside of what dates can be."""
    letters = "".join(token.text.lower() for token in section if token.kind == "sign")
    elapsed = next(
        (token.text.lower() for token in section if token.kind == "bracket" and _ELAPSED.fullmatch(token.text)), ""
    )
    try:
        serial = float(value)
        if elapsed:
            return _duration(serial, elapsed[0], has_seconds="s" in letters)
        if serial < 0:
            return None
        moment = _moment(serial, is_1904=is_1904)
    except (ValueError, OverflowError):
        return None
    has_time = "h" in letters or "s" in letters
    has_date = any(letter in letters for letter in "ydbeg") or ("m" in letters and not has_time)
    clock = moment.strftime("%H:%M:%S") if moment.second else moment.strftime("%H:%M")
    if not has_date or serial < 1:
        return clock if has_time else moment.date().isoformat()
    day = moment.date().isoformat()
    if not has_time:
        if "d" in letters or not ("y" in letters or "e" in letters):
            return day
        return day[:7] if "m" in letters else day[:4]
    return day if moment.time() == datetime.time() else f"{day} {clock}"


def _moment(serial: float, *, is_1904: bool) -> datetime.datetime:
    if is_1904:
        origin = datetime.datetime(1904, 1, 1)
    else:  # 1900 counts as a leap year there
        origin = datetime.datetime(1899, 12, 30) if serial >= 60 else datetime.datetime(1899, 12, 31)
    return origin + datetime.timedelta(seconds=round(serial * 86400))


def _duration(days: float, unit: str, *, has_seconds: bool) -> str:
    seconds = round(abs(days) * 86400)
    sign = "-" if days < 0 and seconds else ""
    if unit == "s":
        return f"{sign}{seconds}"
    if unit == "m":
        return f"{sign}{seconds // 60}:{seconds % 60:02d}" if has_seconds else f"{sign}{seconds // 60}"
    clock = f"{sign}{seconds // 3600}:{seconds // 60 % 60:02d}"
    return f"{clock}:{seconds % 60:02d}" if has_seconds else clock
