"""OLLAMA_BASE_URL as people write it."""

from __future__ import annotations

import pytest

from ragsite.errors import OllamaMisconfigured
from ragsite.ollama.addresses import addresses_of, parse_address


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ("http://localhost:11434", "http://localhost:11434"),
        ("http://localhost:11434/", "http://localhost:11434"),
        ("localhost:11434", "http://localhost:11434"),  # no scheme
        ("ollama", "http://ollama:11434"),  # neither scheme nor port: Ollama's port
        ("http://ollama", "http://ollama:80"),  # a scheme brings its own port, as in Ollama's client
        ("https://ollama.example.org", "https://ollama.example.org:443"),
        ("HTTPS://Example.ORG/llm//v2/", "https://example.org:443/llm/v2"),  # behind a proxy, below a path
        ("http://[::1]:9", "http://[::1]:9"),
        ("  'http://localhost:11434' ", "http://localhost:11434"),  # blanks and quotes of an .env file
        ("http://bücher.example:1", "http://xn--bcher-kva.example:1"),
    ],
)
def test_an_address_is_read_as_ollamas_own_client_reads_it(given: str, url: str) -> None:
    assert parse_address(given).url == url


@pytest.mark.parametrize(
    "given",
    [
        "ftp://localhost",
        "http://",
        "http://localhost:port",
        "http://localhost:99999",
        "http://local host",
        "http://localhost/a\r\nX-Evil: 1",
        "http://localhost?x=1",
        "http://localhost#x",
        "http://[::1",
        "http://" + "a" * 300,
        "http://localhost/ü",
        "http://a..b",
    ],
)
def test_a_bad_address_is_said_in_words(given: str) -> None:
    with pytest.raises(OllamaMisconfigured, match="OLLAMA_BASE_URL"):
        parse_address(given)


def test_credentials_are_used_and_never_shown() -> None:
    address = parse_address("https://me:s%3Acret@example.org/")
    assert address.authorization == "Basic bWU6czpjcmV0"
    assert "s%3Acret" not in address.url + repr(address)
    with pytest.raises(OllamaMisconfigured) as caught:
        parse_address("https://me:secret@example.org:port")
    assert "secret" not in caught.value.message


def test_each_address_is_used_once_in_the_order_given() -> None:
    urls = [address.url for address in addresses_of(["b:1", "", "a:1", " ", "http://b:1/"])]
    assert urls == ["http://b:1", "http://a:1"]
