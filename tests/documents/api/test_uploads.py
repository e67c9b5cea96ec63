"""Uploads over HTTP: accepted at once, or refused with a reason and nothing stored."""

from __future__ import annotations

import json
import select
import socket
from urllib.parse import urlsplit

import pytest
from django.contrib.auth.models import Group, User
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer
from rest_framework.test import APIClient

from documents.models import ApiKey, Corpus, Document
from tests.api import client_of, fields_of, file, problem
from tests.factories import make_corpus, make_user
from tests.uploads import stored_files, upload, waiting_jobs

pytestmark = pytest.mark.django_db

URL = "/api/v1/documents"


@pytest.fixture
def corpus() -> Corpus:
    return make_corpus(slug="handbook")


@pytest.fixture
def editor(corpus: Corpus) -> APIClient:
    return client_of(make_user(role="editor", tenant=corpus.tenant))


@pytest.fixture
def reader(corpus: Corpus) -> APIClient:
    return client_of(make_user(role="reader", tenant=corpus.tenant))


def test_an_upload_is_accepted_with_its_id_and_where_to_ask(editor: APIClient) -> None:
    response = editor.post(URL, {"corpus": "handbook", "file": file(), "title": "Travel", "metadata": '{"year": 2026}'})
    assert response.status_code == 202
    body = response.json()
    document = Document.objects.get()
    assert (body["id"], body["status"]) == (str(document.pk), "processing")
    assert body["documents"] == [{key: value for key, value in body.items() if key != "documents"}]
    assert body["documents"][0].keys() == {"id", "status", "title", "status_url", "created"}
    assert editor.get(body["status_url"]).json()["title"] == "Travel"
    assert document.metadata == {"year": 2026}
    assert len(waiting_jobs()) == 1


def test_the_older_address_does_the_same(editor: APIClient) -> None:
    assert editor.post("/documents", {"corpus": "handbook", "file": file()}).status_code == 202


def test_several_files_are_several_documents(editor: APIClient) -> None:
    files = [file(f"text {number}", f"{number}.txt") for number in range(3)]
    body = editor.post(URL, {"corpus": "handbook", "file": files}).json()
    assert [document["title"] for document in body["documents"]] == ["0", "1", "2"]
    assert "id" not in body
    assert Document.objects.count() == stored_files() == 3


def test_the_same_bytes_again_are_the_same_document(editor: APIClient) -> None:
    first = editor.post(URL, {"corpus": "handbook", "file": file()}).json()
    second = editor.post(URL, {"corpus": "handbook", "file": file(name="copy.txt")}).json()
    assert first["id"] == second["id"]
    assert stored_files() == 1


def test_the_same_bytes_of_a_document_that_one_may_not_read_say_nothing_of_it(
    editor: APIClient, corpus: Corpus
) -> None:
    upload(corpus, "Salaries", "salaries.txt", readers=[Group.objects.create(name="Board")])
    response = editor.post(URL, {"corpus": "handbook", "file": file("Salaries")})
    assert problem(response) == (403, "not_allowed")
    assert "salaries" not in response.content.decode().lower()


def test_a_key_with_the_scope_ingest_may_upload_and_one_without_may_not(corpus: Corpus) -> None:
    user = make_user(role="editor", tenant=corpus.tenant)
    for scope, status in [("ingest", 202), ("query", 403)]:
        _, secret = ApiKey.issue(user, "test", [scope])
        response = APIClient().post(
            URL, {"corpus": "handbook", "file": file()}, headers={"Authorization": f"Bearer {secret}"}
        )
        assert response.status_code == status, scope


def test_nobody_uploads_without_signing_in(corpus: Corpus) -> None:
    response = APIClient().post(URL, {"corpus": "handbook", "file": file()})
    assert problem(response)[0] == 401
    assert stored_files() == 0


def test_a_session_needs_its_csrf_token_and_leaves_no_file_without(corpus: Corpus) -> None:
    client = APIClient(enforce_csrf_checks=True)
    client.force_login(make_user(role="editor", tenant=corpus.tenant))
    assert problem(client.post(URL, {"corpus": "handbook", "file": file()}))[0] == 403
    assert stored_files() == 0


def test_a_reader_may_not_upload_and_their_file_is_not_even_read(reader: APIClient, no_file_is_begun: None) -> None:
    assert problem(reader.post(URL, {"corpus": "handbook", "file": file()})) == (403, "not_allowed")


def test_a_file_in_a_form_that_anybody_may_send_is_skipped(no_file_is_begun: None) -> None:
    response = APIClient().post("/admin/login/", {"username": "x", "password": "y", "file": file()})
    assert response.status_code == 200


@pytest.fixture
def no_file_is_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("documents.uploads.acceptance.Incoming", lambda: pytest.fail("a file was begun"))


def test_a_corpus_of_others_is_not_there(editor: APIClient) -> None:
    make_corpus(slug="foreign")
    assert problem(editor.post(URL, {"corpus": "foreign", "file": file()})) == (404, "corpus_not_found")
    assert stored_files() == 0


def test_a_public_corpus_of_others_may_not_be_written_to(editor: APIClient) -> None:
    make_corpus(slug="foreign", is_public=True)
    assert problem(editor.post(URL, {"corpus": "foreign", "file": file()})) == (403, "not_allowed")


def test_a_file_too_large_is_refused_before_it_is_read(editor: APIClient, settings: Settings) -> None:
    settings.UPLOAD_MAX_BYTES = 1000
    response = editor.post(URL, {"corpus": "handbook", "file": file("x" * 1001)})
    assert problem(response) == (413, "too_large")
    assert not Document.objects.exists()
    assert stored_files() == 0


