"""Decides which corpora and documents a principal may read or change. Every route asks here.

The rules are querysets: a row that they don't return does not exist for the principal, so a forgotten check finds
nothing instead of everything.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, User
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import Abs

from documents.models import ApiKey, Corpus, Document, Membership, Tenant
from ragsite.errors import CorpusNotFound, InvalidInput

WRITERS = [Membership.Role.EDITOR, Membership.Role.MANAGER]


@dataclass(frozen=True)
class Principal:
    """A user, or an anonymous visitor, and the scopes of the API key that was used."""

    user: User | None
    scopes: frozenset[str] = frozenset(ApiKey.Scope.values)

    @classmethod
    def of(cls, user: AbstractBaseUser | AnonymousUser | None, api_key: ApiKey | None = None) -> Principal:
        """Return the principal of a request's user and key; a user who was switched off is nobody."""
        known = user if isinstance(user, User) and user.is_active else None
        return cls(known) if api_key is None else cls(known, frozenset(api_key.scopes))

    @property
    def may_ask(self) -> bool:
        """Return whether a key's scopes allow questions."""
        return ApiKey.Scope.QUERY in self.scopes or ApiKey.Scope.INGEST in self.scopes

    @property
    def may_write(self) -> bool:
        """Return whether a key's scopes allow changes at all; which ones, the querysets say."""
        return self.user is not None and ApiKey.Scope.INGEST in self.scopes


NOBODY = Principal(None)


def readable_corpora(principal: Principal) -> QuerySet[Corpus]:
    """Return the corpora that the principal may ask."""
    if not principal.may_ask:
        return Corpus.objects.none()
    user = principal.user
    if user is None:
        return Corpus.objects.filter(is_public=True, readers=None)
    if user.is_superuser:
        return Corpus.objects.all()
    managed = _tenants(user, [Membership.Role.MANAGER])
    allowed = (
        Q(is_public=True, readers=None)  # a corpus that names readers is not public, even if it is stored so
        | Q(tenant__in=managed)
        | Q(tenant__in=_tenants(user), readers=None)
        | Q(tenant__in=_tenants(user), readers__in=user.groups.all(), readers__reader_group__tenant=F("tenant"))
    )
    return Corpus.objects.filter(pk__in=Corpus.objects.filter(allowed).values("pk"))


def editable_corpora(principal: Principal) -> QuerySet[Corpus]:
    """Return the corpora that the principal may add documents to."""
    if not principal.may_write or principal.user is None:
        return Corpus.objects.none()
    if principal.user.is_superuser:
        return Corpus.objects.all()
    return readable_corpora(principal).filter(tenant__in=_tenants(principal.user, WRITERS))


def may_add_anywhere(principal: Principal) -> bool:
    """Return whether the principal may add documents to some corpus, if there is one."""
    if not principal.may_write or principal.user is None:
        return False
    return principal.user.is_superuser or Membership.objects.filter(user=principal.user, role__in=WRITERS).exists()


def readable_documents(principal: Principal, corpus: Corpus | None = None) -> QuerySet[Document]:
    """Return the documents (of one corpus, if given) that the principal may read; deleted ones are gone.

    The conditions are on one row, without joins, so that a search checks them for the few documents that it found.
    Whether one corpus may be read is checked once, not per document. `corpus_id` is compared as a distance: for a
    corpus that is not in its statistics yet, Postgres expects a single document, would start there, and compare each
    vector with every document.
    """
    corpora = readable_corpora(principal)
    if corpus is None:
        documents = Document.objects.filter(deleted_at=None, corpus__in=corpora)
    else:
        inside = Document.objects.alias(away=Abs(F("corpus_id") - corpus.pk)).filter(away__lt=1)
        documents = inside.filter(Exists(corpora.filter(pk=corpus.pk)), deleted_at=None)
    user = principal.user
    readers = Document.readers.through.objects.filter(document=OuterRef("pk"))
    if user is None:
        return documents.filter(~Exists(readers))
    if user.is_superuser:
        return documents
    return documents.filter(
        ~Exists(readers)
        | Exists(readers.filter(group__in=user.groups.all(), group__reader_group__tenant=OuterRef("tenant")))
        | Q(tenant__in=_tenants(user, [Membership.Role.MANAGER]))
    )


def editable_documents(principal: Principal) -> QuerySet[Document]:
    """Return the documents that the principal may reindex, change and delete."""
    return readable_documents(principal).filter(corpus__in=editable_corpora(principal))


def manageable_tenants(principal: Principal) -> QuerySet[Tenant]:
    """Return the tenants whose corpora and members the principal may change."""
    if not principal.may_write or principal.user is None:
        return Tenant.objects.none()
    if principal.user.is_superuser:
        return Tenant.objects.all()
    return Tenant.objects.filter(pk__in=_tenants(principal.user, [Membership.Role.MANAGER]))


def everything_of(corpora: Sequence[Corpus]) -> list[Corpus]:
    """Return the corpora that a question without names searches: all but the demo, once another one has text.

    The demo is for trying ragsite. Beside real documents it would answer questions that are meant for them.
    """
    own = [corpus for corpus in corpora if not corpus.is_demo]
    return own if any(corpus.chunk_count for corpus in own) else list(corpora)


def choose_corpora(names: Sequence[str], within: QuerySet[Corpus]) -> list[Corpus]:
    """Return the corpora of `within` with these names, in the order given; none named: all of them.

    Raises what `choose_among` raises.
    """
    slugs = slugs_of(names)
    found = within.filter(slug__in=slugs) if slugs else within
    return choose_among(names, list(found.select_related("tenant")))


def slugs_of(names: Sequence[str]) -> list[str]:
    """Return the slugs of `slug` or `tenant/slug` names, sorted, each once."""
    return sorted({name.rpartition("/")[2] for name in names})


def choose_among(names: Sequence[str], corpora: Sequence[Corpus]) -> list[Corpus]:
    """Return the corpora with these names, in the order given, each once; none named: all of them.

    A name is a slug, or `tenant/slug` where two tenants use the same slug.
    Raises CorpusNotFound for a name that none has, and InvalidInput for one that several tenants have.
    """
    if not names:
        return list(corpora)
    chosen: dict[int, Corpus] = {}
    for name in names:
        tenant, _, slug = name.rpartition("/")
        matches = [each for each in corpora if each.slug == slug and (not tenant or each.tenant.slug == tenant)]
        if not matches:
            raise CorpusNotFound(f"There is no corpus {name[:100]!r} that you may use.")
        if len(matches) > 1:
            raise InvalidInput(fields={"corpora": f"Several tenants have a corpus {slug!r}; write tenant/{slug}."})
        chosen[matches[0].pk] = matches[0]
    return list(chosen.values())


def _tenants(user: User, roles: Sequence[str] = ()) -> QuerySet[Membership]:
    memberships = Membership.objects.filter(user=user)
    if roles:
        memberships = memberships.filter(role__in=roles)
    return memberships.values("tenant")  # type: ignore[return-value]
