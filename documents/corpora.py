"""Finds, creates and changes corpora, for the API, the admin and the management commands."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Count, F, Q, QuerySet
from django.utils.text import slugify

from documents.access.policy import choose_corpora
from documents.access.reader_groups import PUBLIC_WITH_READERS
from documents.models import Corpus, Document, Tenant
from documents.storage.bulk_insert import lock_corpus
from ragsite.errors import CorpusNotFound, InvalidInput

DEFAULT_TENANT = "default"
_SLUG = re.compile(r"[-\w]{1,100}", re.ASCII)


def create_corpus(tenant: Tenant, fields: Mapping[str, Any]) -> Corpus:
    """Create a corpus and return it. Raises InvalidInput for a slug that the tenant uses already."""
    slug = fields.get("slug") or slugify(fields["name"])[:100].strip("-") or "corpus"
    try:
        with transaction.atomic():
            return Corpus.objects.create(**{**fields, "tenant": tenant, "slug": slug})
    except IntegrityError:
        raise InvalidInput(fields={"slug": f"The tenant has a corpus {slug!r} already; choose another slug."}) from None


def find_corpus(name: str) -> Corpus:
    """Return the corpus of this slug or `tenant/slug`. Raises CorpusNotFound that lists those there are."""
    try:
        return choose_corpora([name], Corpus.objects.all())[0]
    except CorpusNotFound:
        raise CorpusNotFound(f"There is no corpus {name!r}. There are: {_known_names()}.") from None


def find_or_create_corpus(
    name: str, *, create: bool, language: str | None = None, public: bool | None = None
) -> Corpus:
    """Return the corpus of this slug or `tenant/slug`; with `create` a new one where there is none.

    A new corpus without a tenant in its name belongs to the tenant `default`; its defaults are English and not public.
    Raises CorpusNotFound that lists the corpora there are, and InvalidInput for an impossible name, and when the
    existing corpus has another language, or isn't public as asked.
    """
    try:
        return _checked(choose_corpora([name], Corpus.objects.all())[0], language, public)
    except CorpusNotFound:
        if not create:
            raise CorpusNotFound(
                f"There is no corpus {name!r}; --create makes it. There are: {_known_names()}."
            ) from None
    language = language or "en"
    tenant_slug, _, slug = name.rpartition("/")
    if not _SLUG.fullmatch(slug) or (tenant_slug and not _SLUG.fullmatch(tenant_slug)):
        raise InvalidInput(f"{name!r} can't be a corpus' name: use letters, digits, - and _.")
    if not re.fullmatch(r"[a-z]{2}", language):
        raise InvalidInput(f"{language!r} is no ISO 639-1 code, such as en or de.")
    slug_of_tenant = tenant_slug or DEFAULT_TENANT
    tenant, _ = Tenant.objects.get_or_create(slug=slug_of_tenant, defaults={"name": slug_of_tenant.capitalize()})
    return create_corpus(tenant, {"name": slug, "slug": slug, "language": language, "is_public": bool(public)})


def _checked(corpus: Corpus, language: str | None, public: bool | None) -> Corpus:
    if language is not None and language != corpus.language:
        raise InvalidInput(
            f"The corpus {corpus.slug!r} has the language {corpus.language!r} already; --language is for a new one."
        )
    if public and not corpus.is_public:
        raise InvalidInput(
            f"The corpus {corpus.slug!r} exists, and is not public; --public is for a new one. Change it in the admin."
        )
    return corpus


def _known_names() -> str:
    known = [f"{corpus.tenant.slug}/{corpus.slug}" for corpus in with_counts(Corpus.objects.all())[:50]]
    return ", ".join(known) or "none yet"


def change_corpus(corpus: Corpus, fields: Mapping[str, Any]) -> Corpus:
    """Change a corpus and return it; answers that were cached for it are no longer used.

    Raises InvalidInput for another language while there are documents, because it decides how each passage was indexed,
    and for making a corpus public that names readers.
    """
    with transaction.atomic():
        locked = lock_corpus(corpus.pk)
        changes_language = fields.get("language", locked.language) != locked.language
        if changes_language and Document.objects.filter(corpus=locked, deleted_at=None).exists():
            raise InvalidInput(fields={"language": "It can only be changed while the corpus has no documents."})
        if fields.get("is_public") and locked.readers.exists():
            raise InvalidInput(fields={"is_public": PUBLIC_WITH_READERS})
        for name, value in fields.items():
            setattr(locked, name, value)
        locked.save(update_fields=list(fields))
        Corpus.objects.filter(pk=locked.pk).update(epoch=F("epoch") + 1)
    return locked


def with_counts(corpora: QuerySet[Corpus]) -> QuerySet[Corpus]:
    """Return corpora with their tenant and `document_count`."""
    live = Q(documents__deleted_at=None, documents__isnull=False)
    return corpora.select_related("tenant").annotate(document_count=Count("documents", filter=live))


def describe(corpus: Corpus) -> Corpus:
    """Read a corpus again, and return it with its tenant and `document_count`."""
    return with_counts(Corpus.objects.filter(pk=corpus.pk)).get()
