"""What content managers do in the admin: uploads, jobs, passages, and forms that refuse what the API refuses."""

from __future__ import annotations

import io
import json
import zipfile

import pytest
from django.test import Client
from procrastinate.contrib.django.models import ProcrastinateJob

from documents.indexing.cancellation import cancel_indexing
from documents.indexing.pipeline import index_document
from documents.indexing.queue import places_in_queue
from documents.models import Corpus, Document, EmbeddingSpace
from tests.documents.admin.cast import World, editor, manager, page, reader, superuser, world
from tests.uploads import upload

__all__ = ["editor", "manager", "reader", "superuser", "world"]
pytestmark = pytest.mark.django_db
FORM = {"name": "New", "slug": "new", "language": "de", "chunk_unit": "chars", "chunk_size": 800, "chunk_overlap": 100}


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"language": "english"}, "Select a valid choice"),
        ({"top_k": "banana"}, "Enter a whole number"),
        ({"top_k": 101}, "less than or equal to 100"),
        ({"mode": "psychic"}, "Select a valid choice"),
        ({"suggestions": "Why?\n" * 11}, "no more than 10"),
        ({"suggestions": "x" * 301}, "no more than 300 characters"),
        ({"chunk_overlap": 800}, "smaller than the chunk"),
        ({"chunk_size": 49}, "greater than or equal to 50"),
    ],
)
def test_the_form_of_a_corpus_refuses_what_the_api_refuses(
    world: World, manager: Client, fields: dict[str, object], sentence: str
) -> None:
    html = page(manager, "documents/corpus/add/", **{**FORM, "tenant": world.ours.pk, **fields})
    assert sentence in html
    assert not Corpus.objects.filter(slug="new").exists()


def test_query_defaults_are_fields_and_are_stored_as_the_api_stores_them(world: World, manager: Client) -> None:
    page(manager, "documents/corpus/add/", **{**FORM, "tenant": world.ours.pk, "top_k": 7, "mode": "quality",
         "suggestions": "How long?\n\nWhere? "})  # fmt: skip
    corpus = Corpus.objects.get(slug="new")
    assert corpus.defaults == {"top_k": 7, "mode": "quality", "suggestions": ["How long?", "Where?"]}
    html = page(manager, f"documents/corpus/{corpus.pk}/change/")
    assert 'value="7"' in html and "How long?\nWhere?" in html
    page(manager, f"documents/corpus/{corpus.pk}/change/", **FORM)
    corpus.refresh_from_db()
    assert corpus.defaults == {}


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        ("department: Finance\nyear: 2024", {"department": "Finance", "year": 2024}),
        ('tags: ["a", "b"]\n\nurl: https://x.example/y', {"tags": ["a", "b"], "url": "https://x.example/y"}),
        ('{"a": 1}', {"a": 1}),
        ('number: "2024"', {"number": "2024"}),  # a text that looks like a number stays one
        ("", {}),
    ],
)
def test_metadata_is_written_as_lines(world: World, editor: Client, text: str, stored: dict[str, object]) -> None:
    path = f"documents/document/{world.document.pk}/change/"
    page(editor, path, metadata=text, source="")
    world.document.refresh_from_db()
    assert world.document.metadata == stored
    shown = editor.get(f"/admin/{path}").context["adminform"].form["metadata"].value()
    page(editor, path, metadata=shown, source="")  # what is shown means the same
    world.document.refresh_from_db()
    assert world.document.metadata == stored


@pytest.mark.parametrize("text", ["no colon here", ": nothing before it", 'deep: {"a": {"b": 1}}', '{"a":', "a: NaN"])
def test_metadata_that_the_api_refuses_is_not_stored(world: World, editor: Client, text: str) -> None:
    page(editor, f"documents/document/{world.document.pk}/change/", metadata=text, source="new")
    world.document.refresh_from_db()
    assert (world.document.metadata, world.document.source) == ({}, "")


def test_documents_are_found_by_words_of_their_title_and_text(world: World, editor: Client) -> None:
    for name, text in (("lift.txt", "The elevators were inspected."), ("other.txt", "Nothing of that kind.")):
        assert index_document(upload(world.corpus, text, name).pk) == "ready"
    index_document(upload(world.their_corpus, "SECRET elevators were inspected.", "secret.txt").pk)

    def found(words: str) -> str:
        return page(editor, f"documents/document/?q={words}")

    assert "lift" in found("elevator")  # in another form
    assert "other" not in found("elevator")
    assert "lift" in found("Lift")
    assert "lift" not in found("elevator+kind")  # all of the words
    assert "SECRET" not in found("elevator")
    assert "lift" not in found("unheardof")


