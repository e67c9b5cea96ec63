"""Listens, and brings each request to its handler: Host and Origin checks, redirects, routes, faults, errors."""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import Awaitable, Callable, Mapping
from urllib.parse import urlsplit

from monitoring.lab.ollama_simulator.faults import TRANSPORT_FAULTS
from monitoring.lab.ollama_simulator.http.origins import allow_origin, is_own_host
from monitoring.lab.ollama_simulator.http.refusals import Refusal
from monitoring.lab.ollama_simulator.http.requests import Request
from monitoring.lab.ollama_simulator.http.wire import JSON_UTF8, Connection, Reply
from monitoring.lab.ollama_simulator.model.decoding import decode_first_value
from monitoring.lab.ollama_simulator.model.engine import Call, Engine, go_json
from monitoring.lab.ollama_simulator.model.models import tagged
from monitoring.lab.ollama_simulator.routes import catalogue as routes_catalogue
from monitoring.lab.ollama_simulator.routes import control as routes_control
from monitoring.lab.ollama_simulator.routes import embedding as routes_embedding
from monitoring.lab.ollama_simulator.routes import generation as routes_generation
from monitoring.lab.ollama_simulator.routes import openai
from monitoring.lab.ollama_simulator.transport_faults import strike

Handler = Callable[[Call], Awaitable[None]]
READ = ("HEAD", "GET")

ROUTES: Mapping[str, tuple[str, tuple[str, ...], Handler]] = {
    "/": ("root", READ, routes_catalogue.root),
    "/api/version": ("version", READ, routes_catalogue.version),
    "/api/tags": ("tags", READ, routes_catalogue.tags),
    "/api/ps": ("ps", ("GET",), routes_catalogue.ps),
    "/api/show": ("show", ("POST",), routes_catalogue.show),
    "/api/pull": ("pull", ("POST",), routes_catalogue.pull),
    "/api/copy": ("copy", ("POST",), routes_catalogue.copy),
    "/api/delete": ("delete", ("DELETE",), routes_catalogue.delete),
    "/api/embed": ("embed", ("POST",), routes_embedding.embed),
    "/api/embeddings": ("embeddings", ("POST",), routes_embedding.embeddings),
    "/api/generate": ("generate", ("POST",), routes_generation.generate_text),
    "/api/chat": ("chat", ("POST",), routes_generation.chat),
    "/v1/chat/completions": ("v1_chat", ("POST",), openai.chat_completions),
    "/v1/completions": ("v1_completions", ("POST",), openai.completions),
    "/v1/embeddings": ("v1_embeddings", ("POST",), openai.embeddings),
    "/v1/models": ("v1_models", ("GET",), openai.models),
    "/standin/state": ("state", ("GET",), routes_control.state),
    "/standin/requests": ("requests", ("GET",), routes_control.requests),
    "/standin/control": ("control", ("POST",), routes_control.control),
}
ONE_MODEL = ("v1_model", ("GET",), openai.model_by_name)
SLASHES = re.compile(r"//+")
PLAIN = "text/plain"
BACKLOG = 2048


class Listener:
    """A listening socket on the loopback address, and its connections."""

    def __init__(self, dispatcher: Dispatcher, loop: asyncio.AbstractEventLoop) -> None:
        self._dispatcher = dispatcher
        self._loop = loop
        self._connections: set[Connection] = set()
        self._socket: socket.socket | None = None
        self._serving: asyncio.Task[asyncio.Server] | None = None
        self.port = 0

    def open(self, port: int | None = None) -> None:
        """Listen on `port` (0: a free one; None: the one before). Raises OSError when it is taken."""
        if self._socket is not None:
            return
        # With the protocol named: asyncio switches Nagle's delay off for such sockets only, and it costs 40 ms a reply.
        own = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        try:
            own.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            own.bind(("127.0.0.1", self.port if port is None else port))
            own.listen(BACKLOG)
        except OSError:
            own.close()
            raise
        # From here on the system takes connections; the loop serves them as soon as it comes to it.
        self._socket, self.port = own, int(own.getsockname()[1])
        self._serving = self._loop.create_task(self._loop.create_server(self._connect, sock=own, backlog=BACKLOG))

    def shut(self) -> None:
        """Refuse new connections and reset the open ones, as a killed process does."""
        if self._socket is not None and self._serving is not None:
            if self._serving.done():
                self._serving.result().close()
            else:
                self._serving.cancel()
            self._socket.close()
            self._socket = None
        for connection in tuple(self._connections):
            connection.reset()

    def _connect(self) -> Connection:
        return Connection(self._dispatcher.answer, self._connections, self._dispatcher.engine.counters.connections)


