"""Parses OLLAMA_BASE_URL: scheme, host, port, path prefix and credentials of each model server."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import SplitResult, unquote, urlsplit

from ragsite.errors import OllamaMisconfigured

OLLAMA_PORT = 11434
PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True)
class Address:
    """Address of one model server."""

    scheme: str
    host: str
    port: int
    prefix: str  # "" or "/path", of a proxy that serves Ollama below a path
    authorization: str | None = field(default=None, repr=False)

    @property
    def netloc(self) -> str:
        """Return host and port as a Host header wants them."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    @property
    def url(self) -> str:
        """Return the base URL, without credentials: for people, logs and metrics."""
        return f"{self.scheme}://{self.netloc}{self.prefix}"


def addresses_of(base_urls: Iterable[str]) -> list[Address]:
    """Return the addresses in their order of preference, each once; blank entries are left out.

    Raises OllamaMisconfigured for an entry that can't be parsed.
    """
    found: dict[str, Address] = {}
    for text in base_urls:
        if text.strip():
            address = parse_address(text)
            found.setdefault(address.url, address)
    return list(found.values())


def parse_address(text: str) -> Address:
    """Return the address that a base URL means.

    As Ollama's own client reads it: without a scheme it is http on port 11434, with one it is that scheme's port.

    Raises OllamaMisconfigured, saying what is wrong with it.
    """
    given = text.strip().strip("\"'").strip()
    with_scheme = given if "://" in given else f"http://{given}"
    try:
        parts = urlsplit(with_scheme)
        port = parts.port
        host = (
            (parts.hostname or "").encode("idna").decode("ascii")
            if ":" not in (parts.hostname or "")
            else parts.hostname
        )
    except (ValueError, UnicodeError):
        raise _bad(given, "host or port can't be read") from None  # its words have parts of the address
    if parts.scheme not in PORTS:
        raise _bad(given, "only http and https are possible")
    if not host:
        raise _bad(given, "the host is missing")
    if parts.query or parts.fragment or re.search(r"[\x00-\x20\x7f]", given):
        raise _bad(given, "it must not hold blanks, a query or a fragment")
    if port is None:
        port = PORTS[parts.scheme] if "://" in given else OLLAMA_PORT
    prefix = re.sub(r"/{2,}", "/", parts.path).rstrip("/")
    if not prefix.isascii():
        raise _bad(given, "the path must be percent-encoded")
    return Address(parts.scheme, host, port, prefix, _authorization_of(parts))


def _authorization_of(parts: SplitResult) -> str | None:
    if parts.username is None:
        return None
    pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    return "Basic " + base64.b64encode(pair.encode()).decode("ascii")


def _bad(given: str, why: str) -> OllamaMisconfigured:
    shown = re.sub(r"^([a-z+.-]*://)?.*@", r"\1***@", given, flags=re.DOTALL | re.IGNORECASE)[:200]
    return OllamaMisconfigured(
        f"OLLAMA_BASE_URL has an address that can't be used, {shown!r}: {why}. Write it like http://localhost:11434."
    )
