"""Loops and echoes are recognised wherever the stream is cut; normal text with similar lines is not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from querying.generation.prompt import FRAME, REQUEST, SYSTEM
from querying.output.degenerate import LoopWatch, echoes_prompt, echoes_question, find_loop, says_nothing
from querying.output.link_filter import REMOVED
from tests.examples import examples

GOOD = "Employees get 25 days of leave [1]. Days are kept until March [2]. "
LOOPS = [
    "the " * 40,
    "The the THE the " * 10,
    "ha " * 60,
    "a" * 100,
    "謝" * 40,
    "謝謝 " * 40,
    "đúng vậy " * 20,
    "." * 300,
    "-" * 300,
    "0" * 300,
    "\n" * 500,
    " \n\t" * 200,
    "| " * 200,
    "I don't know. " * 14,
    "Employees get 25 days of leave. " * 7,
    "Employees get 25 days of leave [1]. Employees get 25 days of leave [2]. " * 4,
    "".join(f"{n}. Ask your manager for leave.\n" for n in range(1, 9)),
    "- Ask your manager for leave.\n" * 8,
    "员工每年有二十五天的带薪休假。" * 6,
    "Nhà thầu phải nộp hồ sơ trước ngày 12. " * 5,
    "Yes. No. Maybe so. " * 14,
    "It is one thing to say it. It is another thing to do it. And a third one to have it done by others. " * 5,
    ("One sentence of many that a paragraph is made of, which is " + "rather long, " * 8 + "as paragraphs are. ") * 4,
]


@pytest.mark.parametrize("loop", LOOPS)
def test_a_loop_is_found_and_what_was_good_is_before_it(loop: str) -> None:
    found = find_loop(GOOD + loop)
    assert found is not None
    assert len(GOOD.rstrip()) <= found.first <= found.second <= len(GOOD) + len(loop) / 2
    alone = find_loop(loop)
    assert alone is not None


@pytest.mark.parametrize("loop", LOOPS)
def test_it_is_found_long_before_the_limit_of_tokens(loop: str) -> None:
    unit_times = 50
    watch = LoopWatch()
    text = GOOD + loop
    for at in range(0, unit_times * len(loop), 7):
        watch.feed((text + loop * unit_times)[at : at + 7])
        if watch.loop is not None:
            assert at < len(GOOD) + len(loop) + 200
            return
    pytest.fail("it was never found")


NORMAL = [
    GOOD,
    "",
    "25",
    "Ha ha ha, no no no no. So so. Bye bye!",
    "xanh xanh, đỏ đỏ, tim tím, ào ào, rì rào rì rào",
    "謝謝謝謝！哈哈哈哈哈哈哈，好好好。高高兴兴，研究研究。",
    "Row, row, row your boat, gently down the stream. Merrily, merrily, merrily, merrily, life is but a dream. " * 2,
    "Na na na na na na na na na na na, hey!",
    "We will, we will rock you\n" * 4 + "Sing it!",
    "Aaaaaaaaaaaaah! Hmmmmmmmmm... Zzzzzzzzz. " + "w" * 30,
    "1/7 is 0." + "142857" * 20 + "..., and 10^100 is 1" + "0" * 100 + ".",
    "IBAN DE44 5001 0517 5407 3249 31, 11111111, 00000000, FFFFFFFF, 0x0000000000000000000000000000000000000000",
    "\n".join(f"{n}. Press the button and wait until lamp {n} is green." for n in range(1, 30)),
    "\n".join(f"- Employees of level {n} get {20 + n} days of leave." for n in range(1, 30)),
    "".join(f"Step {n}: open the valve, read the gauge, close the valve.\n" for n in range(1, 20)),
    "| Month | Days |\n|---|---|\n" + "".join(f"| {m} | 0 | 0 | 0 | 0 |\n" for m in "JFMAMJJASOND"),
    "|" + " n/a |" * 24,
    "| " + "-" * 70 + " |\n" + "|" + "---|" * 30 + "\n| a" + " " * 200 + "|",
    "Contents .............................................................................. 5\n" * 2,
    "Name: ____________________ Date: ____________________ Signature: ____________________",
    "- Not applicable\n" * 5 + "- Two years",
    "Q: Is it free? A: Yes.\nQ: Is it safe? A: Yes.\nQ: Is it new? A: Yes.\nQ: Is it big? A: Yes.\n",
    "for i in range(10):\n    for j in range(10):\n        for k in range(10):\n            x[i][j][k] = 0\n",
    "{{{{{{{{ }}}}}}}} ((((((())))))) // ====================================================================",
    "Buffalo buffalo Buffalo buffalo buffalo buffalo Buffalo buffalo.",
    "ACACACACACACAC TATATATATATA 0101010101010101010101010101",
    "The quick brown fox jumps over the lazy dog, and the dog, who is lazy, lets the fox jump over the dog.\n" * 2,
    "Mo: 9-17, Tu: 9-17, We: 9-17, Th: 9-17, Fr: 9-17, Sa: closed, Su: closed",
    "第一条 甲方应当支付。第二条 乙方应当支付。第三条 甲方应当交付。第四条 乙方应当交付。" * 2,
    "Thắng " * 3 + "và thua " * 3,
    "👏👏👏👏👏👏👏👏👏👏👏👏",
]


@pytest.mark.parametrize("text", NORMAL)
def test_a_normal_text_is_no_loop(text: str) -> None:
    assert find_loop(text) is None
    assert find_loop(GOOD + text + GOOD) is None


WORDS = st.sampled_from(["the", "of", "leave", "days", "25", "[1]", "is", "in", "employees", "x", "天", "ngày", "."])


@examples(400)
@given(st.lists(WORDS, min_size=20, max_size=400, unique=False).map(" ".join))
def test_no_text_of_few_words_in_a_loose_order_is_a_loop(text: str) -> None:
    found = find_loop(text)
    if found is not None:  # then it truly repeats what stands right before
        tail = text[found.first :]
        words = tail.split()
        assert len(set(words)) <= len(words) / 2


@given(st.integers(2, 19), st.permutations("abcdef ").map("".join))
def test_a_short_word_said_less_than_twenty_times_is_no_loop(times: int, unit: str) -> None:
    assert find_loop(f"It says: {unit * times} and no more.") is None


PARTS = st.sampled_from(["the ", "Leave is 25 days [1]. ", "a", "\n", "| - |", "員工。", "1. Go.\n"])


@examples(300)
@given(st.lists(st.tuples(PARTS, st.integers(1, 60)), max_size=6), st.data())
def test_the_same_is_found_in_any_pieces(runs: list[tuple[str, int]], data: st.DataObject) -> None:
    text = "".join(part * times for part, times in runs)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=8)))
    watch = LoopWatch()
    for begin, end in zip([0, *cuts], [*cuts, len(text)], strict=True):
        watch.feed(text[begin:end])
    watch.finish()
    assert watch.loop == find_loop(text)


@pytest.mark.parametrize(
    ("answer", "is_nothing"),
    [
        ("", True),
        ("  \n", True),
        ("[1]", True),
        ("[1][2].", True),
        ("... --- ***", True),
        (f"{REMOVED}", True),
        (f"! [chart of it] ({REMOVED}) [1].", True),
        (f"[the rules] ({REMOVED})", True),
        (f"See {REMOVED} [1].", True),
        (f"Click here: {REMOVED}!", True),
        (f"Siehe hier: {REMOVED}", True),
        ("25", False),
        ("Yes [1].", False),
        ("是。", False),
        (f"25 days, see {REMOVED}.", False),
        (f"Ask the manager, see [the rules] ({REMOVED}) [1].", False),
        ("See here.", False),
    ],
)
def test_what_says_nothing(answer: str, is_nothing: bool) -> None:
    assert says_nothing(answer) is is_nothing


@pytest.mark.parametrize(
    ("answer", "is_echo"),
    [
        ("How many days of leave do employees get?", True),
        ("Question: How many days of leave do employees get?", True),
        ("**How many days of leave do employees get** [1]?", True),
        ("Employees get 25 days of leave [1].", False),
        ("How many days? 25 days of leave [1].", False),
        ("25 days", False),
        ("", False),
    ],
)
def test_an_answer_that_only_asks_again(answer: str, is_echo: bool) -> None:
    assert echoes_question(answer, "How many days of leave do employees get?") is is_echo


def test_a_statement_that_is_borne_out_is_no_echo() -> None:
    assert not echoes_question("25 days of leave [1].", "25 days of leave?")
    assert echoes_question("25 days of leave", "25 days of leave?")
    assert not echoes_question("", "")


def test_an_answer_made_of_the_rules_is_an_echo() -> None:
    told = [SYSTEM, FRAME, REQUEST]
    assert echoes_prompt(SYSTEM, told)
    assert echoes_prompt(REQUEST + " Of course!", told)
    assert echoes_prompt("1. Use only what the passages say. After each statement, cite the passage it rests on.", told)
    assert not echoes_prompt(GOOD, told)
    assert not echoes_prompt("Yes.", told)
    assert not echoes_prompt("Use only what the passages say: 25 days for employees and 20 days for all others.", told)
