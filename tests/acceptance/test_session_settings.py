"""Nothing that a request sets on its database connection is there for the next one."""

from __future__ import annotations

import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client

from ragsite.paths import PROJECT
from ragsite.postgres.base import open_pools
from tests.factories import make_user
from tests.querying.conftest import QUESTION
from tests.querying.library import make_library

pytestmark = pytest.mark.django_db(transaction=True)
# An index is built outside of a transaction, where only the session's settings count; they are put back there.
PUTS_BACK = {"documents/vectors/spaces.py", "monitoring/lab/benchmarks/data/bulk_corpus.py"}


def set_in_sessions() -> list[dict[str, str]]:
    """Return what was set in the session of each connection of the pool."""
    connection.close()
    found = []
    for each in list(open_pools()[connection.alias]._pool):
        # Those of a transaction end with it, and are only shown here; the session has them as default_transaction_*.
        rows = each.execute(
            "SELECT name, setting FROM pg_settings WHERE source = 'session' AND name NOT LIKE 'transaction_%'"
        ).fetchall()
        found.append(dict(rows))
    return found


def test_requests_leave_the_settings_of_their_connection_as_they_were() -> None:
    corpus = make_library(slug="handbook")
    client = Client()
    client.force_login(make_user(role="manager", tenant=corpus.tenant))
    before = set_in_sessions()[0]
    asked = {"query": QUESTION}
    json = "application/json"
    upload = {"corpus": "handbook", "file": SimpleUploadedFile("new.txt", b"Something new to read.")}
    replies = [
        client.post("/api/v1/search", asked, content_type=json),
        client.post("/api/v1/search", {**asked, "filters": {"metadata": {"a": 1}}}, content_type=json),
        client.post("/api/v1/query", asked, content_type=json),
        client.get("/api/v1/corpora"),
        client.post("/api/v1/documents", upload),
        client.get("/health"),
        client.get("/health/ready"),
    ]
    streamed = client.post("/api/v1/query", {**asked, "stream": True}, content_type=json)
    assert b"event: done" in b"".join(streamed)
    document = replies[4].json()["id"]
    replies += [client.delete(f"/api/v1/documents/{document}"), client.delete("/api/v1/corpora/handbook")]
    assert [reply.status_code for reply in replies] == [200, 200, 200, 200, 202, 200, 200, 204, 204]
    after = set_in_sessions()
    assert after
    assert after == [before] * len(after)


def test_settings_are_only_ever_local() -> None:
    lasting = re.compile(r"set_config\([^)]*,\s*false\)|[\"'(]\s*SET (?!LOCAL|TRANSACTION)[A-Za-z_.]+ ?(=|TO)")
    found = {
        str(path.relative_to(PROJECT))
        for app in ("ragsite", "documents", "querying", "monitoring")
        for path in (PROJECT / app).rglob("*.py")
        if lasting.search(path.read_text())
    }
    assert found == PUTS_BACK
