"""What browsers, proxies and a CDN may keep: static files for ever, and nothing that was made for somebody."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from documents.models import ApiKey, Document, Membership
from ragsite.paths import PROJECT
from tests.factories import make_user
from tests.querying.conftest import QUESTION
from tests.querying.library import make_library
from tests.server import Server, running_server

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A server whose static files are prepared as at its first start."""
    folder = str(tmp_path / "var")
    subprocess.run(
        [sys.executable, "manage.py", "collectstatic", "--noinput", "-v0"],
        cwd=PROJECT,
        env={**os.environ, "VAR_DIR": folder, "ENV_FILE": "/nowhere"},
        check=True,
        timeout=100,
    )
    with running_server(tmp_path, VAR_DIR=folder) as running:
        yield running


def test_static_files_are_hashed_compressed_and_kept_for_ever(server: Server) -> None:
    page = requests.get(server.url, timeout=20)
    paths = set(re.findall(r'(?:href|src)="(/static/[^"]+)"', page.text))
    assert len(paths) >= 3
    for path in paths:
        assert re.search(r"\.[0-9a-f]{12}\.\w+$", path), path
        reply = requests.get(server.url + path, headers={"Accept-Encoding": "gzip"}, timeout=20)
        assert reply.status_code == 200
        caching = reply.headers["Cache-Control"]
        assert {"public", "immutable"} <= set(caching.split(", "))
        assert int(re.search(r"max-age=(\d+)", caching).group(1)) >= 365 * 86400  # type: ignore[union-attr]
        assert reply.headers.get("ETag") or reply.headers.get("Last-Modified")
        if len(reply.content) > 2000:  # what is smaller gains nothing
            assert reply.headers["Content-Encoding"] == "gzip", path
            assert "Accept-Encoding" in reply.headers["Vary"]
            assert int(reply.headers["Content-Length"]) < 0.7 * len(reply.content)
        assert "Set-Cookie" not in reply.headers  # or a CDN would keep nothing
    unhashed = re.sub(r"\.[0-9a-f]{12}\.", ".", paths.pop())
    reply = requests.get(server.url + unhashed, timeout=20)
    assert reply.status_code == 200
    assert "immutable" not in reply.headers["Cache-Control"]


def test_a_static_file_that_is_not_there_is_not_kept(server: Server) -> None:
    reply = requests.get(f"{server.url}/static/nothing.0123456789ab.js", timeout=20)
    assert reply.status_code == 404
    assert "no-store" in reply.headers["Cache-Control"]


def test_nothing_that_was_made_for_somebody_is_kept_on_the_way(server: Server) -> None:
    corpus = make_library(slug="handbook")
    _, key = ApiKey.issue(make_user(role=Membership.Role.MANAGER, tenant=corpus.tenant), "key", ["query", "ingest"])
    document = Document.objects.get(title="handbook").pk
    session = requests.Session()
    session.headers["Authorization"] = f"Bearer {key}"
    got = [
        session.get(server.url + path, timeout=20)
        for path in (
            *("/", "/login/", "/admin/login/", "/api/v1/schema/", "/api/v1/docs/", "/nowhere", "/api/nowhere"),
            *("/api/v1/corpora", "/api/v1/corpora/handbook", "/api/v1/documents", f"/api/v1/documents/{document}"),
            *(f"/api/v1/documents/{document}/text", "/health", "/health/live", "/metrics"),
        )
    ]
    body = {"query": QUESTION}
    posted = [
        session.post(f"{server.url}/api/v1/{path}", json=fields, timeout=20)
        for path, fields in (
            *(("query", body), ("query", body), ("search", body), ("search", body)),
            *(("query", {**body, "stream": True}), ("query/batch", {"queries": [QUESTION]}), ("query", {})),
        )
    ]
    for reply in [*got, *posted]:
        caching = reply.headers.get("Cache-Control", "")
        assert "no-store" in caching, (reply.request.method, reply.url, reply.status_code, caching)
        assert "public" not in caching
