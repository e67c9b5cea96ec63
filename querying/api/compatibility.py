"""Translates the requests and replies of older clients."""

from __future__ import annotations

from typing import Any

from django.conf import settings

from documents.api.strict import SOME_TEXT
from querying.api.representing import answer_as_json, passages_as_json
from querying.api.serializers import QuestionSerializer
from querying.types import MODES, Answer, Question

# Name of an older client -> canonical name. Other unknown fields (`method`, `provider`) are ignored.
OTHER_NAMES = {"question": "query", "k": "top_k"}


def canonical_body(body: Any) -> Any:
    """Return the body of an older client as POST /api/v1/query takes it."""
    if not isinstance(body, dict):
        return body
    renamed = {OTHER_NAMES.get(name, name): value for name, value in body.items() if value is not None}
    known = QuestionSerializer().fields  # a property that copies all fields
    return {name: value for name, value in renamed.items() if name in known}


def body_schema() -> dict[str, Any]:
    """Return the JSON schema of the fields of older clients that are used here; null counts as absent."""
    text = {"type": ["string", "null"], "minLength": 1, "maxLength": settings.QUESTION_MAX_CHARS, "pattern": SOME_TEXT}
    count = {"type": ["integer", "null"], "minimum": 1, "maximum": settings.RETRIEVAL_TOP_K_MAX}
    mode = {"enum": [*MODES, None]}
    stream = {"type": ["boolean", "null"]}
    given = [{"required": [name], "properties": {name: {"type": "string"}}} for name in ("query", "question")]
    properties = {"query": text, "question": text, "k": count, "top_k": count, "mode": mode, "stream": stream}
    return {"type": "object", "properties": properties, "anyOf": given}


def answer_with_columns(question: Question, answer: Answer) -> dict[str, Any]:
    """Return the answer with its passages as columns as well: `documents`, `metadatas`, `distances`, and `db`."""
    passages = passages_as_json(answer.passages)
    return answer_as_json(answer) | {
        "documents": [passage["text"] for passage in passages],
        "metadatas": [
            {name: value for name, value in passage.items() if name not in {"text", "score", "legs"}}
            for passage in passages
        ],
        "distances": [_distance(passage) for passage in passages],
        "db": ",".join(corpus.slug for corpus in question.corpora),
    }


def _distance(passage: dict[str, Any]) -> float:
    """Return the cosine distance, 0..2; of a passage found by its words alone, 1 minus its score."""
    similarity = passage["legs"].get("dense", passage["score"])
    return round(1.0 - float(similarity), 6)
