"""The whole site, but with answers that a test has written down: for what a real server does on bad days only.

`SCRIPT` holds the reply of the next questions. Use with @pytest.mark.urls("tests.acceptance.scripted_api").
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

from ragsite import urls

DOCUMENT = "0b9f3a52-7a0e-4d5e-9b8e-0f6f5d6f1a11"
# The emoji is one character in Python and two in JavaScript: offsets that count wrong mark the wrong words.
TEXT = (
    "Staff handbook 🏖\n\nHolidays\n\nEverybody has 30 days of paid leave a year. "
    "Unused days are kept until the end of March. Ask your manager in writing.\n\nIllness\n\nCall before nine."
)
SENTENCE = "Unused days are kept until the end of March."
PASSAGE_START, PASSAGE_END = TEXT.index("Everybody"), TEXT.index("\n\nIllness")
PASSAGE: dict[str, Any] = {
    "number": 1,
    "chunk_id": 7,
    "document_id": DOCUMENT,
    "title": "Staff handbook",
    "source": "handbook.pdf",
    "corpus": "handbook",
    "page": 3,
    "heading": "Holidays > Carrying over",
    "start": PASSAGE_START,
    "end": PASSAGE_END,
    "text": TEXT[PASSAGE_START:PASSAGE_END],
    "score": 0.87,
    "legs": {"lexical": 7.1, "dense": 0.61},
}
CITATION = {
    "number": 1,
    "document": {"id": DOCUMENT, "title": "Staff handbook", "source": "handbook.pdf"},
    "chunk_id": 7,
    "heading": "Holidays > Carrying over",
    "page": 3,
    "start": TEXT.index(SENTENCE),
    "end": TEXT.index(SENTENCE) + len(SENTENCE),
    "quote": SENTENCE,
}

Script = Callable[[HttpRequest], HttpResponseBase]
SCRIPT: list[Script] = []  # the last one stays
ASKED: list[dict[str, Any]] = []
RATED: list[dict[str, Any]] = []


def whole_answer(text: str = "Until the end of March. [1]", **fields: Any) -> dict[str, Any]:
    """Return a complete answer as the API gives it."""
    mode = fields.get("answer_mode", "generated")
    return {
        "id": "5a2c1c0e-91a5-4a6f-a0b5-0d8f2b6a8f10",
        "answer": text,
        "answer_mode": "generated",
        "original_mode": "generated" if mode in {"cached", "cached_semantic", "stale"} else mode,
        "degraded": False,
        "degraded_reasons": [],
        "answerable": True,
        "citations": [CITATION],
        "passages": [PASSAGE],
        "legs": [{"name": "lexical", "status": "ok", "ms": 4.2}, {"name": "dense", "status": "ok", "ms": 2.9}],
        "cache": {"hit": False, "similarity": None, "age_seconds": None},
        "model": "llama3.2:1b",
        "usage": {"prompt_tokens": 611, "answer_tokens": 9},
        "timings_ms": {
            "embed": 0.4,
            "lexical": 4.2,
            "dense": 2.9,
            "retrieve": 12.5,
            "first_token": 420.0,
            "total": 1830.0,
        },
        **fields,
    }


def event(name: str, data: Any) -> bytes:
    """Return one server-sent event."""
    return f"event: {name}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n".encode()


def stream(*parts: bytes | float) -> Script:
    """Return a script that sends these bytes; a number is a pause in seconds."""

    def chunks() -> Iterator[bytes]:
        for part in parts:
            if isinstance(part, bytes):
                yield part
            else:
                time.sleep(part)

    return lambda request: StreamingHttpResponse(chunks(), content_type="text/event-stream")


def answer(text: str = "Until the end of March. [1]", **fields: Any) -> Script:
    """Return a script that streams this answer word by word."""
    whole = whole_answer(text, **fields)
    tokens = [event("token", {"text": f"{word} "}) for word in text.split(" ")]
    return stream(event("meta", {}), event("passages", whole["passages"]), *tokens, event("done", whole))


def problem(status: int, detail: str, **headers: str) -> Script:
    """Return a script that refuses."""
    body = {"type": "about:blank", "title": "No", "status": status, "detail": detail, "code": "no"}
    return lambda request: JsonResponse(body, status=status, content_type="application/problem+json", headers=headers)


@csrf_exempt
def query(request: HttpRequest) -> HttpResponseBase:
    """Play the script."""
    ASKED.append(json.loads(request.body))
    return (SCRIPT.pop(0) if len(SCRIPT) > 1 else SCRIPT[0])(request)


@csrf_exempt
def feedback(request: HttpRequest) -> HttpResponse:
    """Keep what was said."""
    RATED.append(json.loads(request.body))
    return HttpResponse(status=201)


def document_text(request: HttpRequest, document_id: str) -> JsonResponse:
    """Return a part of the only document."""
    if document_id != DOCUMENT:
        return JsonResponse({"detail": "There is no such document, or you may not read it."}, status=404)
    start, end = int(request.GET["start"]), min(int(request.GET["end"]), len(TEXT))
    return JsonResponse(
        {"text": TEXT[start:end], "start": start, "end": end, "page": 3, "title": "x", "total_chars": len(TEXT)}
    )


urlpatterns = [
    path("api/v1/query", query),
    path("api/v1/feedback", feedback),
    path("api/v1/documents/<document_id>/text", document_text),
    *urls.urlpatterns,
]
