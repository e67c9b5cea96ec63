"""What every request passes through."""

from __future__ import annotations

import pytest
from django.test import Client


def test_an_invented_method_is_refused_before_it_becomes_a_metric(client: Client) -> None:
    for path in ("/health/live", "/metrics"):  # what is asked for the first time adds lines of its own
        client.generic("METHOD", path)
        client.get(path)
    before = client.get("/metrics").content
    for number in range(50):
        reply = client.generic(f"METHOD{number}", "/health/live")
        assert reply.status_code == 405
        assert reply["Content-Type"] == "application/problem+json"
    after = client.get("/metrics").content
    assert b"METHOD" not in after
    assert len(after) < len(before) * 1.05


def test_a_request_id_is_kept_when_it_is_a_plain_word(client: Client) -> None:
    assert client.get("/health/live", headers={"X-Request-ID": "abc-1.2_3"})["X-Request-ID"] == "abc-1.2_3"


@pytest.mark.parametrize("hostile", ["", "a b", "x" * 65, "ü", "a;b", '"quoted"'])
def test_anything_else_gets_an_id_of_ours(client: Client, hostile: str) -> None:
    given = client.get("/health/live", headers={"X-Request-ID": hostile})["X-Request-ID"]
    assert given != hostile
    assert len(given) == 32
