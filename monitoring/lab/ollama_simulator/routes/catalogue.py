"""Routes of the catalogue: version, installed and loaded models; pull, copy and delete."""

from __future__ import annotations

from typing import Any

from monitoring.lab.ollama_simulator.http.durations import rfc3339
from monitoring.lab.ollama_simulator.http.refusals import Refusal, invalid_model_name, model_is_required, not_found
from monitoring.lab.ollama_simulator.http.wire import as_chunk
from monitoring.lab.ollama_simulator.model.decoding import decode_struct
from monitoring.lab.ollama_simulator.model.engine import Call, go_json
from monitoring.lab.ollama_simulator.model.models import Model, full_name, known_or_refused, tagged, tags_entry
from monitoring.lab.ollama_simulator.model.scheduler import Runner
from monitoring.lab.ollama_simulator.routes.show import describe

PULL_STEPS = 4


async def root(call: Call) -> None:
    """GET /"""
    call.reply.send(200, b"Ollama is running", "text/plain; charset=utf-8")


async def version(call: Call) -> None:
    """GET /api/version"""
    call.send_json({"version": call.engine.version})


async def tags(call: Call) -> None:
    """GET /api/tags"""
    call.send_json({"models": [tags_entry(model) for model in call.engine.catalogue.newest_first()]})


async def ps(call: Call) -> None:
    """GET /api/ps"""
    runners = sorted(call.engine.scheduler.loaded.values(), key=lambda runner: -runner.expires_at)
    call.send_json({"models": [_ps_entry(runner) for runner in runners]})


def _ps_entry(runner: Runner) -> dict[str, Any]:
    model = runner.model
    return {
        "name": tagged(model.name),
        "model": tagged(model.name),
        "size": model.size_bytes * 3 // 2,
        "digest": model.digest,
        "details": model.details("unknown"),
        "expires_at": rfc3339(runner.expires_at),
        "size_vram": 0,
        "context_length": runner.num_ctx,
    }


async def show(call: Call) -> None:
    """POST /api/show"""
    fields = decode_struct(call.request.body, "ShowRequest")
    name = fields.get("model") or fields.get("name") or ""
    if not name.strip():
        raise model_is_required()
    model = call.engine.catalogue.find(name)
    if model is None:
        raise not_found(tagged(name))
    call.send_json(describe(model))


async def delete(call: Call) -> None:
    """DELETE /api/delete"""
    fields = decode_struct(call.request.body, "DeleteRequest")
    name = fields.get("model") or fields.get("name") or ""
    model = call.engine.catalogue.find(name) if name else None
    if model is None:
        raise not_found(name)
    call.engine.scheduler.unload(model)
    call.engine.catalogue.remove(name)
    call.reply.send(200)


async def copy(call: Call) -> None:
    """POST /api/copy"""
    fields = decode_struct(call.request.body, "CopyRequest")
    source, target = fields.get("source", ""), fields.get("destination", "")
    full_name(target)
    model = call.engine.catalogue.find(source) if source else None
    if model is None:
        raise not_found(source)
    call.engine.catalogue.add(Model(**{**vars(model), "name": target}))
    call.reply.send(200)


async def pull(call: Call) -> None:
    """POST /api/pull: progress line by line; an error after the first line comes inside the 200."""
    fields = decode_struct(call.request.body, "PullRequest")
    name = fields.get("model") or fields.get("name") or ""
    if not name.strip():
        raise invalid_model_name()
    full_name(name)
    streams = fields.get("stream", True)
    if streams:
        call.reply.start(200, "application/x-ndjson")
        _progress(call, {"status": "pulling manifest"})
    try:
        model = call.engine.catalogue.find(name) or known_or_refused(name)
    except Refusal as refusal:
        if not streams:
            call.reply.send(500, go_json({"error": refusal.text}), "application/json")
            return
        _progress(call, {"error": refusal.text})
        call.reply.end()
        return
    await _fetch(call, model, streams)
    call.engine.catalogue.add(model)
    if streams:
        for status in ("verifying sha256 digest", "writing manifest", "success"):
            _progress(call, {"status": status})
        call.reply.end()
    else:
        call.reply.send(200, go_json({"status": "success"}), "application/json")


async def _fetch(call: Call, model: Model, streams: bool) -> None:
    """Spend the time of a download, and tell of it."""
    pause = call.engine.knobs.common.pull_seconds / PULL_STEPS
    for step in range(PULL_STEPS + 1):
        done = model.size_bytes * step // PULL_STEPS
        layer = {
            "status": f"pulling {model.digest[:12]}",
            "digest": f"sha256:{model.digest}",
            "total": model.size_bytes,
        }
        if streams:
            _progress(call, {**layer, "completed": done} if done else layer)
        await call.sleep(pause if step < PULL_STEPS else 0.0)


def _progress(call: Call, line: dict[str, Any]) -> None:
    call.reply.write_raw(as_chunk(go_json(line) + b"\n"))
