"""`manage.py ask`: an answer in the terminal."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from monitoring.lab.ollama_simulator.running import StandIn
from querying.api.reply_shapes import AnswerSerializer
from querying.extractive.answer import STYLES
from querying.models import QueryLog
from tests.querying.conftest import QUESTION
from tests.querying.library import make_library

pytestmark = pytest.mark.django_db(transaction=True)


def run(*arguments: Any, **options: Any) -> str:
    out = io.StringIO()
    call_command("ask", *arguments, stdout=out, **options)
    return out.getvalue()


def test_it_shows_the_answer_its_sources_and_its_timings() -> None:
    make_library(slug="handbook", is_public=False)
    out = run("handbook", QUESTION)
    assert out.startswith("“Employees get 25 days")
    assert "(extractive)" in out
    assert "[1] handbook (handbook.txt)" in out
    assert "total" in out
    assert QueryLog.objects.get().user is None


def test_it_says_which_model_wrote_and_what_went_wrong(standin: StandIn) -> None:
    make_library(slug="handbook")
    assert "(generated, llama3.2:1b)" in run("handbook", QUESTION)
    standin.stop()
    assert "! The language model can't be reached" in run("handbook", "When does the office in Hamburg open?")


def test_json_is_what_the_api_gives() -> None:
    make_library(slug="handbook")
    body = json.loads(run("handbook", QUESTION, json=True, top_k=1))
    assert set(body) == set(AnswerSerializer().fields)
    assert len(body["passages"]) == 1


def test_the_full_style_quotes_more() -> None:
    make_library(slug="handbook")
    question = "office leave parking"
    short, full = (run("handbook", question, answer_style=style).partition("(extractive)")[0] for style in STYLES)
    assert len(full) > len(short)


@pytest.mark.parametrize(("corpus", "options"), [("nothing", {}), ("handbook", {"top_k": 0})])
def test_what_can_not_be_done_is_an_error(corpus: str, options: dict[str, Any]) -> None:
    with pytest.raises(CommandError):
        run(corpus, QUESTION, **options)
