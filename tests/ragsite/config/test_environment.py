"""A setting is read by its kind; what can't be is told in a sentence that names the variable and what it may be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from ragsite.config import setting_kinds as kinds
from ragsite.config.environment import Environment
from ragsite.config.setting_kinds import Kind
from ragsite.settings import env as declared


def read(kind: Kind[Any], text: str, *, is_secret: bool = False) -> tuple[Any, list[str]]:
    env = Environment({"NAME": text})
    return env.value("NAME", "default", kind, is_secret=is_secret), env.problems


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (kinds.whole(1, 10), "10", 10),
        (kinds.whole(-5, 10), " -5 ", -5),
        (kinds.number(0, 1), "0.5", 0.5),
        (kinds.number(0, 100), "1e2", 100.0),
        (kinds.switch(), "Yes", True),
        (kinds.switch(), "0", False),
        (kinds.one_of("INFO", upper=True), "info", "INFO"),
        (kinds.word(), "llama3.2:1b", "llama3.2:1b"),
        (kinds.secret(at_least=3), "a b", "a b"),
        (kinds.user_name(), "jo.smith@example.org", "jo.smith@example.org"),
        (kinds.listening_address(), "::1", "::1"),
        (kinds.duration(), "-1", "-1"),
        (kinds.duration(), "1.5h", "1.5h"),
        (kinds.rate(), "10/30s", "10/30s"),
        (kinds.folder(), "/tmp/not/there", Path("/tmp/not/there")),
        (kinds.allowed_hosts(), "ask.example.org, .example.org,*,[::1],10.0.0.7", None),
        (kinds.origins(), "https://ask.example.org:8443/", ["https://ask.example.org:8443"]),
        (kinds.secrets_list(at_least=3), "abc,def", ["abc", "def"]),
        (kinds.words_list(), "a, b,,c", ["a", "b", "c"]),
        (kinds.redis_url(), "redis://:pass@[::1]:6379/2", None),
        (kinds.redis_url(), "unix:///run/redis.sock", None),
        (kinds.postgres_url(), "postgresql://u:p%23@h:5432/d", None),
        (kinds.postgres_url(), "postgresql://postgres:@/postgres?host=/run/x", None),
    ],
)
def test_a_value_that_can_be_is_read(kind: Kind[Any], text: str, value: object) -> None:
    found, problems = read(kind, text)
    assert problems == []
    if value is not None:
        assert found == value


@pytest.mark.parametrize(
    ("name", "text"), [(name, text) for name, setting in declared.table.items() for text in setting.kind.wrong]
)
def test_a_value_that_can_not_be_is_told_in_one_sentence(name: str, text: str) -> None:
    setting = declared.table[name]
    env = Environment({name: text})
    assert env.value(name, "default", setting.kind, is_secret=setting.is_secret) == "default"
    (sentence,) = env.problems
    assert sentence.startswith(name)
    assert "\n" not in sentence
    assert setting.kind.words in sentence
    assert ("can't be used" if setting.is_secret else repr(text[:100])) in sentence
    with pytest.raises(ImproperlyConfigured, match="can't work with these settings"):
        env.refuse_problems()


@pytest.mark.parametrize("url", ["redis://u:hunter2@h:x", "hunter2:6379"])
def test_a_secret_is_never_shown(url: str) -> None:
    for kind in (kinds.redis_url(), kinds.postgres_url()):
        _, (sentence,) = read(kind, url, is_secret=True)
        assert "hunter2" not in sentence


def test_a_problem_with_an_address_says_what_to_write() -> None:
    _, (sentence,) = read(kinds.postgres_url(), "postgresql://u:pa#ss@h/d", is_secret=True)
    assert "%23" in sentence


@pytest.mark.parametrize("ending", ["\n", "\r\n", " \n", ""])
def test_what_a_secrets_file_ends_with_is_none_of_the_secret(tmp_path: Path, ending: str) -> None:
    file = tmp_path / "token"
    file.write_text(f"s3cret{ending}")
    env = Environment({"METRICS_TOKEN_FILE": str(file)})
    assert env.value("METRICS_TOKEN", "", kinds.word()) == "s3cret"
    assert env.problems == []


def test_a_secrets_file_that_can_not_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "latin").write_bytes(b"\xe9")
    for path, why in ((tmp_path / "none", "No such file"), (tmp_path, "Is a directory"), (tmp_path / "latin", "UTF-8")):
        env = Environment({"NAME_FILE": str(path)})
        env.value("NAME", "", kinds.word())
        (sentence,) = env.problems
        assert sentence.startswith("NAME_FILE")
        assert str(path) in sentence
        assert why in sentence


def test_a_value_and_a_file_together_are_refused(tmp_path: Path) -> None:
    env = Environment({"NAME": "a", "NAME_FILE": str(tmp_path / "none")})
    assert env.value("NAME", "", kinds.word()) == ""
    assert env.problems == ["NAME and NAME_FILE are both set: keep one of them."]


def test_a_wrong_value_from_a_file_is_blamed_on_the_file(tmp_path: Path) -> None:
    (tmp_path / "port").write_text("abc\n")
    env = Environment({"PORT_FILE": str(tmp_path / "port")})
    env.int("PORT", 1, at_most=2)
    assert env.problems[0].startswith("PORT_FILE is 'abc'")


def test_an_empty_variable_is_one_that_is_not_set() -> None:
    assert read(kinds.whole(1, 2), "  ") == ("default", [])


def test_without_problems_nothing_is_refused() -> None:
    Environment({}).refuse_problems()
