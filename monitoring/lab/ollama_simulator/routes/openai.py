"""The OpenAI-like paths under `/v1`, enough of them to serve a client that speaks nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from monitoring.lab.ollama_simulator.http.refusals import Refusal, cannot, model_is_required, not_found_for_embedding
from monitoring.lab.ollama_simulator.model.decoding import decode_first_value
from monitoring.lab.ollama_simulator.model.engine import Call, go_json
from monitoring.lab.ollama_simulator.model.generating import Job, generate
from monitoring.lab.ollama_simulator.model.models import Model, full_name, tagged
from monitoring.lab.ollama_simulator.model.tokens import count_tokens
from monitoring.lab.ollama_simulator.model.vectors import as_base64, as_json
from monitoring.lab.ollama_simulator.routes.embedding import make_vectors, texts_of
from monitoring.lab.ollama_simulator.routes.generation import find_model, fit_messages
from monitoring.lab.ollama_simulator.routes.openai_dialect import JSON, OpenAiDialect

# Faults of the request's form are found by a part that writes JSON as the native paths do.
FORM_FAULTS = ("invalid input", "[] is too short - 'messages'")


def error_body(refusal: Refusal) -> tuple[bytes, str]:
    """Return an error's body and content type as `/v1` has them."""
    kind = {400: "invalid_request_error", 404: "not_found_error"}.get(refusal.status, "api_error")
    body = go_json({"error": {"message": refusal.text, "type": kind, "param": None, "code": None}})
    if refusal.text in FORM_FAULTS:
        return body, "application/json; charset=utf-8"
    return body + b"\n", JSON


async def chat_completions(call: Call) -> None:
    """POST /v1/chat/completions"""
    body = _object(call)
    messages = [_plain(message) for message in body.get("messages") or () if isinstance(message, dict)]
    if not messages:
        raise Refusal(400, "[] is too short - 'messages'")
    await _complete(call, body, messages, chat=True)


async def completions(call: Call) -> None:
    """POST /v1/completions"""
    body = _object(call)
    prompt = body.get("prompt", "")
    if not isinstance(prompt, str):
        raise Refusal(400, "json: cannot unmarshal array into Go struct field CompletionRequest.prompt of type string")
    await _complete(call, body, [{"role": "user", "content": prompt}], chat=False)


async def _complete(call: Call, body: Mapping[str, Any], messages: list[dict[str, Any]], *, chat: bool) -> None:
    name = _name(body)
    if not name:
        raise model_is_required()
    model = find_model(call, name)
    if "completion" not in model.abilities:
        raise cannot(name, "chat" if chat else "generate")
    usage_wanted = (body.get("stream_options") or {}).get("include_usage", False)
    options = {"num_predict": body["max_tokens"]} if isinstance(body.get("max_tokens"), int) else {}
    job = Job(
        model=model,
        texts=[message["content"] for message in messages],
        count_prompt=lambda num_ctx: (
            fit_messages(messages, num_ctx) if chat else min(num_ctx, count_tokens(messages[0]["content"]) + 1)
        ),
        options=options,
        streams=bool(body.get("stream", False)),
        format=_format(body.get("response_format")),
    )
    await generate(call, job, OpenAiDialect(name, chat=chat, with_usage=bool(usage_wanted)))


async def embeddings(call: Call) -> None:
    """POST /v1/embeddings"""
    body = _object(call)
    name, given = _name(body), body.get("input")
    texts = [""] if given == "" else texts_of(given)
    if not texts:
        raise Refusal(400, "invalid input")
    model = call.engine.catalogue.find(name) if name else None
    if model is None:
        raise not_found_for_embedding(name)
    done = await make_vectors(call, model, texts, {"dimensions": body.get("dimensions")}, crash_status=500)
    assert done is not None
    in_base64 = body.get("encoding_format") == "base64"
    rows = [
        b'{"object":"embedding","embedding":'
        + (b'"' + as_base64(row).encode() + b'"' if in_base64 else as_json(row[None])[1:-1])
        + b',"index":%d}' % place
        for place, row in enumerate(done.vectors)
    ]
    usage = {"prompt_tokens": done.prompt_tokens, "total_tokens": done.prompt_tokens}
    tail = b',"model":' + go_json(name) + b',"usage":' + go_json(usage) + b"}\n"
    call.reply.send(200, b'{"object":"list","data":[' + b",".join(rows) + b"]" + tail, JSON)


async def models(call: Call) -> None:
    """GET /v1/models"""
    listed = [_listed(model) for model in call.engine.catalogue.newest_first()]
    call.reply.send(200, go_json({"object": "list", "data": listed or None}) + b"\n", JSON)


async def model_by_name(call: Call) -> None:
    """GET /v1/models/{name}"""
    name = call.request.path.removeprefix("/v1/models/")
    call.reply.send(200, go_json(_listed(find_model(call, name))) + b"\n", JSON)


def _listed(model: Model) -> dict[str, Any]:
    return {
        "id": tagged(model.name),
        "object": "model",
        "created": int(model.modified_at),
        "owned_by": full_name(model.name).split("/")[0],
    }


def _object(call: Call) -> dict[str, Any]:
    body = decode_first_value(call.request.body)
    if not isinstance(body, dict):
        raise Refusal(400, "json: cannot unmarshal into Go value of type openai.ChatCompletionRequest")
    return {key.lower(): value for key, value in body.items()}


def _name(body: Mapping[str, Any]) -> str:
    name = body.get("model", "")
    if not isinstance(name, str):
        raise Refusal(400, "json: cannot unmarshal into Go struct field .model of type string")
    return name.strip()


def _plain(message: Mapping[str, Any]) -> dict[str, Any]:
    """Return a message with its text parts joined."""
    content = message.get("content") or ""
    if isinstance(content, list):
        content = "".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    return {"role": str(message.get("role", "")).lower(), "content": str(content)}


def _format(wanted: Any) -> object:
    if not isinstance(wanted, dict):
        return None
    if wanted.get("type") == "json_schema":
        return (wanted.get("json_schema") or {}).get("schema")
    return "json" if wanted.get("type") == "json_object" else None
