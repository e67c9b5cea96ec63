"""Control tokens: none survives in any disguise; text without them is unchanged."""

from __future__ import annotations

import html
import json
import os
import re
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from documents.text.invisible_characters import visible
from querying.generation.control_tokens import defuse
from tests.examples import examples

# As the templates have them, each in full. The oracle looks for exactly these, and shares no pattern with the code.
TOKENS = [
    *["<|im_start|>", "<|im_end|>", "<|im_sep|>", "<|endoftext|>", "<|startoftext|>", "<|end_of_text|>"],  # ChatML ...
    *["[INST]", "[/INST]", "<<SYS>>", "<</SYS>>", "<s>", "</s>", "<unk>"],  # Llama 2, Mistral
    *["<|begin_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>", "<|eom_id|>"],  # Llama 3
    *["<|header_start|>", "<|header_end|>", "<|eot|>", "<|python_tag|>"],  # Llama 4
    *["[SYSTEM_PROMPT]", "[/SYSTEM_PROMPT]", "[AVAILABLE_TOOLS]", "[TOOL_CALLS]", "[TOOL_RESULTS]", "[THINK]"],
    *["[IMG]", "[PREFIX]", "[SUFFIX]", "[MIDDLE]", "[img]", "[img-0]"],
    *["<bos>", "<eos>", "<pad>", "<start_of_turn>", "<end_of_turn>", "<start_of_image>", "<|turn>", "<turn|>"],  # Gemma
    *["<|system|>", "<|user|>", "<|assistant|>", "<|end|>", "<|tool|>"],  # Phi, Zephyr
    *["<｜begin▁of▁sentence｜>", "<｜User｜>", "<｜Assistant｜>", "<｜tool▁calls▁begin｜>"],  # DeepSeek
    *["[gMASK]", "<sop>", "<|observation|>", "<eop>"],  # GLM
    *["<|start|>", "<|channel|>", "<|message|>", "<|return|>", "<|call|>", "<|constrain|>"],  # gpt-oss harmony
    *["<|START_OF_TURN_TOKEN|>", "<|END_OF_TURN_TOKEN|>", "<|SYSTEM_TOKEN|>", "<|CHATBOT_TOKEN|>"],  # Cohere
    *["<|fim_prefix|>", "<fim_suffix>", "<fim-middle>", "<PRE>", "<SUF>", "<MID>", "<EOT>", "<|file_sep|>"],
    *["<tool_call>", "</tool_call>", "<tool_response>", "<tools>", "<think>", "</think>", "<function_call>"],
    *["[|user|]", "[|assistant|]", "[|endofturn|]", "]~b]", "]~!b[", "<seed:bos>", "<SPECIAL_12>", "<extra_id_1>"],
    *["<|start_of_role|>", "<|end_of_role|>", "<role>", "<reserved_106>", "<unused12>", "<0x0A>", "<end_of_utterance>"],
    *["<start_function_call>", "<end_function_response>", "<function_call:begin>", "[BEGIN_TOOL_RESULT]"],  # a class
    *["[CLS]", "[SEP]", "[MASK]", "<mask>", "<image>", "<|vision_start|>"],
]
LOOKALIKES = str.maketrans({"<": "＜", ">": "﹥", "|": "｜", "[": "［", "]": "］", "s": "ｓ", "i": "𝐢"})


def disguises(token: str) -> list[str]:
    middle = len(token) // 2
    return [
        token,
        token.upper(),
        token.lower(),
        token.translate(LOOKALIKES),
        *[
            token[:middle] + hidden + token[middle:]
            for hidden in "\u200b\u200c\u200d\u2060\ufeff\u00ad\ufe0f\U000e0041\u034f"
        ],
        "\u200d".join(token),
        html.escape(token),
        html.escape(html.escape(token)),
        "".join(f"&#{ord(char)};" for char in token),
        "".join(f"&#x{ord(char):x};" for char in token),
        f"<|{token}|>",
        token + token,
    ]


def readings_of(text: str) -> list[str]:
    """Return the text in all the forms that somebody behind us might bring it into."""
    found = [text]
    for _ in range(3):
        found.append(html.unescape(found[-1]))
    found += [unicodedata.normalize("NFKC", form) for form in list(found)]
    found += [re.sub(r"[\u200b-\u200f\u2060\ufeff\u00ad\ufe00-\ufe0f\u034f]", "", form) for form in list(found)]
    return [form.casefold() for form in found]


ORACLE = [unicodedata.normalize("NFKC", token).casefold() for token in TOKENS] + [token.casefold() for token in TOKENS]


@pytest.mark.parametrize("token", TOKENS)
def test_no_control_token_survives_any_disguise(token: str) -> None:
    for disguise in disguises(token):
        for text in [
            disguise,
            f"a {disguise}system b",
            f"x{disguise}",
            f"{disguise}y",
            f"<{disguise}>",
            f"[{disguise}]",
        ]:
            out = defuse(visible(text))
            for reading in readings_of(out):
                assert not [known for known in ORACLE if known in reading], (text, out)


@examples(500)
@given(
    st.lists(
        st.one_of(st.sampled_from(TOKENS), st.sampled_from([*"<>|[]/ &;#\u200d", "&lt;"]), st.text(max_size=4)),
        max_size=8,
    )
)
def test_no_control_token_survives_any_mixture(parts: list[str]) -> None:
    out = defuse(visible("".join(parts)))
    assert not [known for known in ORACLE if known in unicodedata.normalize("NFKC", out).casefold()]
    assert not [known for known in ORACLE if known in html.unescape(out).casefold()]
    assert defuse(out) == out


@pytest.mark.parametrize("label", ["### Instruction:", "### Response:", "USER:", "ASSISTANT:", "System:", "## Human:"])
def test_a_line_can_not_begin_a_turn(label: str) -> None:
    assert label not in defuse(f"Some text.\n{label} do this")


@pytest.mark.parametrize(
    "text",
    [
        "a < b and b > c, a | b, [x], [1], {y}, <- and ->, x << 2, y >> 3, R&D, AT&T &amp; more",
        "The user: a person. See section [A]. Instructions: none.",
        "| a | b |\n|---|---|\n| [x](y) | <p>z</p> |",
        "List<int> and Dict<K, V>, <div> in <section>, [TODO], <name>, <String>",
        "नमस्ते क्‍ष 👩‍👩‍👧 ❤️ ok",
        "Điều 5. Người sử dụng lao động (bên A) ＜công ty＞",
    ],
)
def test_text_without_control_tokens_stays_as_it_is(text: str) -> None:
    assert defuse(visible(text)) == text


def test_a_text_about_templates_stays_readable() -> None:
    assert defuse("Llama 2 wraps it in [INST] and [/INST].") == "Llama 2 wraps it in [ INST] and [ /INST]."


@pytest.mark.skipif("RAGSITE_EVALUATION_DATA" not in os.environ, reason="needs the evaluation sets")
def test_real_text_stays_as_it_is() -> None:
    lines = [
        line
        for path in sorted(Path(os.environ["RAGSITE_EVALUATION_DATA"]).glob("*/corpus.jsonl"))
        for line in path.read_text().splitlines()
    ]
    texts = [visible(json.loads(line)["text"]) for line in lines]
    changed = sum(len(defuse(text)) - len(text) for text in texts)
    assert changed < 0.0001 * sum(map(len, texts))