@pytest.mark.django_db(transaction=True)
def test_two_gigabytes_are_refused_while_they_come_in(live_server: LiveServer, settings: Settings) -> None:
    settings.UPLOAD_MAX_BYTES = 1_000_000
    settings.UPLOAD_MAX_FILES = 5000
    corpus = make_corpus(slug="handbook")
    _, secret = ApiKey.issue(make_user(role="editor", tenant=corpus.tenant), "test", ["ingest"])
    form = (
        '--x\r\nContent-Disposition: form-data; name="corpus"\r\n\r\nhandbook\r\n'
        '--x\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\n'
    )
    head = (
        f"POST {URL} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {secret}\r\n"
        f"Content-Type: multipart/form-data; boundary=x\r\nContent-Length: {2**31}\r\n\r\n{form}"
    )
    address = urlsplit(live_server.url)
    sent = 0
    with socket.create_connection((address.hostname, address.port), timeout=10) as connection:
        connection.sendall(head.encode())
        while not select.select([connection], [], [], 0)[0]:
            sent += connection.send(b"x" * 65536)
            assert sent < 20_000_000
        assert connection.recv(1000).startswith(b"HTTP/1.1 413")
    assert stored_files() == 0


def test_a_file_too_large_is_no_crash_of_any_other_form(settings: Settings) -> None:
    settings.UPLOAD_MAX_BYTES = 1000
    client = APIClient(enforce_csrf_checks=True)
    client.force_login(User.objects.create_superuser("admin"))
    address = "/admin/password_change/"
    client.get(address)
    # The check of a form's token reads the whole form, before any view of ragsite.
    assert client.post(address, {"file": file("x" * 1001)}).status_code == 400
    assert stored_files() == 0


def test_a_body_that_can_not_be_small_enough_is_not_read(
    editor: APIClient, settings: Settings, no_file_is_begun: None
) -> None:
    settings.UPLOAD_MAX_BYTES = 1000
    settings.UPLOAD_MAX_FILES = 2
    response = editor.post(URL, {"corpus": "handbook", "file": file("x" * 5_000_000)})
    assert problem(response) == (413, "too_large")


def test_too_many_files_are_refused(editor: APIClient, settings: Settings) -> None:
    settings.DATA_UPLOAD_MAX_NUMBER_FILES = 2
    files = [file(f"text {number}") for number in range(3)]
    assert problem(editor.post(URL, {"corpus": "handbook", "file": files})) == (413, "too_large")
    assert stored_files() == 0


def test_a_full_disk_is_said_and_leaves_nothing(editor: APIClient, settings: Settings) -> None:
    settings.FREE_DISK_FLOOR_BYTES = 2**62
    assert problem(editor.post(URL, {"corpus": "handbook", "file": file()})) == (507, "storage_full")
    assert not Document.objects.exists()


def test_what_is_missing_or_wrong_in_an_upload_is_named(editor: APIClient) -> None:
    assert fields_of(editor.post(URL, {})) == {"corpus", "file"}
    assert fields_of(editor.post(URL, {"corpus": "handbook", "file": "no file"})) == {"file.0"}
    wrong = {"corpus": "handbook", "file": file(), "title": "x" * 501}
    assert fields_of(editor.post(URL, wrong)) == {"title"}
    two = {"corpus": "handbook", "file": [file(), file("b")], "title": "Both", "source": "here"}
    assert fields_of(editor.post(URL, two)) == {"title", "source"}
    assert stored_files() == 0


@pytest.mark.parametrize(
    "metadata",
    [
        "[]",
        "nonsense",
        "[" * 5000,
        '{"a": {"b": 1}}',
        '{"a": "\\u0000"}',
        '{"a": "\\ud800"}',
        '{"\\u0000": 1}',
        '{"a": NaN}',
        '{"a": 1e999}',
        '{"a": ' + "9" * 400 + "}",
        '{"a": ' + "9" * 5000 + "}",
        json.dumps({str(number): 1 for number in range(101)}),
        json.dumps({"a": "x" * 10_001}),
        '{"": 1}',
    ],
)
def test_metadata_that_can_not_be_stored_is_refused(editor: APIClient, metadata: str) -> None:
    response = editor.post(URL, {"corpus": "handbook", "file": file(), "metadata": metadata})
    assert fields_of(response) == {"metadata"}


@pytest.mark.parametrize("text", ["a\x00b", "\ud800"])
def test_text_that_postgres_refuses_is_a_400(editor: APIClient, text: str) -> None:
    body = b'--x\r\nContent-Disposition: form-data; name="corpus"\r\n\r\nhandbook\r\n'
    body += b'--x\r\nContent-Disposition: form-data; name="title"\r\n\r\n' + text.encode("utf-8", "surrogatepass")
    body += b'\r\n--x\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\nabc\r\n--x--\r\n'
    response = editor.post(URL, body, content_type="multipart/form-data; boundary=x")
    # Half characters become question marks while the form is read.
    assert response.status_code == (400 if "\x00" in text else 202)


def test_a_body_that_is_no_form_is_refused(editor: APIClient) -> None:
    assert problem(editor.post(URL, {"corpus": "handbook"}, format="json"))[0] == 415
    assert problem(editor.post(URL, b"--x", content_type="multipart/form-data"))[0] == 400


def test_an_upload_that_breaks_off_leaves_nothing(editor: APIClient) -> None:
    body = b'--x\r\nContent-Disposition: form-data; name="corpus"\r\n\r\nhandbook\r\n'
    body += b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\n' + b"half of i"
    response = editor.post(URL, body, content_type="multipart/form-data; boundary=x")
    assert fields_of(response) == {"file"}
    assert stored_files() == 0
