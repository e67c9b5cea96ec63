from __future__ import annotations

import random
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import wordllama
from safetensors.numpy import save_file

from documents.vectors import wordllama as vectors_wordllama
from documents.vectors.embedded_model import load_model, mapped_tensor
from documents.vectors.wordllama import WordByWord
from monitoring.lab.benchmarks.data.plain_texts import make_prose


@lru_cache(maxsize=1)
def wordllama_itself() -> Any:
    return wordllama.WordLlama.load(cache_dir=Path(wordllama.__file__).parent, disable_download=True)


TEXTS = [
    "The cat sleeps on the sofa.",
    "",
    " ",
    "   ",
    " begins with a blank",
    "ends with one ",
    "ends with two  ",
    "two  blanks   and three,\n    and an indent",
    "\n",
    "one line\nand another\n\nand a paragraph\tafter a tab",
    "Nhà thầu phải nộp bảo lãnh; đường Nguyễn Huệ, 10.000 ₫",
    "東京都の天気は晴れです。 中文 也 可以 ไม่มีช่องว่าง 한국어",
    "السلام عليكم שלום עולם नमस्ते दुनिया",
    "e\u0301 and é, ﬁne ligatures, 🙂👩‍👩‍👧 and \x03 and \u00a0 and \u200d",
    "a sign <s> within </s> a text <unk> or<s>two",
    "almost a sign < s> <S> </ s> < unk>",
    "the tokenizer's own \u2581 for a \u2581\u2581blank",
    "https://example.org/a/b?c=d&e=f E-1042 x86_64 3.14159 1,000,000 foo_bar snake__case",
    "W" * 5000,
    "supercalifragilistic-" * 40 + " end",
    "the same word word word word, the same word.",
]


@pytest.mark.parametrize("kept", [vectors_wordllama.WORDS_KEPT, 3])
def test_vectors_are_those_of_wordllama_itself(kept: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vectors_wordllama, "WORDS_KEPT", kept)
    model = WordByWord(load_model())
    for _ in range(2):  # with words that it has not met, then with those that it has
        for text, vector in zip(TEXTS, model.embed(TEXTS), strict=True):
            expected = wordllama_itself().embed([text], norm=False)[0]
            assert np.allclose(vector, expected, atol=1e-6), text


def test_tokens_are_those_of_the_tokenizer_for_texts_of_any_signs() -> None:
    chance = random.Random(7)
    signs = [*"ab \n  .-<>/su\u2581éđ中🙂\u0301", "the ", " of", "<s>", "</s>", "unk", "ing ", "12"]
    tokenizer = wordllama_itself().tokenizer
    model = WordByWord(wordllama_itself())
    for _ in range(3000):
        text = "".join(chance.choices(signs, k=chance.randrange(40)))
        tokens = np.frombuffer(model.tokens_of(text), dtype=np.uint16).tolist()
        assert tokens == tokenizer.encode(text, add_special_tokens=False).ids, repr(text)


def test_prose_has_the_vectors_that_it_has_all_at_once() -> None:
    texts = make_prose(100_000, seed=5).split("\n\n")
    expected = wordllama_itself().embed(texts, norm=False, batch_size=16)
    assert np.allclose(WordByWord(wordllama_itself()).embed(texts), expected, atol=1e-6)


def test_no_token_of_the_tokenizer_has_a_blank_after_its_beginning() -> None:
    tokens = wordllama_itself().tokenizer.get_vocab()
    assert len(tokens) <= 2**16
    assert [token for token in tokens if "\u2581" in token.lstrip("\u2581")] == []


def test_no_more_words_are_kept_than_said() -> None:
    model = WordByWord(wordllama_itself())
    words = " ".join(str(number) for number in range(2 * vectors_wordllama.WORDS_KEPT + 10))
    model.embed([words, "x" * 100 + " y"])
    assert 0 < len(model._words) <= vectors_wordllama.WORDS_KEPT
    assert "x" * 100 not in model._words


def test_the_vectors_are_read_from_the_file_and_are_those_of_wordllama_to_the_bit() -> None:
    embedding = load_model().embedding
    assert not embedding.flags.owndata
    assert not embedding.flags.writeable
    assert np.array_equal(embedding.astype(np.float32), wordllama_itself().embedding)


def test_many_texts_at_once_are_embedded_from_a_wider_copy_with_the_same_vectors() -> None:
    model = WordByWord(load_model())
    one_by_one = np.vstack([model.embed([text]) for text in TEXTS])
    assert model._vectors.dtype == np.float16
    assert np.array_equal(model.embed(TEXTS), one_by_one)
    assert model._vectors.dtype == np.float32


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "weights.safetensors"
    save_file({"wide": np.ones((2, 3), dtype=np.float32), "half": np.ones((2, 3), dtype=np.float16)}, file)
    assert np.array_equal(mapped_tensor(file, "half"), np.ones((2, 3)))
    with pytest.raises(ValueError, match="F32"):
        mapped_tensor(file, "wide")
    with pytest.raises(KeyError):
        mapped_tensor(file, "none")
