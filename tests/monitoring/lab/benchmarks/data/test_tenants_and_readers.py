"""Each member asks what is theirs, each reader has their share, and recall is measured as the service sees it."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User

from documents.access.policy import NOBODY, Principal, readable_corpora, readable_documents
from documents.models import Chunk, Corpus
from documents.search.vector_search import dense_leg
from monitoring.lab.benchmarks.data.artificial_language import Language
from monitoring.lab.benchmarks.data.bulk_corpus import SHARES, load, plan_of
from monitoring.lab.benchmarks.data.tenants_and_readers import (
    OF_ALL,
    close_documents,
    make_neighbours,
    reader_of,
    sizes_beside,
    tenant_of,
)
from monitoring.lab.benchmarks.measuring import recall
from monitoring.lab.benchmarks.measuring.recall import recall_of_filters, recall_of_users

LARGE, SIZE = "large", 400
SIZES = (2, 30)
pytestmark = pytest.mark.django_db(transaction=True)


def asker(name: str) -> Principal:
    return Principal(User.objects.get(username=name))


def passages_of(principal: Principal) -> int:
    return Chunk.objects.filter(document__in=readable_documents(principal)).count()


def questions(count: int = 5) -> list[str]:
    return Language().questions(plan_of(SIZE).lengths, count)


def test_the_large_one_has_half_of_all() -> None:
    assert sizes_beside(100_000) == [20, 200, 2_000, 20_000, 77_780]
    assert sizes_beside(100_000, others=11_000)[-1] == 66_780
    assert min(sizes_beside(1)) >= 1


def test_every_member_may_ask_their_own_corpus_and_one_may_ask_all() -> None:
    load(LARGE, SIZE, tenant_slug=LARGE)
    keys = make_neighbours(LARGE, SIZES)
    assert not readable_corpora(NOBODY).exists()
    assert [*keys] == [tenant_of(0), tenant_of(1), LARGE, OF_ALL]
    assert len(set(keys.values())) == len(keys)
    assert [passages_of(asker(name)) for name in keys] == [*SIZES, SIZE, SIZE + sum(SIZES)]
    assert readable_corpora(asker(tenant_of(1))).get().slug == tenant_of(1)


def test_every_reader_may_read_their_share_and_no_more() -> None:
    load(LARGE, SIZE, tenant_slug=LARGE)
    Corpus.objects.update(is_public=False)
    keys = close_documents(LARGE, SHARES)
    assert [*keys] == [reader_of(share) for share in SHARES]
    plan = plan_of(SIZE)
    assert [passages_of(asker(name)) for name in keys] == [plan.passages_in(share) for share in SHARES]


def test_recall_is_of_all_that_a_user_may_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    load(LARGE, SIZE, tenant_slug=LARGE)
    make_neighbours(LARGE, SIZES)
    asked = {name: questions() for name in (tenant_of(0), OF_ALL)}
    assert {each["recall"] for each in recall_of_users(asked).values()} == {1.0}
    assert [each["fewest"] for each in recall_of_users(asked).values()] == [2, 2 + 30 + 100]

    def forgets_the_nearest(*given: object) -> dict[int, float]:
        found = dense_leg(*given)  # type: ignore[arg-type]
        return dict(sorted(found.items(), key=lambda each: -each[1])[1:])

    monkeypatch.setattr(recall, "dense_leg", forgets_the_nearest)
    compared = recall_of_users(asked)
    assert compared[tenant_of(0)]["recall"] == 0.5  # one of its two
    assert 0.7 <= compared[OF_ALL]["recall"] <= 0.9  # the nearest of each corpus that had one among the ten
    Corpus.objects.update(is_public=True)
    assert recall_of_filters(LARGE, questions(), [None])[0]["recall"] == pytest.approx(0.9)
