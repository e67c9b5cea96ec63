"""Generates texts for files of any size: plain English sentences with numbers and made-up names.

An embedder's work is counted in tokens, and ordinary words have as many as they have in real texts; the names see to
it that there are rare words, too.
"""

from __future__ import annotations

import random
from functools import lru_cache
from pathlib import Path

from monitoring.lab.benchmarks.data.artificial_language import Language

SENTENCES_PER_PARAGRAPH = 6
NAMES = 5000
# Files of the mean size, as nobody has them, keep workers in step: all of them read, and then all of them embed.
SHARES = (0.5, 1.5, 0.75, 1.25)  # of the mean


def _listed(words: str) -> list[str]:
    return words.split()


_THINGS = _listed(
    """
    office manager report machine engine contract customer meeting budget window garden bridge station ticket letter
    driver doctor teacher student patient building kitchen warehouse container platform signal network printer
    schedule holiday weekend insurance invoice payment delivery supplier warranty procedure exercise laboratory
    instrument temperature pressure valve pipeline generator battery cable antenna harbour vessel cargo passenger
    luggage corridor elevator staircase department committee regulation permission certificate licence inspector
    neighbour village mountain river forest weather season harvest market restaurant recipe library archive museum
    picture theatre orchestra newspaper article chapter question answer decision proposal agreement complaint
    """
)
_ACTS = _listed(
    """
    checks repairs replaces orders delivers describes explains measures records reports opens closes cleans moves
    counts compares supports requires allows prevents follows precedes improves delays confirms cancels signs reads
    translates prints stores heats cools lifts carries protects controls connects separates inspects approves
    """
)
_KINDS = _listed(
    """
    old new small large heavy light annual weekly public private technical medical legal financial local national
    urgent ordinary broken reliable expensive cheap northern southern electric mechanical temporary permanent modern
    second final empty quiet careful responsible available complete important difficult simple
    """
)
_TIMES = (
    "before the summer",
    "after the inspection",
    "in the early morning",
    "at the end of the month",
    "during the night shift",
    "without further notice",
    "within ten days",
    "as soon as possible",
    "in most cases",
    "only on request",
    "every Wednesday",
    "under normal conditions",
    "according to the manual",
)
_JOINTS = ("and", "but", "because", "while", "although", "so that", "unless")


def make_prose(size_bytes: int, *, seed: int) -> str:
    """Return a text of so many bytes, in paragraphs; another one for every seed."""
    chance = random.Random(seed)  # noqa: S311 - not for secrets
    paragraphs: list[str] = []
    length = 0
    while length <= size_bytes:
        paragraphs.append(" ".join(_sentence(chance) for _ in range(SENTENCES_PER_PARAGRAPH)))
        length += len(paragraphs[-1]) + 2
    return "\n\n".join(paragraphs)[:size_bytes]


def write_files(folder: Path, *, count: int, size_bytes: int, seed: int = 0) -> int:
    """Write that many text files into a new folder, and return their bytes in all; `size_bytes` is their mean size."""
    folder.mkdir(parents=True)
    sizes = [int(size_bytes * SHARES[number % len(SHARES)]) for number in range(count)]
    for number, size in enumerate(sizes):
        (folder / f"note-{number}.txt").write_text(make_prose(size, seed=seed * 10_000 + number))
    return sum(sizes)


def _sentence(chance: random.Random) -> str:
    pick = chance.choice
    first = f"the {pick(_KINDS)} {pick(_THINGS)} of {pick(_names()).capitalize()} {pick(_ACTS)} the {pick(_THINGS)}"
    second = f"the {pick(_THINGS)} {pick(_ACTS)} {chance.randrange(2, 2000)} of the {pick(_KINDS)} {pick(_THINGS)}s"
    return f"{first} {pick(_TIMES)}, {pick(_JOINTS)} {second}.".capitalize()


@lru_cache(maxsize=1)
def _names() -> list[str]:
    return Language().words[-NAMES:]
