"""The faults that strike before a model is asked."""

from __future__ import annotations

import asyncio
import gzip
from functools import lru_cache

from monitoring.lab.ollama_simulator.faults import GROUPS, Fault
from monitoring.lab.ollama_simulator.http.refusals import Refusal, busy, not_found, not_found_for_embedding
from monitoring.lab.ollama_simulator.http.wire import JSON_UTF8, as_chunk
from monitoring.lab.ollama_simulator.model.engine import Call

BLOCK_BYTES = 2**20
HTML = b"<!doctype html><html><head><title>Gateway</title></head><body><h1>It works!</h1></body></html>"


async def strike(call: Call, fault: Fault) -> bool:
    """Let `fault` happen; True when that was the whole reply. Raises Refusal for those that are error replies."""
    if fault.name == "reset":
        call.reply.reset()
    elif fault.name == "hang":
        await asyncio.sleep(fault.seconds or 10**9)
        return fault.seconds <= 0
    elif fault.name == "html":
        call.reply.send(fault.status or 200, HTML, "text/html; charset=utf-8")
    elif fault.name == "gzip_bomb":
        _send_bomb(call, fault.bytes or 256 * 2**20)
    elif fault.name == "huge_line":
        _send_huge_line(call, fault.bytes or 10 * 2**20)
    elif fault.name == "slow_headers":
        await _drip_headers(call, fault.seconds or 0.2)
    else:
        raise refusal_for(call, fault)
    return True


def refusal_for(call: Call, fault: Fault) -> Refusal:
    """Return the error reply that a fault stands for."""
    if fault.name == "busy":
        return busy()
    if fault.name == "missing":
        words = not_found_for_embedding if call.operation in GROUPS["embedding"] else not_found
        return words(call.asked_name)
    return Refusal(fault.status or 500, fault.message or "boom from runner")


@lru_cache(maxsize=1)
def _packed_block() -> bytes:
    return gzip.compress(b" " * BLOCK_BYTES, compresslevel=9)


def _send_bomb(call: Call, size_bytes: int) -> None:
    """Send many gzip members of blanks: each is a thousandth of what it becomes."""
    call.reply.extra_headers.append(("Content-Encoding", "gzip"))
    body = _packed_block() * max(1, size_bytes // BLOCK_BYTES)
    call.reply.send(200, body, JSON_UTF8)


def _send_huge_line(call: Call, size_bytes: int) -> None:
    """Send one JSON object whose text is huge, without an end of line until its end."""
    call.reply.start(200, "application/x-ndjson")
    call.reply.write_raw(as_chunk(b'{"model":"huge","response":"'))
    block = as_chunk(b"x" * BLOCK_BYTES)
    for _ in range(max(1, size_bytes // BLOCK_BYTES)):
        call.reply.write_raw(block)
    call.reply.write_raw(as_chunk(b'","message":{"role":"assistant","content":"x"},"done":false}\n'))
    call.reply.end()


async def _drip_headers(call: Call, pause_seconds: float) -> None:
    """Send a head without end, byte by byte, until the client leaves."""
    call.reply.send_unframed(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    while True:
        await asyncio.sleep(pause_seconds)
        call.reply.send_unframed(b"z")
