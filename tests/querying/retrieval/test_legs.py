"""A leg that fails is reported, and the others go on; a read whose connection is lost is repeated once."""

from __future__ import annotations

import pytest
from django.db import DataError, OperationalError, connection, transaction

from documents.search.keyword_search import snapshot
from querying.retrieval.legs import LegBroke, Legs
from ragsite.deadline import Deadline
from ragsite.errors import DeadlineExceeded, OllamaUnavailable

pytestmark = pytest.mark.django_db(transaction=True)
LOST = OperationalError("the connection is closed")


@pytest.fixture
def legs() -> Legs:
    return Legs(Deadline.after(10))


def statuses(legs: Legs) -> dict[str, str]:
    return {report.name: report.status for report in legs.reports}


def fail_with(error: Exception) -> None:
    raise error


def test_a_leg_that_works_is_reported(legs: Legs) -> None:
    with snapshot(), legs.running("lexical", "lexical"):
        pass
    assert statuses(legs) == {"lexical": "ok"}
    assert "lexical" in legs.timings_ms


@pytest.mark.parametrize(("error", "status"), [(OllamaUnavailable(), "failed"), (DeadlineExceeded(), "late")])
def test_an_error_of_ours_ends_the_leg_alone(legs: Legs, error: Exception, status: str) -> None:
    with snapshot(), legs.running("dense", "dense"):
        fail_with(error)
    assert statuses(legs) == {"dense": status}


def test_without_time_a_leg_is_late(db: None) -> None:
    legs = Legs(Deadline.after(0))
    assert not legs.may_run("lexical", "lexical")
    assert statuses(legs) == {"lexical": "late"}


def test_a_leg_that_breaks_the_transaction_is_left_out_of_the_next_attempt(legs: Legs) -> None:
    attempts = 0
    while True:
        with legs.attempt(), snapshot():
            attempts += 1
            if legs.may_run("lexical", "lexical"):
                with legs.running("lexical", "lexical"):
                    connection.cursor().execute("SELECT 1 / 0")
            if legs.may_run("dense", "dense"):
                with legs.running("dense", "dense"):
                    pass
            break
    assert attempts == 2
    assert statuses(legs) == {"lexical": "failed", "dense": "ok"}


def test_a_broken_transaction_goes_no_further(legs: Legs) -> None:
    with pytest.raises(LegBroke), snapshot(), legs.running("lexical", "lexical"):
        raise DataError


def test_a_read_whose_connection_is_lost_is_made_once_more(legs: Legs) -> None:
    attempts = 0
    with pytest.raises(OperationalError):
        while True:
            with legs.attempt():
                attempts += 1
                raise LOST
    assert attempts == 2


def test_inside_a_transaction_nothing_is_read_again(legs: Legs) -> None:
    with transaction.atomic(), pytest.raises(OperationalError), legs.attempt():
        raise LOST
