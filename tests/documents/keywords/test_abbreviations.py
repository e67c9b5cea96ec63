from __future__ import annotations

import pytest

from documents.keywords.abbreviations import Explaining, learn_abbreviations
from documents.keywords.query_understanding import understand
from documents.keywords.vocabulary import learn_corpus
from documents.models import Abbreviation, Corpus
from documents.storage.deletion import delete_corpus, delete_document, forget_versions
from tests.factories import make_corpus
from tests.stock import add_version, stock

pytestmark = pytest.mark.django_db
TEXT = "The Virtual Private Network (VPN) is slow."


def shorts(corpus: Corpus) -> list[str]:
    return sorted(Abbreviation.objects.filter(corpus=corpus).values_list("short", flat=True))


def test_a_corpus_learns_the_abbreviations_of_its_own_documents() -> None:
    one, other = make_corpus(), make_corpus()
    stock(one, TEXT, f"Once more: {TEXT}", embed=False)
    stock(other, "VPN, virtual private network", embed=False)
    assert shorts(one) == ["vpn"]
    assert not shorts(other)
    assert understand(one, "VPN").others
    assert not understand(other, "VPN").others


def test_nothing_of_a_deleted_document_stays() -> None:
    corpus = make_corpus()
    stock(corpus, TEXT, embed=False)
    document = stock(corpus, TEXT, "All with VAT (value added tax)", embed=False)
    assert shorts(corpus) == ["vat", "vpn", "vpn"]
    assert delete_document(document)
    assert shorts(corpus) == ["vpn"]
    learn_abbreviations(corpus.pk, [Explaining(document.pk, 1, TEXT)])  # somebody who began before
    assert shorts(corpus) == ["vpn"]


def test_a_deleted_corpus_takes_its_abbreviations_with_it() -> None:
    corpus = make_corpus()
    stock(corpus, TEXT, embed=False)
    pk = corpus.pk
    delete_corpus(corpus)
    assert not Abbreviation.objects.filter(corpus_id=pk).exists()


def test_a_version_takes_its_abbreviations_with_it() -> None:
    corpus = make_corpus()
    document = stock(corpus, TEXT, embed=False)
    add_version(document, ["All with VAT (value added tax)"], version=2, embed=False)
    forget_versions(document, keep=[2])
    assert shorts(corpus) == ["vat"]


def test_a_corpus_from_before_learns_them() -> None:
    corpus = make_corpus()
    stock(corpus, TEXT, embed=False)
    Abbreviation.objects.all().delete()
    for _ in range(2):
        learn_corpus(corpus)
    assert shorts(corpus) == ["vpn"]
