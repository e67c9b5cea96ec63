"""An answer is of the old vectors or of the new ones, or it is wrong."""

from __future__ import annotations

from monitoring.lab.benchmarks.load.steady_searches import Fingerprint, Searched
from monitoring.lab.benchmarks.scenarios.reindex_while_serving import _outcome, space_of

OLD: list[Fingerprint] = [((1, 0.9), (2, 0.8)), ((3, 0.7),)]
NEW: list[Fingerprint] = [((2, 0.6), (1, 0.5)), ((3, 0.4),)]


def searched(question: int, fingerprint: Fingerprint, *, at: float = 15.0, failure: str = "") -> Searched:
    return Searched(question, at, 0.01, failure, fingerprint)


def test_an_answer_belongs_to_one_space() -> None:
    assert space_of(searched(0, OLD[0]), OLD, NEW) == "old"
    assert space_of(searched(1, NEW[1]), OLD, NEW) == "new"
    assert space_of(searched(0, OLD[1]), OLD, NEW) == "mixed"  # another question's
    assert space_of(searched(0, ((1, 0.9), (1, 0.5))), OLD, NEW) == "mixed"


def test_what_goes_wrong_is_counted() -> None:
    searches = [
        searched(0, OLD[0], at=5.0),  # before
        searched(0, OLD[0]),  # while reindexing
        searched(0, ((1, 0.9), (2, 0.5))),
        searched(1, (), failure="503 overloaded"),
        searched(1, NEW[1], at=25.0),
        searched(1, OLD[1], at=26.0),  # after the switch
    ]
    outcome = _outcome(searches, OLD, NEW, began=10.0, ended=20.0, size=100)
    figures = {figure.name: figure for figure in outcome.figures}
    for name in (
        "answers that failed",
        "answers of neither the old nor the new vectors",
        "answers of the old vectors after the switch",
    ):
        assert (figures[name].value, figures[name].is_met) == (1, False), name
    assert figures["answers that failed"].note == "503 overloaded x1"
    assert figures["reindexing"].value == 10


def test_spaces_that_answer_alike_prove_nothing() -> None:
    outcome = _outcome([searched(0, OLD[0], at=5.0), searched(0, OLD[0])], OLD, OLD, began=10.0, ended=20.0, size=1)
    (alike,) = [figure for figure in outcome.figures if "alike" in figure.name]
    assert alike.is_met is False
