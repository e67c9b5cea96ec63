"""Checks Host and Origin headers as Ollama does on the loopback address."""

from __future__ import annotations

import ipaddress
import socket
from urllib.parse import urlsplit

from monitoring.lab.ollama_simulator.http.requests import Request
from monitoring.lab.ollama_simulator.http.wire import Reply

LOCAL_ENDINGS = (".localhost", ".local", ".internal")
LOCAL_SCHEMES = ("app", "file", "tauri", "vscode-webview", "vscode-file")
LOCAL_NAMES = ("localhost", "127.0.0.1", "0.0.0.0")  # noqa: S104 - names to compare with, nothing is bound
ALLOWED_HEADERS = "Authorization,Content-Type,User-Agent,Accept,X-Requested-With"
ALLOWED_METHODS = "GET,POST,PUT,PATCH,DELETE,HEAD,OPTIONS"


def is_own_host(header: str) -> bool:
    """Return True for a Host header that means this machine or its network."""
    host = urlsplit(f"//{header}").hostname or ""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host in ("", "localhost", socket.gethostname().lower()) or host.endswith(LOCAL_ENDINGS)
    return address.is_loopback or address.is_private or address.is_unspecified


def allow_origin(request: Request, reply: Reply, origin: str) -> bool:
    """Add the CORS headers for a local origin; True when the reply is complete with that (preflight, or refused)."""
    if not _is_local(origin):
        reply.send(403)
        return True
    reply.extra_headers.append(("Access-Control-Allow-Origin", origin))
    if request.method == "OPTIONS":
        reply.extra_headers += [
            ("Access-Control-Allow-Headers", ALLOWED_HEADERS),
            ("Access-Control-Allow-Methods", ALLOWED_METHODS),
            ("Access-Control-Max-Age", "43200"),
            ("Allow", "POST"),
            ("Vary", "Access-Control-Request-Headers"),
        ]
        reply.send(204)
        return True
    reply.extra_headers.append(("Vary", "Origin"))
    return False


def _is_local(origin: str) -> bool:
    try:
        parts = urlsplit(origin)
        host = parts.hostname
    except ValueError:
        return False
    return parts.scheme in LOCAL_SCHEMES or (parts.scheme in ("http", "https") and host in LOCAL_NAMES)
