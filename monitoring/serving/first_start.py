"""Prepares a machine for its first question: schema, static files, an administrator and a demo corpus."""

from __future__ import annotations

import hashlib
import re
import secrets
import tempfile
from collections.abc import Callable
from pathlib import Path

import psycopg
from django.conf import settings
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import DatabaseError

from documents.models import Corpus, Tenant
from documents.uploads.folder_import import ingest_paths
from monitoring.health.postgres_trial import wait_for_postgres
from ragsite.postgres.one_at_a_time import preparation_lock

DEMO_TENANT = "demo"
DEMO_CORPUS = "ragsite-docs"
DEMO_SUGGESTIONS = [
    "What happens when the model server is down?",
    "Which file formats can be uploaded?",
    "How do I change the embedding model of a corpus?",
]
_CODE_BLOCK = re.compile(r"^(```|~~~)[^\n]*\n.*?^\1[^\n]*\n", re.MULTILINE | re.DOTALL)
_QUESTION = re.compile(r"[a-z]\?")


class NotPrepared(Exception):
    """The preparation failed; the message says why, and what to do."""


def prepare(tell: Callable[[str], None], *, with_demo: bool, wait_seconds: float) -> None:
    """Run the steps that are missing; each may be repeated, also by several hosts at the same time.

    Raises NotPrepared when Postgres isn't there within `wait_seconds`, or refuses.
    """
    trial = wait_for_postgres(wait_seconds, tell)
    if trial.problem:
        raise NotPrepared(trial.problem)
    try:
        with preparation_lock(lambda: tell("Another process is preparing this database; waiting for it.")):
            call_command("migrate", verbosity=0)
            collect_static_files()
            password = create_administrator()
            if password:
                tell(
                    f"Administrator: {settings.ADMIN_USERNAME}, password: {password} "
                    "(shown once; change it in the admin)"
                )
            if with_demo:
                tell(index_demo_corpus())
    except (DatabaseError, psycopg.Error) as exc:
        raise NotPrepared(f"Postgres refused: {str(exc).splitlines()[0]}.") from exc


def collect_static_files() -> None:
    """Hash and compress the static files, unless nothing changed since the last time. Raises NotPrepared."""
    stamp = settings.STATIC_ROOT / ".stamp"
    state = state_of_static_files()
    try:
        if not stamp.exists() or stamp.read_text() != state:
            call_command("collectstatic", verbosity=0, interactive=False, clear=True)
            stamp.write_text(state)
    except OSError as exc:
        raise NotPrepared(
            f"VAR_DIR: {exc.filename or settings.STATIC_ROOT} can't be written ({exc.strerror})."
        ) from exc


def create_administrator() -> str | None:
    """Create a superuser if there is none; return the password if one was generated."""
    if User.objects.filter(is_superuser=True, is_active=True).exists():
        return None
    if User.objects.filter(username=settings.ADMIN_USERNAME).exists():
        raise NotPrepared(
            f"There is no administrator, and the user {settings.ADMIN_USERNAME!r} is none: name another one in "
            "ADMIN_USERNAME, or make this one a superuser."
        )
    password = settings.ADMIN_PASSWORD or secrets.token_urlsafe(12)
    User.objects.create_superuser(settings.ADMIN_USERNAME, password=password)
    return None if settings.ADMIN_PASSWORD else password


def index_demo_corpus() -> str:
    """Make ragsite's own documentation a public corpus; return what was done in a sentence."""
    tenant, _ = Tenant.objects.get_or_create(slug=DEMO_TENANT, defaults={"name": "Demo"})
    corpus, _ = Corpus.objects.get_or_create(
        tenant=tenant,
        slug=DEMO_CORPUS,
        defaults={
            "name": "ragsite's own documentation",
            "is_public": True,
            "is_demo": True,
            "defaults": {"suggestions": DEMO_SUGGESTIONS},
        },
    )
    with tempfile.TemporaryDirectory() as folder:
        report = ingest_paths(corpus, _documentation(Path(folder)))
    return f"Demo corpus {corpus.slug}: {report.ready} indexed, {report.unchanged} unchanged, {report.failed} failed."


def _documentation(folder: Path) -> list[Path]:
    """Return the paths of README.md and docs/, copied into a folder without the questions of their examples."""
    root = Path(settings.BASE_DIR)
    (folder / "docs").mkdir()
    for path in [root / "README.md", *sorted((root / "docs").glob("*.md"))]:
        copy = folder / path.relative_to(root)
        copy.write_text(without_example_questions(path.read_text(encoding="utf-8")), encoding="utf-8")
    return [folder / "README.md", folder / "docs"]


def without_example_questions(markdown: str) -> str:
    """Return the text without those blocks of code that hold a question.

    They show how to ask, and mostly of other documents. Nothing matches the question as well, and nothing in them
    answers it.
    """
    return _CODE_BLOCK.sub(lambda block: "" if _QUESTION.search(block[0]) else block[0], markdown)


def state_of_static_files() -> str:
    """Return a digest that changes when the static files of the pages have to be collected again."""
    root = Path(settings.BASE_DIR)
    digest = hashlib.sha256((root / "requirements.txt").read_bytes())
    digest.update(settings.STORAGES["staticfiles"]["BACKEND"].encode())  # which may make no manifest
    for path in sorted((root / "static").rglob("*")):
        if path.is_file():
            digest.update(str(path.relative_to(root)).encode() + path.read_bytes())
    return digest.hexdigest()
