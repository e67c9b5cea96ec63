"""The environment is the one source of settings, and the documentation knows all of it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from pytest_django import Settings

from monitoring.health.system_checks import check_deployment, check_settings
from ragsite.paths import PROJECT
from ragsite.settings import env as declared

INTERNAL = {
    "RAGSITE_ROLE",
    "RAGSITE_CHECKPOINT",
    "RAGSITE_START_CHECKED",
}  # set by our own processes and tests for each other


def names_in_settings() -> set[str]:
    return set(declared.table) - INTERNAL


def test_the_documentation_lists_every_setting_and_no_other() -> None:
    documented = re.findall(r"^\| `([A-Z_]+)` \|", (PROJECT / "docs" / "configuration.md").read_text(), re.M)
    assert len(documented) == len(set(documented))
    assert set(documented) == names_in_settings()


def test_the_example_file_lists_every_setting_and_no_other() -> None:
    example = re.findall(r"^# ([A-Z_]+)=", (PROJECT / ".env.example").read_text(), re.M)
    assert set(example) == names_in_settings()


def test_only_the_settings_read_the_environment() -> None:
    allowed = {
        "ragsite/config/environment.py",  # what settings.py reads it with
        "ragsite/postgres/embedded_server.py",  # runs before there are settings: it sets DATABASE_URL
        "ragsite/config/metrics_files.py",  # must have named a folder before the first metric is made
        "ragsite/config/dotenv.py",  # fills the environment
        "documents/extraction/ocr/child.py",  # tells libraries to start no threads, in a process without settings
        "ragsite/config/cpu_threads.py",  # hands one setting on to libraries
        "monitoring/performance/prometheus_figures.py",  # ... and reads its name
        "ragsite/wsgi.py",
        "monitoring/serving/gunicorn_conf.py",  # read by gunicorn before Django
        "monitoring/serving/supervisor.py",  # hands it on to children
        "monitoring/lab/ollama_simulator/processes.py",  # ... to another one
        "monitoring/lab/benchmarks/peer/packages.py",  # ... to a foreign interpreter
        "monitoring/lab/benchmarks/peer/rag_server.py",  # ... which runs this: it reads none of the settings
        "monitoring/lab/testbed/serving.py",
        "monitoring/lab/benchmarks/measuring/subprocess_call.py",  # names the settings module of a process of its own
        "manage.py",
    }
    readers = {
        str(path.relative_to(PROJECT))
        for app in ("ragsite", "documents", "querying", "monitoring")
        for path in (PROJECT / app).rglob("*.py")
        if re.search(r"os\.environ|os\.getenv|environ\.Env\(", path.read_text())
    }
    assert readers - allowed == set()


def test_every_setting_knows_what_it_can_not_be() -> None:
    elsewhere = {"OLLAMA_BASE_URL"}  # a system check reads it: ragsite.E001
    assert {name for name, setting in declared.table.items() if not setting.kind.wrong} == elsewhere


def test_every_setting_with_nonsense_is_named_at_the_start() -> None:
    wrong = {name: setting.kind.wrong[0] for name, setting in declared.table.items() if setting.kind.wrong}
    for command in (
        ["manage.py", "check"],
        ["manage.py", "serve"],
        ["-m", "gunicorn", "-c", "monitoring/serving/gunicorn_conf.py", "ragsite.wsgi"],
    ):
        done = subprocess.run(
            [sys.executable, *command],
            env={**os.environ, "ENV_FILE": "/nowhere", **wrong},
            cwd=PROJECT,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 1
        _, *sentences = done.stderr.splitlines()
        assert "Traceback" not in done.stderr
        assert {sentence.partition(" ")[0] for sentence in sentences} == set(wrong)
        secret_values = {wrong[name] for name in wrong if declared.table[name].is_secret and len(wrong[name]) > 9}
        assert not [value for value in secret_values if f"{value!r}" in done.stderr]


def test_no_secret_has_a_default_in_the_code(tmp_path: Path) -> None:
    keys = set()
    for name in ("a", "b"):
        code = "import django; django.setup(); from django.conf import settings; print(settings.SECRET_KEY)"
        environment = {key: value for key, value in os.environ.items() if key != "SECRET_KEY"}
        environment |= {"DJANGO_SETTINGS_MODULE": "ragsite.settings", "VAR_DIR": str(tmp_path / name)}
        done = subprocess.run(
            [sys.executable, "-c", code], env=environment, cwd=PROJECT, capture_output=True, text=True, check=True
        )
        keys.add(done.stdout.strip())
        assert (tmp_path / name / "secret_key").stat().st_mode & 0o077 == 0
    assert len(keys) == 2
    assert all(len(key) > 50 for key in keys)


@pytest.mark.parametrize(
    ("name", "value", "check_id"),
    [
        ("OLLAMA_BASE_URLS", ["ftp://model"], "ragsite.E001"),
        ("OLLAMA_BASE_URLS", ["http://"], "ragsite.E001"),
        ("CHUNK_OVERLAP_CHARS", 800, "ragsite.E002"),  # as large as the chunk
        ("DEADLINE_SECONDS", 500.0, "ragsite.E003"),
        ("MAX_OPEN_STREAMS", 128, "ragsite.E004"),  # one for each thread
        ("RETRIEVAL_TOP_K", 101, "ragsite.E006"),
    ],
)
def test_settings_that_cannot_work_together_are_refused(
    settings: Settings, name: str, value: object, check_id: str
) -> None:
    assert check_settings(None) == []
    setattr(settings, name, value)
    found = check_settings(None)
    assert [message.id for message in found] == [check_id]
    assert found[0].hint


def test_a_connection_age_with_a_pool_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(django_settings.DATABASES["default"], "CONN_MAX_AGE", 60)
    assert [message.id for message in check_settings(None)] == ["ragsite.E005"]


def test_a_server_without_a_metrics_token_is_warned_about(settings: Settings) -> None:
    settings.RATE_LIMIT_QUERY = "120/m"
    assert [message.id for message in check_deployment(None)] == ["ragsite.W001"]
    settings.METRICS_TOKEN = "x"
    assert check_deployment(None) == []


def test_a_server_without_a_rate_limit_is_warned_about(settings: Settings) -> None:
    settings.METRICS_TOKEN = "x"
    assert [message.id for message in check_deployment(None)] == ["ragsite.W002"]


@pytest.mark.parametrize("backend", ["ragsite.redis.cache_backend.GuardedCache", "django_redis.cache.RedisCache"])
def test_a_cache_that_unpickles_is_refused(settings: Settings, backend: str) -> None:
    cache: dict[str, object] = {"BACKEND": backend, "LOCATION": "redis://localhost/0"}
    settings.CACHES = {"default": cache}
    assert [message.id for message in check_settings(None)] == ["ragsite.E007"]
    cache["OPTIONS"] = {"SERIALIZER": "django_redis.serializers.pickle.PickleSerializer"}
    assert [message.id for message in check_settings(None)] == ["ragsite.E007"]
    cache["OPTIONS"] = {"SERIALIZER": "django_redis.serializers.json.JSONSerializer"}
    assert check_settings(None) == []


def test_with_redis_nothing_is_pickled() -> None:
    code = (
        "import django; django.setup(); from monitoring.health.system_checks import check_settings;"
        "from django.conf import settings; print(settings.CACHES['default']['BACKEND'], check_settings(None))"
    )
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "ragsite.settings", "REDIS_URL": "redis://localhost/0"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, cwd=PROJECT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "ragsite.redis.cache_backend.GuardedCache []"