class Dispatcher:
    """Finds the handler of a request, and sends what it raises."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    async def answer(self, request: Request, reply: Reply) -> None:
        """Answer one request."""
        if _was_redirected(request, reply) or _was_turned_away(request, reply):
            return
        found = ROUTES.get(request.path) or (ONE_MODEL if request.path.startswith("/v1/models/") else None)
        if found is None:
            reply.send(404, b"404 page not found", PLAIN)
            return
        operation, methods, handler = found
        if request.method not in methods:
            reply.extra_headers.append(("Allow", ", ".join(methods)))
            reply.send(405, b"405 method not allowed", PLAIN)
            return
        await self._handle(Call(self.engine, request, reply, operation), handler)

    async def _handle(self, call: Call, handler: Handler) -> None:
        _note(call)
        counters = self.engine.counters
        try:
            is_ours = call.request.path.startswith("/standin/")
            fault = None if is_ours else call.fault(TRANSPORT_FAULTS)
            if fault is None or not await strike(call, fault):
                await handler(call)
        except Refusal as refusal:
            if call.reply.status:  # too late for a status: the reply has begun
                call.reply.cut()
            else:
                _send_refusal(call, refusal)
        except asyncio.CancelledError:
            if not self.engine.stopping:
                counters.cancelled += 1
            raise
        counters.replies[str(call.reply.status)] += 1


def _note(call: Call) -> None:
    """Count the request under the model that its body names."""
    body = None
    if call.request.body:
        try:
            body = decode_first_value(call.request.body)
            named = {key.lower(): value for key, value in body.items()} if isinstance(body, dict) else {}
            call.asked_name = str(named.get("model") or named.get("name") or "")
            call.model_name = tagged(call.asked_name).lower() if call.asked_name else None
        except Refusal:
            pass  # the handler will say what is wrong with it
    call.engine.counters.saw(call.operation, call.model_name, body)


def _send_refusal(call: Call, refusal: Refusal) -> None:
    if call.request.path.startswith("/v1/"):
        body, content_type = openai.error_body(refusal)
        call.reply.send(refusal.status, body, content_type)
    elif refusal.from_stream:
        call.reply.send(refusal.status, go_json({"error": refusal.text}), "application/json", chunked=True)
    else:
        call.reply.send(refusal.status, go_json({"error": refusal.text}), JSON_UTF8)


def _was_redirected(request: Request, reply: Reply) -> bool:
    """Send the redirect of a path with doubled or trailing slashes."""
    path = SLASHES.sub("/", request.path)
    if path != request.path:
        status, target = 301, path
    elif path.endswith("/") and path[:-1] in ROUTES:
        status, target = 301 if request.method == "GET" else 307, path[:-1]
    else:
        return False
    reply.extra_headers.append(("Location", target))
    reply.send(status)
    return True


def _was_turned_away(request: Request, reply: Reply) -> bool:
    """Send the 403 for a foreign Host or Origin, or the answer to a preflight; else add what an origin needs."""
    origin = request.headers.get("origin")
    if not is_own_host(request.headers.get("host", "")):
        reply.send(403)
        return True
    if origin is None or urlsplit(origin).netloc == request.headers.get("host"):
        return False
    return allow_origin(request, reply, origin)
