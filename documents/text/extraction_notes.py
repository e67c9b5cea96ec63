"""Defines notes on what an extractor left out of a file or repaired, as sentences for the person who uploaded it.

The sandboxed child process only returns kinds and counts; the sentences are looked up here, so no text of a file can
reach a user this way. A document with a note that text is missing is *partial*: it is searched, and marked as such.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

COUNT_MAX = 1_000_000_000
PAGES_MAX = 20_000  # of one note, and the highest page number
_RANGES_SHOWN = 12


@dataclass(frozen=True)
class Note:
    """`count` things of one kind; `code` is a key of KINDS. `pages` are the page numbers, if they are known."""

    code: str
    count: int = 1
    pages: tuple[int, ...] = ()


@dataclass(frozen=True)
class Kind:
    """The sentences of a note for one thing and for several, and whether text of the file is missing."""

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
    "picture_pages": Kind(
        "1 page is a picture, probably a scan, and was not read: run OCR (text recognition) over the file and upload "
        "the result.",
        "{count} pages are pictures, probably scans, and were not read: run OCR (text recognition) over the file and "
        "upload the result.",
        missing=True,
    ),
    "recognised_pages": Kind(
        "1 page is a picture: its text was recognised (OCR), and may have mistakes.",
        "{count} pages are pictures: their text was recognised (OCR), and may have mistakes.",
    ),
    "unsure_pages": Kind(
        "1 page is a picture that is hard to read: much of its recognised text may be wrong.",
        "{count} pages are pictures that are hard to read: much of their recognised text may be wrong.",
        missing=True,
    ),
    "letterless_pages": Kind(
        "1 page was not read, because its fonts don't say which letters they show.",
        "{count} pages were not read, because their fonts don't say which letters they show.",
        missing=True,
    ),
    "damaged_pages": Kind(
        "1 page is damaged and was not read.",
        "{count} pages are damaged and were not read.",
        missing=True,
    ),
    "cut_off": Kind(
        "The end of the file is missing.",
        "{count} parts of the file end too early.",
        missing=True,
    ),
    "missing_chapters": Kind(
        "1 chapter that the book lists is not in the file.",
        "{count} chapters that the book lists are not in the file.",
        missing=True,
    ),
    "files_inside": Kind(
        "1 file inside this file was not read: upload it by itself.",
        "{count} files inside this file were not read: upload them by themselves.",
        missing=True,
    ),
    "media": Kind(
        "1 embedded sound or video was not read.",
        "{count} embedded sounds or videos were not read.",
        missing=True,
    ),
    "pictures": Kind(
        "1 picture without a description was not read.",
        "{count} pictures without a description were not read.",
    ),
    "hidden_slides": Kind(
        "1 hidden slide was kept apart; it is not searched.",
        "{count} hidden slides were kept apart; they are not searched.",
    ),
    "hidden_sheets": Kind(
        "1 hidden sheet was kept apart; it is not searched.",
        "{count} hidden sheets were kept apart; they are not searched.",
    ),
    "hidden_rows": Kind(
        "1 hidden row or column was left out.",
        "{count} hidden rows and columns were left out.",
    ),
    "damaged_parts": Kind(
        "1 part of the file is damaged: it was read as far as possible, and text may be missing.",
        "{count} parts of the file are damaged: they were read as far as possible, and text may be missing.",
        missing=True,
    ),
    "comments": Kind("1 comment was left out.", "{count} comments were left out."),
    "tracked_deletions": Kind(
        "1 tracked deletion was taken as accepted.", "{count} tracked deletions were taken as accepted."
    ),
    "formulas_without_value": Kind(
        "1 formula was never calculated: it is shown as it is written.",
        "{count} formulas were never calculated: they are shown as they are written.",
    ),
    "repeated_lines": Kind(
        "1 page header or footer that repeats was left out; its first stays.",
        "{count} page headers or footers that repeat were left out; the first of each stays.",
    ),
}


def repaired(count: int) -> tuple[Note, ...]:
    """Return a note on `count` damaged places in the characters of a text; empty for 0."""
    return (Note("bytes_repaired", min(count, COUNT_MAX)),) if count else ()


def message_of(note: Note) -> str:
    """Return the sentence of a note with its pages: "... were not read (pages 2-6, 9)."."""
    kind = KINDS.get(note.code)
    if kind is None:  # stored by another version of ragsite
        return f"Something was left out ({note.code})."
    sentence = kind.one if note.count == 1 else kind.many.format(count=note.count)
    return f"{sentence[:-1]} ({_listed(note.pages)})." if note.pages else sentence


def _listed(pages: Sequence[int]) -> str:
    """Return page numbers as words: "page 4", "pages 2-6, 9"."""
    ranges: list[list[int]] = []
    for page in pages:
        if ranges and page == ranges[-1][1] + 1:
            ranges[-1][1] = page
        else:
            ranges.append([page, page])
    shown = [str(first) if first == last else f"{first}-{last}" for first, last in ranges[:_RANGES_SHOWN]]
    more = " and others" if len(ranges) > _RANGES_SHOWN else ""
    return f"{'page' if len(pages) == 1 else 'pages'} {', '.join(shown)}{more}"


def is_partial(notes: Iterable[Note]) -> bool:
    """Return whether a note says that text of the file is missing."""
    return any(KINDS[note.code].missing for note in notes)


def merged(notes: Iterable[Note]) -> tuple[Note, ...]:
    """Return one note of each code with the counts added, in the order of KINDS."""
    counts: dict[str, int] = {}
    pages: dict[str, list[int]] = {}
    for note in notes:
        counts[note.code] = min(counts.get(note.code, 0) + note.count, COUNT_MAX)
        pages.setdefault(note.code, []).extend(note.pages)
    return tuple(
        Note(code, counts[code], tuple(sorted(set(pages[code])))[:PAGES_MAX])
        for code in KINDS
        if counts.get(code, 0) > 0
    )


def as_stored(note: Note) -> list[object]:
    """Return a note as a list for JSON; `understood` reads a list of these."""
    return [note.code, note.count, list(note.pages)] if note.pages else [note.code, note.count]


def understood(said: object) -> tuple[Note, ...]:
    """Return the notes of a reply of the child process, validated, because the child is not trusted.

    Raises ValueError or TypeError for a malformed reply.
    """
    if not isinstance(said, list):
        raise TypeError("notes are a list")
    notes = [
        Note(str(code), int(count), tuple(int(page) for listed in pages for page in listed))
        for code, count, *pages in said
    ]
    if any(note.code not in KINDS or not 0 < note.count <= COUNT_MAX for note in notes):
        raise ValueError("no such note")
    if any(not 0 < page <= PAGES_MAX for note in notes for page in note.pages):
        raise ValueError("no such page")
    return merged(notes)
