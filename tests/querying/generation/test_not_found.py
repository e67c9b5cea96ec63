"""A refusal of the model is recognised in six languages; a partial answer stays an answer."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from querying.generation.not_found import NOT_FOUND_MARK, MarkFilter, says_not_found
from querying.generation.phrases import not_in_these_documents

REFUSALS = [
    # English
    "NOT-IN-PASSAGES",
    " **NOT-IN-PASSAGES**.",
    "`NOT-IN-PASSAGES`",
    "Not in passages.",
    "NOT_IN_PASSAGES [1]",
    "NOT-IN-PASSAGES. The passages are about parking [1].",
    "The passages do not answer this question.",
    "The documents do not contain information about parental leave.",
    "The documents don't say.",
    "The provided context does not mention the price [1][2].",
    "Based on the provided passages, there is no information about the price.",
    "I'm sorry, but the passages do not say who approves it.",
    "I'm sorry. I could not find that in the documents.",
    "Unfortunately, none of the passages mentions it.",
    "Not in the documents.",
    "This is not mentioned in the passages.",
    "The answer cannot be found in the given documents.",
    "There is nothing in these documents about that.",
    "The passages contain no information on parental leave [2].",
    "I don't know.",
    "I cannot answer this question from the information given.",
    "No information is available.",
    "Not specified.",
    "The passages do not mention a number. Most companies give 30 days.",
    "The passages do not specify a limit. However, they talk about parking.",
    # German
    "Die Dokumente enthalten dazu keine Angaben.",
    "In den Dokumenten steht dazu nichts.",
    "Das steht nicht in den Dokumenten.",
    "Leider geht das aus den Textstellen nicht hervor.",
    "Dazu gibt es keine Informationen.",
    "Ich kann diese Frage nicht beantworten.",
    "In den bereitgestellten Passagen wird dies nicht erwähnt [1].",
    # Spanish
    "Los documentos no mencionan el precio.",
    "No se encuentra en los documentos.",
    "Lo siento, no hay información sobre eso.",
    "Los pasajes proporcionados no contienen la respuesta [1].",
    # French
    "Les documents ne contiennent pas cette information.",
    "Les passages ne précisent pas le prix [1].",
    "Je n'ai pas trouvé de réponse dans ces documents.",
    "Désolé. Cette information n'est pas mentionnée.",
    # Vietnamese
    "Các tài liệu không đề cập đến vấn đề này.",
    "Tôi không tìm thấy câu trả lời trong các tài liệu.",
    "Không có thông tin về vấn đề này.",
    "Xin lỗi, các đoạn văn không nêu rõ điều này [1].",
    # Chinese
    "文档中没有提到这个问题。",
    "在这些文档中没有找到答案。",
    "抱歉，提供的信息未包含相关内容。",
    "无法从文档中得知。",
    "我不知道。",
]
ANSWERS = [
    "",
    "28 days [1].",
    "28 days [1]. The documents do not say who approves it.",
    "28 days. The documents do not say who approves it.",
    "The documents do not say who approves it. Leave is 28 days [1].",
    "The passages do not mention fees, but visitors pay two euros per hour [2].",
    "No [1].",
    # Without a citation, as small models answer
    "Breakfast is not included.",
    "No data is stored.",
    "No information is shared with third parties.",
    "Parking is not available on Sundays. Dental treatment is not covered.",
    "Es werden keine Informationen weitergegeben.",
    "Das Frühstück ist nicht enthalten.",
    "El desayuno no está incluido.",
    "Le petit-déjeuner n'est pas fourni.",
    "员工不知道密码。",
    "Unfortunately, smoking is banned. The passages do not say why.",
    "According to the rules, it is 28 days. The documents do not say who approves it.",
    "No, smoking is not allowed in the building [1].",
    "Employees do not have to answer the phone after six [1].",
    "There is no information desk on the first floor [1].",
    "The contract does not mention overtime [1].",
    "The document does not contain confidential data [1].",
    "You must not include passages from other documents [1].",
    "Documents that do not carry a signature are void [1].",
    "Applicants who cannot provide a certificate may take the test [2].",
    "The price is not included [1].",
    "It is not possible to provide documents later than May [1].",
    "Mitarbeiter bekommen keine Auskunft am Telefon [1].",
    "Die Unterlagen müssen bis Mai eingereicht werden [1].",
    "Der Preis ist nicht enthalten [1].",
    "Los empleados no pueden fumar en el edificio [1].",
    "Les employés ne peuvent pas fumer dans le bâtiment [1].",
    "Nhân viên không được hút thuốc trong tòa nhà [1].",
    "Nhà thầu không có giấy phép bị loại [1].",
    "员工不得在办公室吸烟 [1]。",
    "没有签字的合同无效 [1]。",
    "The passages do not name a limit. "
    + "But a chapter of them tells at length how such a limit would be found. " * 8,
    "28 days [1]. `NOT-IN-PASSAGES` is what a model writes.",
]


@pytest.mark.parametrize("text", REFUSALS)
def test_a_refusal_is_understood(text: str) -> None:
    assert says_not_found(text)


@pytest.mark.parametrize("text", ANSWERS)
def test_an_answer_is_no_refusal(text: str) -> None:
    assert not says_not_found(text)


@pytest.mark.parametrize("language", ["en", "de", "es", "fr", "vi", "zh"])
def test_our_own_words_are_understood_too(language: str) -> None:
    assert says_not_found(not_in_these_documents([], language))


def filtered(*pieces: str) -> tuple[str, bool]:
    mark = MarkFilter()
    said = "".join(map(mark.feed, pieces)) + mark.finish()
    return said, mark.is_refusal


def ways(text: str) -> list[tuple[str, ...]]:
    return [tuple(text), *((text[:cut], text[cut:]) for cut in range(len(text) + 1))]


@pytest.mark.parametrize("text", ["NOT-IN-PASSAGES", "\n **Not-in-Passages** and more [1]", "`NOT-IN-PASSAGES`."])
def test_a_mark_is_never_said(text: str) -> None:
    for pieces in ways(text):
        assert filtered(*pieces) == ("", True)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("25 days [1]. NOT-IN-PASSAGES", "25 days [1]. "),
        ("25 days [1]. NOT-IN-PASSAGES.", "25 days [1]. ."),
        ("A model writes `NOT-IN-PASSAGES` then [1].", "A model writes `NOT-IN-PASSAGES` then [1]."),
        ("NOT-IN-PASSING", "NOT-IN-PASSING"),
        ("Not", "Not"),
        ("**No**, it is not [1]. NO", "**No**, it is not [1]. NO"),
        (" - ", " - "),
    ],
)
def test_what_stands_beside_a_mark_stays(text: str, expected: str) -> None:
    for pieces in ways(text):
        assert filtered(*pieces) == (expected, False), pieces


def test_only_what_may_become_a_mark_is_held_back() -> None:
    mark = MarkFilter()
    assert [mark.feed(piece) for piece in ["25", " n", "ow", " **", "NOT", "e"]] == [
        "25",
        " ",
        "now",
        " **",
        "",
        "NOTe",
    ]


@given(
    st.lists(st.sampled_from(["NOT", "-IN-", "PASSAGES", NOT_FOUND_MARK, "not", " ", "*", "`", "a", "\n"]), max_size=12)
)
def test_the_same_in_any_pieces_and_never_a_mark_out_of_code(pieces: list[str]) -> None:
    assert filtered(*pieces) == filtered("".join(pieces)) == filtered(*"".join(pieces))
    said, _ = filtered(*pieces)
    assert "`" in said or NOT_FOUND_MARK not in said.upper()
