"""Counts and truncates text in tokens, by a simple rule.

A token is a word, or four bytes of a longer one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import chain, count, islice
from typing import Any

BYTES_PER_TOKEN = 4
PIECE = re.compile(r"\s*\S{1,8}|\s+")


def count_tokens(text: str) -> int:
    """Return how many tokens `text` has, e.g. 2 for "the cat"."""
    size = len(text) if text.isascii() else len(text.encode("utf-8", errors="replace"))
    return max(len(text.split()), -(-size // BYTES_PER_TOKEN))


def cut_to_tokens(text: str, limit: int) -> str:
    """Return the beginning of `text` that has at most `limit` tokens."""
    short = text.encode("utf-8", errors="replace")[: limit * BYTES_PER_TOKEN].decode("utf-8", errors="ignore")
    words = list(islice(re.finditer(r"\S+", short), limit + 1))
    return short[: words[limit].start()] if len(words) > limit else short


@lru_cache(maxsize=64)
def pieces_of(text: str, exactly: int = 0) -> tuple[str, ...]:
    """Return the answer's tokens as they are sent; together they are the text.

    With `exactly` the text is trimmed or repeated to that many. From the third time on it is counted, as a text that
    only repeats itself is one that clients stop reading.
    """
    pieces = PIECE.findall(text) or [" "]
    if not exactly:
        return tuple(pieces) if text else ()
    again = [" " + pieces[0].lstrip(), *pieces[1:]]
    rounds = (again if number < 3 else [f" {number}:", *again] for number in count(2))
    return tuple(islice(chain(pieces, chain.from_iterable(rounds)), exactly))


def prompt_of_messages(messages: Sequence[Mapping[str, Any]]) -> int:
    """Return the tokens of a chat prompt: each message costs a few for its role."""
    return sum(message_tokens(message) for message in messages)


def message_tokens(message: Mapping[str, Any]) -> int:
    """Return the tokens of one message within the prompt."""
    return count_tokens(str(message["content"])) + 4