def test_the_passages_and_the_original_of_a_document_are_one_click_away(world: World, reader: Client) -> None:
    document = upload(world.corpus, "<script>alert(1)</script> Rail is preferred.", "rules.html.txt")
    index_document(document.pk)
    html = page(reader, f"documents/document/{document.pk}/change/")
    for name in ("passages", "original"):
        assert f"/admin/documents/document/{document.pk}/{name}/" in html
    assert "Rail is preferred" in page(reader, f"documents/document/{document.pk}/passages/?q=rail")
    assert "<script>alert" not in page(reader, f"documents/document/{document.pk}/passages/")
    assert "No passage has these words" in page(reader, f"documents/document/{document.pk}/passages/?q=bicycle")
    reply = reader.get(f"/admin/documents/document/{document.pk}/original/")
    assert reply["Content-Disposition"] == 'attachment; filename="rules.html.txt"'
    assert reply["Content-Type"] == "application/octet-stream"
    assert "sandbox" in reply["Content-Security-Policy"]
    assert b"".join(reply.streaming_content).endswith(b"Rail is preferred.")  # type: ignore[attr-defined]


def test_pages_of_another_tenants_document_are_not_there(world: World, manager: Client) -> None:
    for name in ("passages", "original"):
        assert manager.get(f"/admin/documents/document/{world.their_document.pk}/{name}/").status_code == 404
    for name in ("retry", "cancel"):
        assert manager.post(f"/admin/documents/document/{world.their_document.pk}/{name}/").status_code == 404
        assert manager.get(f"/admin/documents/document/{world.document.pk}/{name}/").status_code == 405
    reply = manager.get(f"/admin/documents/document/progress/?id={world.their_document.pk}&id=nonsense")
    assert reply.json() == {"documents": []}


def test_a_reader_sees_neither_uploads_nor_jobs_and_retries_nothing(world: World, reader: Client) -> None:
    Document.objects.filter(pk=world.document.pk).update(status="failed")
    assert reader.get("/admin/documents/document/upload/").status_code == 403
    assert reader.get("/admin/documents/document/jobs/").status_code == 403
    assert reader.post(f"/admin/documents/document/{world.document.pk}/retry/").status_code == 404
    reader.post("/admin/documents/document/retry-failed/")
    assert Document.objects.get(pk=world.document.pk).status == "failed"


def test_jobs_are_shown_by_state_and_are_retried_and_cancelled(world: World, editor: Client) -> None:
    first, second = (upload(world.corpus, f"Text {number}.", f"number-{number}.txt") for number in (1, 2))
    Document.objects.filter(pk=world.document.pk).update(status="failed", error_detail="It was damaged.")
    Document.objects.filter(pk=world.their_document.pk).update(status="failed")
    html = page(editor, "documents/document/jobs/")
    assert html.index("number-1") < html.index("number-2")
    assert "It was damaged." in html and "SECRET" not in html
    rows = {row["title"]: row for row in progress(editor, first, second, world.document)}
    assert rows["number-1"]["label"] == "next in the queue"
    assert rows["number-2"]["label"] == "2 in the queue"
    assert rows["Our document"]["problem"] == "It was damaged."

    page(editor, f"documents/document/{first.pk}/cancel/", **{"from": "jobs"})
    assert progress(editor, first)[0]["words"] == "failed"
    assert places_in_queue([first.pk, second.pk]) == {second.pk: 1}
    page(editor, "documents/document/retry-failed/", confirm="yes")
    assert {each.status for each in Document.objects.filter(corpus=world.corpus)} == {"processing"}
    assert Document.objects.get(pk=world.their_document.pk).status == "failed"


def progress(client: Client, *documents: Document) -> list[dict[str, object]]:
    query = "&".join(f"id={document.pk}" for document in documents)
    rows: list[dict[str, object]] = client.get(f"/admin/documents/document/progress/?{query}").json()["documents"]
    return rows


def test_a_cancelled_run_writes_nothing_and_the_version_before_stays(world: World) -> None:
    document = upload(world.corpus, "Rail is preferred.", "rail.txt")
    assert cancel_indexing(document)
    assert index_document(document.pk) is None  # a worker that has its job already
    document.refresh_from_db()
    assert (document.status, document.error_code, document.version) == ("failed", "cancelled", 0)
    assert not document.chunks.exists()
    assert not ProcrastinateJob.objects.filter(lock=f"document-{document.pk}", status="todo").exists()
    assert not cancel_indexing(document)
    Document.objects.filter(pk=world.document.pk).update(status="processing")
    assert cancel_indexing(world.document)
    world.document.refresh_from_db()
    assert (world.document.version, world.document.chunks.count()) == (1, 1)


def archive_of(files: dict[str, bytes]) -> io.BytesIO:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    buffer.seek(0)
    buffer.name = "files.zip"
    return buffer


def send(client: Client, world: World, file: io.BytesIO) -> tuple[int, dict[str, object]]:
    reply = client.post("/api/v1/documents/archive", {"corpus": world.corpus.slug, "file": file})
    return reply.status_code, json.loads(reply.content)


