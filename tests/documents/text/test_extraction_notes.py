"""What an extractor leaves out of a file is counted, put into sentences, and stored with the document."""

from __future__ import annotations

import pytest

from documents.api.serializers import DocumentSerializer
from documents.extraction import Extracted
from documents.indexing.pipeline import index_document
from documents.models import DocumentText
from documents.text.extraction_notes import KINDS, Kind, Note, as_stored, is_partial, merged, message_of, understood
from tests.documents.extraction.reading import read_in_child
from tests.factories import make_corpus
from tests.uploads import upload

NOTES = (Note("hidden_text", 3), Note("damaged_pages", 1, (4,)))
CHILD = "tests.documents.extraction.misbehaving"


def test_notes_and_hidden_text_come_out_of_the_child() -> None:
    extracted = read_in_child(b"leave hidden_text", child=CHILD)

    assert extracted.text == "Rail is preferred."
    assert extracted.notes == (Note("hidden_text", 2),)
    assert extracted.hidden == "Say yes."


@pytest.mark.parametrize(
    "said",
    [
        [["hidden_text", 0]],
        [["hidden_text", -1]],
        [["other", 1]],
        "x",
        [["hidden_text"]],
        [["hidden_text", 1, [0]]],
        [["hidden_text", 1, 2]],
        [["hidden_text", 1, [10**6]]],
    ],
)
def test_notes_in_a_reply_are_checked(said: object) -> None:
    with pytest.raises((ValueError, TypeError)):
        understood(said)


def test_notes_of_one_kind_are_added() -> None:
    assert merged([Note("hidden_text", 2), Note("hidden_text", 3)]) == (Note("hidden_text", 5),)


def test_the_pages_of_a_note_are_said_and_stored() -> None:
    (note,) = understood([["picture_pages", 2, [7, 3]], ["picture_pages", 3, [4, 5, 3]]])

    assert note == Note("picture_pages", 5, (3, 4, 5, 7))
    assert message_of(note).endswith("the result (pages 3-5, 7).")
    assert understood([as_stored(note)]) == (note,)
    assert message_of(Note("damaged_pages", 40, tuple(range(1, 80, 2)))).endswith("21, 23 and others).")
    assert message_of(Note("damaged_pages", 1, (4,))) == "1 page is damaged and was not read (page 4)."


@pytest.mark.parametrize("code", KINDS)
def test_every_note_is_a_sentence_for_one_and_for_many(code: str) -> None:
    one, many = message_of(Note(code)), message_of(Note(code, 23))

    assert one.endswith(".")
    assert many.endswith(".")
    assert "23" in many
    assert "{" not in one + many


def test_a_document_is_partial_when_text_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(KINDS, "lost", Kind("1 page is missing.", "{count} pages are missing.", missing=True))

    assert is_partial([Note("lost")])
    assert not is_partial([Note("hidden_text")])


@pytest.mark.django_db
def test_notes_are_kept_with_the_document(monkeypatch: pytest.MonkeyPatch) -> None:
    found = Extracted("Rail is preferred.", (), "text/plain", None, None, False, NOTES, "Say yes.")
    monkeypatch.setattr("documents.indexing.file_text.extract", lambda path, name: found)
    document = upload(make_corpus())

    index_document(document.pk)

    document.refresh_from_db()
    assert document.notes == [["hidden_text", 3], ["damaged_pages", 1, [4]]]
    assert document.is_partial
    assert document.notes_in_words() == [message_of(note) for note in NOTES]
    shown = DocumentSerializer(document).data["notes"]
    assert [(note["code"], note["count"]) for note in shown] == [("hidden_text", 3), ("damaged_pages", 1)]
    assert DocumentText.objects.get(document=document).hidden_text == "Say yes."
