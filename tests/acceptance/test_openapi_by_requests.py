"""Requests made of the OpenAPI schema, sent to the real application: what comes back is what the schema says.

Schemathesis makes them: the examples, the borders of every value, values that the schema allows, and those that it
forbids. Each of several people sends all of them. Always the same requests, so that a failure can be repeated.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from drf_spectacular.generators import SchemaGenerator
from pytest_django import Settings
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import from_schema
from schemathesis.engine.events import FatalError, NonFatalError, ScenarioFinished
from schemathesis.transport.wsgi import WSGITransport

from documents.models import ApiKey
from ragsite.wsgi import application
from tests.examples import PROFILE
from tests.factories import make_user
from tests.querying.library import make_library

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow, pytest.mark.timeout(900)]
SEED = 11
EXAMPLES = 20 if PROFILE == "thorough" else 4  # of each kind, for each operation
# Rules between several fields, or about what is stored, which no schema can say: there, 400 may answer what fits it.
RULES_BETWEEN_FIELDS = {
    "create_corpus": "the overlap is smaller than the chunk, the slug is new, a manager of several tenants names one",
    "change_corpus": "the overlap is smaller than the chunk, the language stays once there are documents",
    "upload_documents": "several files share no title and no source",
    "upload_archive": "the bytes are those of a ZIP archive",
    "read_text": "end is after start, by at most so many characters",
    "send_feedback": "only a bad rating has a reason",
}
# They take the fields of `query`: to try all of their borders as well finds nothing more.
SAME_FIELDS = ("query_batch", "search", "search_batch", "explain", "query_as_before", "ask_as_before")
READING = {"GET /api/v1/corpora", "GET /api/v1/documents", "POST /api/v1/query", "POST /api/v1/search", "POST /ask"}
ANSWERED = {
    "nobody": READING,
    "reader": READING | {"GET /api/v1/queries"},
    "editor": READING | {"GET /api/v1/queries", "POST /api/v1/documents"},
}
ACCEPTED = ["2xx", "401", "403", "404", "429", "503", "504"]


def whole(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    """Return the whole reply of the application, and end the request as a server does: that gives connections back."""
    reply: Any = application(environ, start_response)
    try:
        return [b"".join(reply)]
    finally:
        reply.close()


def schema_as_served() -> dict[str, Any]:
    """Return the schema, with replies that may have no field but those that it names.

    Clients must bear more fields, so the schema that is served leaves that open; we must not have forgotten one.
    """
    schema: dict[str, Any] = copy.deepcopy(SchemaGenerator().get_schema(request=None, public=True))  # type: ignore[no-untyped-call]
    for component in schema["components"]["schemas"].values():
        if "properties" in component:
            component.setdefault("additionalProperties", False)
    return schema


def findings(headers: dict[str, str], answered: set[str], *, at_the_borders: bool) -> Iterator[str]:
    """Yield what is wrong, in words, and add the operations that succeeded to `answered`.

    `at_the_borders`: with the smallest, largest and forbidden value of everything, and twice as many examples.
    """
    config = SchemathesisConfig.from_dict(
        {
            "seed": SEED,
            "cache": {"enabled": False},  # what an earlier run has learned would make this one another
            "headers": headers,
            "generation": {
                "max-examples": EXAMPLES if at_the_borders else EXAMPLES // 2,
                "deterministic": True,
                "no-shrink": True,
            },
            "phases": {"coverage": {"enabled": at_the_borders}, "stateful": {"enabled": False}},
            "checks": {
                "positive_data_acceptance": {"expected-statuses": ACCEPTED},
                "not_a_server_error": {"expected-statuses": ["2xx", "4xx", "504"]},  # of a deadline of 1 ms
            },
            "operations": [
                {
                    "include-operation-id": name,
                    "checks": {"positive_data_acceptance": {"expected-statuses": [*ACCEPTED, "400"]}},
                }
                for name in RULES_BETWEEN_FIELDS
            ]
            + [{"include-operation-id": list(SAME_FIELDS), "phases": {"coverage": {"enabled": False}}}],
        }
    )
    schema = schemathesis.openapi.from_dict(schema_as_served(), config=config)
    schema.app = whole
    for event in from_schema(schema).execute():
        if isinstance(event, FatalError):
            raise event.exception
        if isinstance(event, NonFatalError):
            yield f"{event.label}: {event.value!r}"
        if isinstance(event, ScenarioFinished):
            for made in event.recorder.interactions.values():
                if made.response is not None and made.response.status_code < 300:
                    answered.add(str(event.label))
            for checks in event.recorder.checks.values():
                yield from (
                    f"{event.label}: {check.name}: {check.failure_info.failure}\n{check.failure_info.code_sample}"
                    for check in checks
                    if check.failure_info is not None
                )


@pytest.fixture(autouse=True)
def nothing_goes_over_a_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Probes of checks come with settings of a network connection, which the WSGI client hands on to the request."""
    send = WSGITransport.send

    def without_network(transport: WSGITransport, case: Any, **options: Any) -> Any:
        for name in ("max_redirects", "verify", "cert", "proxies"):
            options.pop(name, None)
        return send(transport, case, **options)

    monkeypatch.setattr(WSGITransport, "send", without_network)


@pytest.mark.parametrize("who", ["nobody", "reader", "editor"])
def test_replies_are_what_the_schema_says(who: str, settings: Settings) -> None:
    corpus = make_library(slug="handbook")
    headers = {}
    if who != "nobody":
        scopes = ["query"] if who == "reader" else ["query", "ingest"]
        _, key = ApiKey.issue(make_user(role=who, tenant=corpus.tenant), "test", scopes)
        headers["Authorization"] = f"Bearer {key}"
    answered: set[str] = set()
    found = list(findings(headers, answered, at_the_borders=who == "editor"))
    assert not found, f"{len(found)} findings:\n" + "\n\n".join(found[:20])
    assert answered >= ANSWERED[who], "these were never asked in a way that succeeds"
