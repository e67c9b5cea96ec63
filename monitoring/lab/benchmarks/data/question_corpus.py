"""Generates the corpus of the benchmarks, and as many different questions about it as a load needs."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

DEPOTS = 400  # a paragraph each, which becomes a chunk
PER_DOCUMENT = 10

GOODS = ("tar", "rope", "salt", "timber", "wool", "copper", "grain", "lamp oil", "sailcloth", "coal", "hides", "wax")
FIRST_NAMES = (
    "Anna",
    "Birger",
    "Clara",
    "David",
    "Elsa",
    "Folke",
    "Greta",
    "Harald",
    "Ingrid",
    "Johan",
    "Karin",
    "Lars",
)
LAST_NAMES = ("Berg", "Dahl", "Ekman", "Falk", "Holm", "Lind", "Nyberg", "Palm", "Rask", "Sjoberg", "Thorn", "Wik")
QUAYS = ("north", "south", "east", "west", "inner", "outer", "old", "new")
COLOURS = ("red", "green", "blue", "yellow", "white", "black", "grey", "brown", "orange")
# Words that every paragraph has: the number of the depot decides, and what is asked has an answer.
ASKED = ("quay", "barrels", "bales", "key", "door", "carts", "gate", "guard", "fee", "winter", "stove", "roof")
COMBINATIONS = tuple(itertools.combinations(ASKED, 3))


def documents(depots: int = DEPOTS) -> dict[str, str]:
    """Return the texts of the documents by file name; the same ones every time."""
    found = {}
    for first in range(0, depots, PER_DOCUMENT):
        numbers = range(first, min(first + PER_DOCUMENT, depots))
        paragraphs = [f"Depots {first} to {numbers[-1]}", *(_paragraph(number) for number in numbers)]
        found[f"depots_{first:05}.txt"] = "\n\n".join(paragraphs) + "\n"
    return found


def questions(start: int = 0, depots: int = DEPOTS) -> Iterator[str]:
    """Yield questions without end, no two of 88,000 alike, from the one numbered `start` on."""
    for number in itertools.count(start):
        one, two, three = COMBINATIONS[number // depots % len(COMBINATIONS)]
        yield f"Where are the {one}, the {two} and the {three} of depot {number * 7 % depots}?"


def in_other_words(question: str) -> str:
    """Return the same question in other words, for the semantic cache."""
    return "Can you tell me where " + question.removeprefix("Where are ").replace("?", " are?")


def _paragraph(number: int) -> str:
    goods, other = GOODS[number % len(GOODS)], GOODS[(number * 5 + 3) % len(GOODS)]
    keeper = f"{FIRST_NAMES[number % 12]} {LAST_NAMES[(number // 12 + number) % 12]}"
    deputy = f"{FIRST_NAMES[(number * 7 + 2) % 12]} {LAST_NAMES[(number * 5 + 1) % 12]}"
    return (
        f"Depot {number} stands on the {QUAYS[number % len(QUAYS)]} quay and was built in {1800 + number % 190}. "
        f"It stores {100 + number * 3} barrels of {goods} and {20 + number % 77} bales of {other}. "
        f"The key of depot {number} is kept by {keeper}; when {keeper} is away, {deputy} keeps it. "
        f"The door is {COLOURS[number % len(COLOURS)]}, {2 + number % 5} metres wide, and is painted again every "
        f"{3 + number % 6} years. Carts reach depot {number} from gate {1 + number % 14} between {5 + number % 4} and "
        f"{15 + number % 5} o'clock, and a guard writes down each of them. What lies there longer than "
        f"{30 + number % 60} days is moved to depot {(number * 11 + 4) % DEPOTS}, where the fee is {1 + number % 9} "
        f"crowns a day. In winter the stove of depot {number} burns {4 + number % 7} sacks of coal a week, and "
        f"the roof is cleared of snow by the crew of the {QUAYS[(number + 3) % len(QUAYS)]} quay."
    )
