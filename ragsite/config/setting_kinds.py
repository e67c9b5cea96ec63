"""Kinds of setting values: how each is parsed, and how it is described to an operator.

A kind's `parse` raises ValueError for what it refuses; a message, if any, says why in words that may be shown. `wrong`
are values that it must refuse: tests and the drill `bad-settings` try each of them.
"""

from __future__ import annotations

import math
import re
from argparse import ArgumentTypeError
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar
from urllib.parse import SplitResult, urlsplit

from ragsite.web.rates import parse_rate

T = TypeVar("T")

SHOWN_CHARS = 100  # of a value that is wrong
TRUE, FALSE = frozenset({"true", "1", "yes", "on", "y", "t"}), frozenset({"false", "0", "no", "off", "n", "f"})
POSTGRES_SCHEMES = frozenset({"postgresql", "postgres", "pgsql", "psql"})
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
ESCAPES = "in a password, # / ? : and @ are written %23 %2F %3F %3A and %40"
WORD = re.compile(r"[^\s\x00-\x1f\x7f]+")
HOST_PATTERN = re.compile(r"\*|\.?[\w-]+(\.[\w-]+)*\.?|\[[0-9a-fA-F:.]+\]")
DURATION = re.compile(r"-?\d+(\.\d+)?(ns|us|µs|ms|s|m|h)?")


@dataclass(frozen=True)
class Kind(Generic[T]):
    """A kind of values. `words` completes the sentence "it must be ..."."""

    words: str
    parse: Callable[[str], T]
    wrong: tuple[str, ...]


def argument_type(kind: Kind[T]) -> Callable[[str], T]:
    """Return the kind as the type of a command's argument."""

    def parse(text: str) -> T:
        try:
            return kind.parse(text)
        except ValueError:
            shown = text if len(text) <= SHOWN_CHARS else f"{text[:SHOWN_CHARS]}..."
            raise ArgumentTypeError(f"{shown!r} can't be: it must be {kind.words}") from None

    return parse


def whole(at_least: int, at_most: int) -> Kind[int]:
    """Return the kind of whole numbers in that range, both ends included."""

    def parse(text: str) -> int:
        if not re.fullmatch(r"[+-]?\d{1,18}", text, re.ASCII):
            raise ValueError
        return _bounded(int(text), at_least, at_most)

    wrong = ("abc", "1.5", str(at_least - 1), str(at_most + 1))
    return Kind(f"a whole number from {at_least} to {at_most}", parse, wrong)