def test_each_file_of_an_archive_becomes_a_document(world: World, editor: Client) -> None:
    status, reply = send(editor, world, archive_of({
        "minutes/2024/may.txt": b"May.", "june.txt": b"June.", "empty/": b"", "__MACOSX/._june.txt": b"x",
        ".hidden": b"x", "old/backup.zip": b"PK", "../../etc/passwd.txt": b"root", "a\\b.txt": b"backslash",
    }))  # fmt: skip
    assert status == 202
    taken = Document.objects.filter(corpus=world.corpus).exclude(pk=world.document.pk)
    assert {(each.title, each.source) for each in taken} == {
        ("may", "minutes/2024/may.txt"), ("june", "june.txt"), ("passwd", "../../etc/passwd.txt"), ("b", "a/b.txt")
    }  # fmt: skip
    assert {each.status for each in taken} == {"processing"}
    assert reply["refused"] == [{"name": "old/backup.zip", "why": "An archive within an archive is not unpacked."}]


def encrypted() -> io.BytesIO:
    file = archive_of({"a.txt": b"a"})
    data = bytearray(file.getvalue())
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(mark) + place] |= 1
    return named(bytes(data))


def named(data: bytes) -> io.BytesIO:
    file = io.BytesIO(data)
    file.name = "files.zip"
    return file


@pytest.mark.parametrize(
    ("file", "sentence"),
    [
        (named(b"PK\x03\x04 this is none"), "damaged, or no ZIP archive"),
        (archive_of({"a.txt": b"a" * 4000}), "unpacks to more"),
        (archive_of({f"{number}.txt": b"a" for number in range(12)}), "more files"),
        (encrypted(), "password"),
    ],
)
def test_an_archive_that_is_dangerous_or_broken_is_refused_as_a_whole(
    world: World, editor: Client, monkeypatch: pytest.MonkeyPatch, file: io.BytesIO, sentence: str
) -> None:
    monkeypatch.setattr("documents.extraction.archives.UNPACKED_MAX_BYTES", 3000)
    monkeypatch.setattr("documents.extraction.archives.ENTRIES_MAX", 10)
    file.seek(0)
    status, reply = send(editor, world, file)
    assert status == 400
    assert sentence in str(reply["errors"])
    assert Document.objects.filter(corpus=world.corpus).count() == 1


def test_a_reader_uploads_no_archive(world: World, reader: Client) -> None:
    assert send(reader, world, archive_of({"a.txt": b"a"}))[0] == 403


def test_cancelling_over_the_api(world: World, editor: Client, reader: Client) -> None:
    document = upload(world.corpus, "Rail is preferred.", "rail.txt")
    path = f"/api/v1/documents/{document.pk}/cancel"
    assert reader.post(path).status_code == 403
    assert editor.post(path).json()["error"]["code"] == "cancelled"
    assert editor.post(f"/api/v1/documents/{world.their_document.pk}/cancel").status_code == 404


def test_another_embedding_model_is_started_by_a_manager(world: World, manager: Client, editor: Client) -> None:
    path = "documents/embeddingspace/start/"
    assert editor.get(f"/admin/{path}").status_code == 403
    same = {"corpus": world.corpus.pk, "provider": "embedded", "model": ""}
    assert "already" in page(manager, path, **same)
    wish = {"corpus": world.corpus.pk, "provider": "ollama", "model": "nomic-embed-text"}
    assert "A worker builds it" in page(manager, path, **wish)
    space = EmbeddingSpace.objects.get(corpus=world.corpus, provider="ollama")
    assert (space.status, space.measured["last"]["action"]) == ("building", "build")
    assert ProcrastinateJob.objects.filter(task_name="space_work", args__space_id=space.pk).exists()
    page(manager, path, **{**wish, "corpus": world.their_corpus.pk})
    assert not EmbeddingSpace.objects.filter(corpus=world.their_corpus, provider="ollama").exists()


def test_one_entry_of_the_menu_is_marked_on_each_page(world: World, manager: Client) -> None:
    for path, marked in [
        ("documents/document/", "Documents"),
        ("documents/document/upload/", "Upload"),
        ("documents/document/jobs/", "Jobs"),
        (f"documents/document/{world.document.pk}/passages/", "Documents"),
        ("documents/membership/invite/", "Members"),
        ("", "Home"),
    ]:
        navigation = manager.get(f"/admin/{path}").context["sidebar_navigation"]
        active = [item["title"] for group in navigation for item in group["items"] if item["active"]]
        assert active == [marked], path


def test_an_empty_list_says_what_it_is_empty_of(world: World, manager: Client) -> None:
    assert "There are no questions yet." in page(manager, "querying/querylog/")
    nothing = page(manager, "documents/document/?q=xyzzy")
    assert "Nothing matches." in nothing
    assert "Show all" in nothing


def test_readers_are_chosen_among_what_is_there(world: World, superuser: Client, manager: Client) -> None:
    form = page(superuser, f"documents/corpus/{world.corpus.pk}/change/")
    assert "our-group" in form
    assert "/auth/group/add/" not in form  # a group of no tenant
    assert "There is nothing to choose yet." not in form
    world.our_group.delete()
    assert "There is nothing to choose yet." in page(manager, f"documents/corpus/{world.corpus.pk}/change/")
