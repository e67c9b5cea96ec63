"""Behind a proxy with TLS: the certificate is checked, and what fails is said in words."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ragsite.errors import OllamaMisconfigured
from ragsite.ollama import OllamaClient

from .conftest import embed, read
from .scripted import ScriptedOllama


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    if shutil.which("openssl") is None:
        pytest.skip("no openssl on this machine to make a certificate with")
    both = tmp_path / "both.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
         "-addext", "subjectAltName=DNS:localhost", "-keyout", tmp_path / "key.pem", "-out", tmp_path / "cert.pem"],
        check=True,
        capture_output=True,
    )  # fmt: skip
    both.write_bytes((tmp_path / "key.pem").read_bytes() + (tmp_path / "cert.pem").read_bytes())
    return both


@pytest.fixture
def proxy(certificate: Path, server: ScriptedOllama) -> Iterator[int]:
    """The port of a TLS proxy in front of the server."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    listener = socket.create_server(("localhost", 0))

    def pump(source: socket.socket, target: socket.socket) -> None:
        try:
            while data := source.recv(65536):
                target.sendall(data)
        except OSError:
            pass
        finally:
            target.close()

    def serve(connection: socket.socket) -> None:
        try:
            outside = context.wrap_socket(connection, server_side=True)
        except OSError:
            connection.close()
            return
        inside = socket.create_connection(("127.0.0.1", server.port))
        threading.Thread(target=pump, args=(outside, inside), daemon=True).start()
        pump(inside, outside)
        inside.close()
        outside.close()

    def accept() -> None:
        while True:
            try:
                connection, _address = listener.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    yield listener.getsockname()[1]
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()


def test_calls_and_streams_go_through_tls_and_keep_their_connection(
    proxy: int,
    certificate: Path,
    server: ScriptedOllama,
    make_client: Callable[..., OllamaClient],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    client = make_client(f"https://localhost:{proxy}")
    for _call in range(3):
        assert embed(client, *["text"] * 2000)  # more than one record, both ways
        assert read(client)[0] == "All is well."
    assert server.connections == 1


def test_a_certificate_that_nobody_vouches_for_is_refused_in_words(
    proxy: int, make_client: Callable[..., OllamaClient]
) -> None:
    with pytest.raises(OllamaMisconfigured, match="certificate"):
        embed(make_client(f"https://localhost:{proxy}"))


def test_https_to_a_server_that_speaks_http_is_said_in_words(
    server: ScriptedOllama, make_client: Callable[..., OllamaClient]
) -> None:
    with pytest.raises(OllamaMisconfigured, match="whether it is http"):
        embed(make_client(f"https://localhost:{server.port}"))