def number(at_least: float, at_most: float) -> Kind[float]:
    """Return the kind of numbers in that range, both ends included; neither nan nor infinity."""

    def parse(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            raise ValueError from None  # without words: Python's own repeat the value
        if not math.isfinite(value):
            raise ValueError
        return _bounded(value, at_least, at_most)

    wrong = ("abc", "nan", "inf", f"{at_least - 1:.1f}", f"{at_most + 1:.1f}")
    return Kind(f"a number from {at_least:g} to {at_most:g}", parse, wrong)


def switch() -> Kind[bool]:
    """Return the kind of true and false."""

    def parse(text: str) -> bool:
        if text.lower() not in TRUE | FALSE:
            raise ValueError
        return text.lower() in TRUE

    return Kind("true or false", parse, ("maybe", "2"))


def one_of(*choices: str, upper: bool = False) -> Kind[str]:
    """Return the kind of a few words; with `upper`, in small letters too."""

    def parse(text: str) -> str:
        value = text.upper() if upper else text
        if value not in choices:
            raise ValueError
        return value

    return Kind(f"one of {', '.join(choices)}", parse, ("nonsense",))


def word(*, at_least: int = 1, at_most: int = 1000, pattern: re.Pattern[str] = WORD, words: str = "") -> Kind[str]:
    """Return the kind of texts without blanks, of such a length in characters."""

    def parse(text: str) -> str:
        if not pattern.fullmatch(text):
            raise ValueError
        if not at_least <= len(text) <= at_most:
            raise ValueError(f"it has {len(text)} characters")
        return text

    length = f" of {at_least} to {at_most} characters" if at_least > 1 else ""
    short = ("x" * (at_least - 1),) if at_least > 1 else ()
    return Kind(words or f"a text without blanks{length}", parse, ("two words", "x" * (at_most + 1), *short))


def secret(*, at_least: int) -> Kind[str]:
    """Return the kind of texts that nobody can guess: at least so many characters, blanks allowed."""

    def parse(text: str) -> str:
        if len(text) < at_least:
            raise ValueError(f"it has {len(text)} characters")
        return text

    return Kind(f"a text of at least {at_least} characters", parse, ("x" * (at_least - 1),))


def text(*, at_most: int) -> Kind[str]:
    """Return the kind of texts with something in them, of so many characters at most."""

    def parse(given: str) -> str:
        if not given.strip() or len(given) > at_most:
            raise ValueError(f"it has {len(given)} characters")
        return given

    return Kind(f"a text of 1 to {at_most} characters", parse, (" ", "x" * (at_most + 1)))


def user_name() -> Kind[str]:
    """Return the kind of names that Django's users may have."""
    words = "a user name of at most 150 letters, digits and @ . + - _"
    return word(at_most=150, pattern=re.compile(r"[\w.@+-]+"), words=words)


def listening_address() -> Kind[str]:
    """Return the kind of what a server can listen on: a name or an address, without a port."""
    return word(at_most=253, pattern=re.compile(r"[\w.:-]+"), words="a host name or an address, without a port")


def language_code() -> Kind[str]:
    """Return the kind of languages' codes."""
    return word(at_most=2, pattern=re.compile("[a-z]{2}"), words="an ISO 639-1 code, such as en or de")


def duration() -> Kind[str]:
    """Return the kind of times as model servers write them: 30m, 24h, seconds as a number, -1 for ever."""
    words = "a time such as 30m, 24h or 600 (seconds); -1 is for ever"
    return word(at_most=20, pattern=DURATION, words=words)


def rate() -> Kind[str]:
    """Return the kind of rates, as they are written; `parse_rate` reads them."""

    def parse(text: str) -> str:
        parse_rate(text)
        return text

    return Kind("a rate such as 120/m, 10/30s or 5000/d, or 0 for none", parse, ("often", "120", "-1/m"))


def folder() -> Kind[Path]:
    """Return the kind of paths where a folder is or can be made; whether it can be written to, a check says."""

    def parse(text: str) -> Path:
        path = Path(text).expanduser()
        for each in (path, *path.parents):
            if each.exists():
                if not each.is_dir():
                    raise ValueError(f"{each} is a file")
                break
        return path

    return Kind("a folder", parse, (__file__, f"{__file__}/below"))


def allowed_hosts() -> Kind[list[str]]:
    """Return the kind of lists of names by which a server may be called; a scheme or port in them would never match."""

    def parse(item: str) -> str:
        if not HOST_PATTERN.fullmatch(item):
            raise ValueError(f"{item!r} is none")
        return item

    words = "host names without scheme and port, separated by commas, such as ask.example.org,10.0.0.7"
    return _listed(words, parse, ("https://ask.example.org", "ask.example.org:8000", "ask example"))


def origins() -> Kind[list[str]]:
    """Return the kind of lists of origins: scheme, host and perhaps port."""

    def parse(item: str) -> str:
        parts = _split(item)
        if parts.scheme not in {"http", "https"} or not parts.netloc or parts.path.strip("/") or parts.query:
            raise ValueError(f"{item!r} is none")
        return item.rstrip("/")

    words = "origins separated by commas, such as https://ask.example.org"
    return _listed(words, parse, ("ask.example.org", "ftp://ask.example.org", "https://ask.example.org/path"))


def secrets_list(*, at_least: int) -> Kind[list[str]]:
    """Return the kind of lists of secrets."""
    one = secret(at_least=at_least)
    return _listed(f"{one.words}, or several separated by commas", one.parse, ("short",))


def redis_url() -> Kind[str]:
    """Return the kind of addresses of Redis servers."""

    def parse(text: str) -> str:
        parts = _split(text)
        if "://" not in text:
            raise ValueError("it has no scheme")
        if parts.scheme not in {"redis", "rediss", "unix"}:
            raise ValueError("its scheme is none of redis, rediss and unix")
        if not (parts.path if parts.scheme == "unix" else parts.hostname):
            raise ValueError("it has no host")
        if parts.scheme != "unix" and not re.fullmatch(r"(/\d*)?", parts.path):
            raise ValueError("its database is not a number")
        return text

    wrong = ("localhost:6379", "localhost", "http://localhost:6379", "redis://", "redis://h:port", "redis://h/name")
    return Kind("an address such as redis://localhost:6379/0", parse, wrong)


def words_list() -> Kind[list[str]]:
    """Return the kind of lists of texts, which somebody else looks through."""
    return _listed("texts separated by commas", str, ())


def postgres_url() -> Kind[str]:
    """Return the kind of addresses of Postgres databases."""

    def parse(text: str) -> str:
        parts = _split(text)
        if "://" not in text:
            raise ValueError("it has no scheme")
        if parts.scheme not in POSTGRES_SCHEMES:
            raise ValueError("its scheme is not postgresql")
        if parts.fragment or not parts.path.strip("/"):
            raise ValueError(f"it names no database; {ESCAPES}")
        return text

    wrong = (
        "localhost",
        "localhost:5432/rag",
        "mysql://h/rag",
        "postgresql://",
        "postgresql://h",
        "postgresql://h:p/d",
    )
    return Kind("an address such as postgresql://user:password@host:5432/name", parse, wrong)


def _listed(words: str, parse: Callable[[str], str], wrong: tuple[str, ...]) -> Kind[list[str]]:
    def parse_all(text: str) -> list[str]:
        return [parse(item.strip()) for item in text.split(",") if item.strip()]

    return Kind(words, parse_all, wrong)


def _split(text: str) -> SplitResult:
    """Return the parts of an address; its port has been read. Raises ValueError in words without any of its parts."""
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        raise ValueError(f"its port can't be read; {ESCAPES}") from None
    return parts


N = TypeVar("N", int, float)


def _bounded(value: N, at_least: float, at_most: float) -> N:
    if not at_least <= value <= at_most:
        raise ValueError
    return value
