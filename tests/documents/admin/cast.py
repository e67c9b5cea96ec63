"""Two tenants with one of everything, and people of the first one who use the admin."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from django.utils import timezone

from documents.models import (
    Abbreviation,
    ApiKey,
    Chunk,
    Corpus,
    Document,
    DocumentText,
    Embedding,
    LoginAttempts,
    ReaderGroup,
    Tenant,
    TermFrequency,
    Word,
)
from querying.models import (
    AnswerClaim,
    CacheCount,
    CachedAnswer,
    CacheEntry,
    FalseHit,
    Feedback,
    QueryLog,
    SemanticCacheLimit,
)
from tests.factories import make_corpus, make_tenant, make_user


@dataclass(frozen=True)
class World:
    """Two tenants with one of everything. Whatever belongs to the other one has SECRET in its name."""

    ours: Tenant
    corpus: Corpus
    document: Document
    theirs: Tenant
    their_corpus: Corpus
    their_document: Document
    our_group: Group
    their_group: Group


def make_person(**fields: Any) -> User:
    """Return a user without a password: hashing one takes longer than the rest of a test."""
    return make_user(password=None, **fields)


def fill(tenant: Tenant, name: str, group: Group) -> tuple[Corpus, Document]:
    corpus = make_corpus(tenant=tenant, name=f"{name} corpus", slug=f"{name}-corpus".lower(), chunk_count=1)
    document = Document.objects.create(
        tenant=tenant, corpus=corpus, title=f"{name} document", sha256=name, status="ready", version=1
    )
    DocumentText.objects.create(document=document, version=1, text=f"{name} text")
    chunk = Chunk.objects.create(
        document=document, version=1, ordinal=0, text=f"{name} text", start=0, end=4, terms=[987654321], term_counts=[1]
    )
    space = corpus.live_space
    assert space is not None
    Embedding.objects.create(space=space, chunk=chunk, document=document, vector=[0.123] * 256)
    TermFrequency.objects.create(term=corpus.pk, corpus=corpus, chunks=1)
    Abbreviation.objects.create(
        corpus=corpus, document=document, version=1, short=name[:12], long=f"{name} long", folded=f"{name} long"
    )
    Word.objects.create(corpus=corpus, word=f"{name}word", folded=f"{name}word", term=corpus.pk)
    member = make_person(role="reader", tenant=tenant, username=f"{name}-member")
    member.groups.add(group)
    ApiKey.issue(member, f"{name} key", ["query"])
    return corpus, document


@pytest.fixture
def world() -> World:
    ours, theirs = make_tenant(name="Ours", slug="ours"), make_tenant(name="SECRET", slug="secret")
    our_group, their_group = Group.objects.create(name="our-group"), Group.objects.create(name="SECRET-group")
    LoginAttempts.objects.create(key="SECRET", count=1, ends_at=timezone.now())
    ReaderGroup.objects.create(group=their_group, tenant=theirs)
    ReaderGroup.objects.create(group=our_group, tenant=ours)
    corpus, document = fill(ours, "Our", our_group)
    their_corpus, their_document = fill(theirs, "SECRET", their_group)
    entry = QueryLog.objects.create(question="SECRET question", answer_mode="generated", outcome="done")
    Feedback.objects.create(query=entry, rating=-1, comment="SECRET comment")
    CachedAnswer.objects.create(
        key="k", stale_key="s", alike_key="a", question="SECRET question", answer={"text": "SECRET"},
        corpora=[their_corpus.pk], documents=[their_document.pk], created_at=timezone.now(),
    )  # fmt: skip
    CacheEntry.objects.create(
        key="SECRET", kind="search", value={"text": "SECRET"}, corpora=[their_corpus.pk], created_at=timezone.now()
    )
    CacheCount.objects.create(corpus_id=their_corpus.pk, layer="memory", since=timezone.now())
    SemanticCacheLimit.objects.create(corpus=their_corpus)
    FalseHit.objects.create(query=entry, corpora=[their_corpus.pk], question="SECRET question", reporter="r")
    AnswerClaim.objects.create(key="SECRET", owner=uuid.uuid4(), expires_at=timezone.now())
    return World(ours, corpus, document, theirs, their_corpus, their_document, our_group, their_group)


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def staff(role: str | None, tenant: Tenant) -> Client:
    return signed_in(make_person(role=role, tenant=tenant, is_staff=True))


@pytest.fixture
def superuser(world: World) -> Client:
    return signed_in(make_person(is_staff=True, is_superuser=True))


@pytest.fixture
def manager(world: World) -> Client:
    return staff("manager", world.ours)


@pytest.fixture
def editor(world: World) -> Client:
    return staff("editor", world.ours)


@pytest.fixture
def reader(world: World) -> Client:
    return staff("reader", world.ours)


def page(client: Client, path: str, **post: object) -> str:
    response = client.post(f"/admin/{path}", post, follow=True) if post else client.get(f"/admin/{path}", follow=True)
    assert response.status_code == 200, (path, response.status_code)
    return response.content.decode()


def options(html: str, field: str) -> set[str]:
    """Return what a form's select offers, or its checkboxes."""
    if boxes := re.findall(rf'<input type="checkbox" name="{field}".*?<span[^>]*>(.*?)</span>', html, re.DOTALL):
        return {text.strip() for text in boxes}
    select = re.search(rf'<select name="{field}".*?</select>', html, re.DOTALL)
    assert select is not None, f"no {field}"
    return {
        text
        for text in re.findall(r">([^<]+)</option>", select.group())
        if text.strip() not in ("Select value", "---------")
    }
