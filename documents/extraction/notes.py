"""What a reader left out of a file or mended in it, counted, in sentences for the person who uploaded it.

The child process only names a kind and a count; the sentence is looked up here, so nothing that a file says can reach
a user this way. A document with a note that says something is missing is *partial*: it is searched, and says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

COUNT_MAX = 1_000_000_000


@dataclass(frozen=True)
class Note:
    """`count` things of one kind; `code` is a key of KINDS."""

    code: str
    count: int = 1


@dataclass(frozen=True)
class Kind:
    """How a note is said of one thing and of several, and whether it means that text of the file is missing."""

    one: str
    many: str  # with {count}
    missing: bool = False


KINDS: Mapping[str, Kind] = {
    "hidden_text": Kind(
        "1 piece of text that no reader of the file can see was kept apart; it is not searched.",
        "{count} pieces of text that no reader of the file can see were kept apart; they are not searched.",
    ),
    "bytes_repaired": Kind(
        "1 damaged place in the file's characters was mended or replaced with �.",
        "{count} damaged places in the file's characters were mended or replaced with �.",
    ),
    "attachment_not_read": Kind(
        "1 attachment was not read. Save it from the mail and upload it on its own.",
        "{count} attachments were not read. Save them from the mail and upload each on its own.",
        missing=True,
    ),
    "damaged_parts": Kind(
        "1 part of the file is damaged: it was read as far as possible, and text may be missing.",
        "{count} parts of the file are damaged: they were read as far as possible, and text may be missing.",
        missing=True,
    ),
    "embedded_files": Kind(
        "1 file inside this one was not read. Upload it as a document of its own.",
        "{count} files inside this one were not read. Upload them as documents of their own.",
        missing=True,
    ),
    "pictures": Kind("1 picture was left out.", "{count} pictures were left out."),
    "comments": Kind("1 comment was left out.", "{count} comments were left out."),
    "tracked_deletions": Kind(
        "1 tracked deletion was taken as accepted.", "{count} tracked deletions were taken as accepted."
    ),
    "hidden_sheets": Kind("1 hidden sheet was left out.", "{count} hidden sheets were left out."),
    "hidden_rows": Kind("1 hidden row was left out.", "{count} hidden rows were left out."),
    "hidden_columns": Kind("1 hidden column was left out.", "{count} hidden columns were left out."),
    "formulas_without_value": Kind(
        "1 formula was never calculated: it is shown as it is written.",
        "{count} formulas were never calculated: they are shown as they are written.",
    ),
}


def repaired(count: int) -> tuple[Note, ...]:
    """Return the note of `count` damaged places in the characters of a text, none if there is none."""
    return (Note("bytes_repaired", min(count, COUNT_MAX)),) if count else ()


def message_of(note: Note) -> str:
    """Return the sentence of a note."""
    kind = KINDS.get(note.code)
    if kind is None:  # stored by another version of ragsite
        return f"Something was left out ({note.code})."
    return kind.one if note.count == 1 else kind.many.format(count=note.count)


def is_partial(notes: Iterable[Note]) -> bool:
    """Return whether text of the file is missing."""
    return any(KINDS[note.code].missing for note in notes)


def merged(notes: Iterable[Note]) -> tuple[Note, ...]:
    """Return one note of each code with the counts added, in the order of KINDS."""
    counts: dict[str, int] = {}
    for note in notes:
        counts[note.code] = min(counts.get(note.code, 0) + note.count, COUNT_MAX)
    return tuple(Note(code, counts[code]) for code in KINDS if counts.get(code, 0) > 0)


def understood(said: object) -> tuple[Note, ...]:
    """Return the notes in a reply of the child, which nothing is taken on trust from.

    Raises ValueError or TypeError for what no child of ours says.
    """
    if not isinstance(said, list):
        raise TypeError("notes are a list")
    notes = [Note(str(code), int(count)) for code, count in said]
    if any(note.code not in KINDS or not 0 < note.count <= COUNT_MAX for note in notes):
        raise ValueError("no such note")
    return merged(notes)
