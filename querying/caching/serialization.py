"""Serialises answers for the caches, as JSON: with pickle, write access to a cache would allow code execution."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from documents.text.borders import borders_of
from querying.generation.citations import Citation
from querying.passages import Passage
from querying.types import Answer, AnswerMode, Reason

Packed = dict[str, Any]


def pack(answer: Answer) -> Packed:
    """Return an answer as JSON values, with its reasons, but without its timings and the reports of the legs."""
    return {
        "text": answer.text,
        "mode": answer.written_as.value,
        "reasons": [vars(reason) for reason in answer.reasons],
        "model": answer.model,
        "citations": [_without_uuid(citation) for citation in answer.citations],
        "passages": [_without_uuid(passage) for passage in answer.passages],
        "corrections": dict(answer.corrections),
    }


def unpack(packed: Mapping[str, Any]) -> Answer:
    """Return the answer. Raises ValueError for values of another form, as an older version may have written."""
    try:
        return Answer(
            id=UUID(int=0),
            text=_text(packed["text"]),
            mode=AnswerMode(packed["mode"]),
            degraded=False,
            reasons=tuple(Reason(_text(each["code"]), _text(each["message"])) for each in packed["reasons"]),
            answerable=True,
            citations=tuple(Citation(**_with_uuid(each)) for each in packed["citations"]),
            passages=unpack_passages(packed["passages"]),
            legs=(),
            model=packed["model"],
            usage=None,
            timings_ms={},
            corrections=dict(packed.get("corrections", {})),
        )
    except (KeyError, TypeError, AttributeError) as exc:
        raise ValueError("this is no answer") from exc


def pack_passages(passages: Iterable[Passage]) -> list[Packed]:
    """Return passages as JSON values."""
    return [_without_uuid(passage) for passage in passages]


def unpack_passages(packed: Iterable[Mapping[str, Any]]) -> tuple[Passage, ...]:
    """Return the passages. Raises ValueError for values of another form."""
    try:
        return tuple(Passage(**{**_with_uuid(each), "borders": borders_of(each.get("borders"))}) for each in packed)
    except (KeyError, TypeError, AttributeError) as exc:
        raise ValueError("these are no passages") from exc


def documents_of(answer: Answer) -> set[UUID]:
    """Return the ids of the documents that an answer has text of."""
    return {passage.document_id for passage in answer.passages} | {each.document_id for each in answer.citations}


def _without_uuid(row: Citation | Passage) -> dict[str, Any]:
    packed = {**vars(row), "document_id": str(row.document_id)}  # flat, but for the legs of a passage
    return {**packed, "legs": dict(row.legs)} if isinstance(row, Passage) else packed


def _with_uuid(row: Mapping[str, Any]) -> dict[str, Any]:
    return {**row, "document_id": UUID(row["document_id"])}


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value
