"""The ask page. It works through the HTTP API; the view only lists the corpora that may be asked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass
from itertools import groupby

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_safe

from documents.access.policy import Principal, editable_corpora, everything_of, manageable_tenants, readable_corpora
from documents.models import Corpus, Tenant

SUGGESTIONS_MAX = 3
SUGGESTION_MAX_CHARS = 200
NAMES_SHOWN = 3  # of corpora, where the page says what "everything" is


@dataclass(frozen=True)
class Choice:
    """A corpus as the page lists it."""

    path: str  # tenant/slug: what the API understands even where two tenants use the same slug
    name: str
    is_empty: bool
    is_in_everything: bool
    suggestions: tuple[str, ...]


@dataclass(frozen=True)
class Group:
    """The corpora of one tenant."""

    tenant: Tenant
    corpora: tuple[Choice, ...]


@dataclass(frozen=True)
class Everything:
    """The corpora asked if none is chosen; `without`: the names of those left out."""

    count: int
    names: tuple[str, ...]
    more: int
    without: tuple[str, ...]


@require_safe
@never_cache
@ensure_csrf_cookie
def ask_page(request: HttpRequest) -> HttpResponse:
    """Return the ask page with the corpora that this visitor may ask."""
    principal = Principal.of(request.user)
    corpora = list(readable_corpora(principal).select_related("tenant"))
    asked = set(everything_of(corpora))
    groups = _by_tenant(sorted(corpora, key=lambda corpus: corpus not in asked), asked)
    context = {
        "groups": groups,
        "corpora": [corpus for group in groups for corpus in group.corpora],
        "everything": _everything(corpora, asked),
        "may_add": _may_add(request, principal),
        "question_max_chars": settings.QUESTION_MAX_CHARS,
    }
    return render(request, "querying/ask.html", context)


def _everything(corpora: Sequence[Corpus], asked: Set[Corpus]) -> Everything:
    names = tuple(corpus.name for corpus in corpora if corpus in asked)
    without = tuple(corpus.name for corpus in corpora if corpus not in asked)
    return Everything(len(names), names[:NAMES_SHOWN], max(0, len(names) - NAMES_SHOWN), without)


def _by_tenant(corpora: Iterable[Corpus], asked: Set[Corpus]) -> list[Group]:
    """Return the corpora in their order, one group per tenant where they stand together."""
    return [
        Group(tenant, tuple(_choice(corpus, is_in_everything=corpus in asked) for corpus in members))
        for tenant, members in groupby(corpora, key=lambda corpus: corpus.tenant)
    ]


def _choice(corpus: Corpus, *, is_in_everything: bool) -> Choice:
    return Choice(
        path=f"{corpus.tenant.slug}/{corpus.slug}",
        name=corpus.name,
        is_empty=corpus.chunk_count == 0,
        is_in_everything=is_in_everything,
        suggestions=_suggestions(corpus),
    )


def _suggestions(corpus: Corpus) -> tuple[str, ...]:
    """Return up to three questions that the corpus' defaults suggest; what isn't a question there is left out."""
    stored = corpus.defaults.get("suggestions") if isinstance(corpus.defaults, dict) else None
    texts = [text for text in stored if isinstance(text, str)] if isinstance(stored, list) else []
    return tuple(text[:SUGGESTION_MAX_CHARS] for text in texts[:SUGGESTIONS_MAX] if text.strip())


def _may_add(request: HttpRequest, principal: Principal) -> bool:
    """Return whether the admin would let this visitor add documents or corpora."""
    is_staff = getattr(request.user, "is_staff", False)
    return is_staff and (editable_corpora(principal).exists() or manageable_tenants(principal).exists())
