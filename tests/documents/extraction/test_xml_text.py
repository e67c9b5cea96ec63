"""XML files: records, prose, workbooks of Excel 2003, and what is refused."""

from __future__ import annotations

import pytest

from documents.extraction import media_types
from documents.text.extraction_notes import Note
from tests.documents.extraction.reading import read_in_child, refusal_of

STAFF = "<staff><person><name>Ada</name><room>12</room></person><person><name>Bob</name><room/></person></staff>"


@pytest.mark.parametrize(
    ("written", "text"),
    [
        (STAFF.replace("<room/>", "<room>7</room>"), "name: Ada; room: 12\n\nname: Bob; room: 7"),
        (STAFF, "name: Ada; room: 12\n\nBob"),
        ("<book><para>One <em>two</em><?page 2?> three.</para><para>Four.</para></book>", "One two three.\n\nFour."),
        (f"<x><a>{'QUJD' * 100}</a><b>text</b></x>", "text"),  # a picture in letters
        ("<x><!-- secret --><a>open</a></x>", "open"),
        ("<!DOCTYPE x [<!ENTITY a 'aaa'>]><x>before &a; after</x>", "before after"),
        ("<x><a>one</a><b>cut o", "a: one; b: cut o"),
        ("<svg xmlns='http://www.w3.org/2000/svg'><path d='M 0 0'/><text>Gate A</text></svg>", "Gate A"),
    ],
)
def test_the_text_between_tags_is_read(written: str, text: str) -> None:
    read = read_in_child(f"<?xml version='1.0'?>\n{written}".encode(), "file.xml")

    assert (read.media_type, read.text) == (media_types.XML, text)


def test_a_file_whose_data_is_in_attributes_is_kept_as_it_is() -> None:
    written = "<?xml version='1.0'?><staff><person name='Ada'/></staff>"

    assert read_in_child(written.encode()).text == written


@pytest.mark.parametrize(
    ("root", "sentence"),
    [
        ("w:wordDocument xmlns:w='http://schemas.microsoft.com/office/word/2003/wordml'", "Word document saved as XML"),
        ("p:package xmlns:p='http://schemas.microsoft.com/office/2006/xmlPackage'", "Word document saved as XML"),
        ("svg xmlns='http://www.w3.org/2000/svg'", "This is a picture"),
    ],
)
def test_what_is_no_text_is_refused_as_what_it_is(root: str, sentence: str) -> None:
    refused = refusal_of(f"<?xml version='1.0'?><{root}></{root.split()[0]}>".encode())

    assert refused.code == "unknown_type"
    assert sentence in refused.message


def cells(*texts: str) -> str:
    return "".join(f"<Cell><Data ss:Type='String'>{text}</Data></Cell>" for text in texts)


def test_a_workbook_of_excel_2003_is_read_as_tables() -> None:
    rows = [
        f"<Row>{cells('Item', 'Share', 'Since', 'Open')}</Row>",
        "<Row><Cell ss:MergeDown='1'><Data ss:Type='String'>Pool</Data></Cell>"
        "<Cell ss:StyleID='s1'><Data ss:Type='Number'>0.25</Data></Cell>"
        "<Cell><Data ss:Type='DateTime'>2024-03-01T00:00:00.000</Data></Cell>"
        "<Cell><Data ss:Type='Boolean'>1</Data><Comment><Data>a note</Data></Comment></Cell></Row>",
        "<Row><Cell ss:Index='4'><Data ss:Type='Boolean'>0</Data></Cell></Row>",
        f"<Row ss:Hidden='1'>{cells('Bar')}</Row>",
    ]
    options = "<x:WorksheetOptions><x:Visible>SheetHidden</x:Visible></x:WorksheetOptions>"
    written = (
        "<?xml version='1.0'?><?mso-application progid='Excel.Sheet'?>"
        "<Workbook xmlns='urn:schemas-microsoft-com:office:spreadsheet' "
        "xmlns:ss='urn:schemas-microsoft-com:office:spreadsheet' xmlns:x='urn:schemas-microsoft-com:office:excel'>"
        "<Styles><Style ss:ID='s1'><NumberFormat ss:Format='0%'/></Style></Styles>"
        f"<Worksheet ss:Name='Fees'><Table>{''.join(rows)}</Table></Worksheet>"
        f"<Worksheet ss:Name='Draft'><Table><Row>{cells('secret')}</Row></Table>{options}</Worksheet></Workbook>"
    )
    read = read_in_child(written.encode(), "fees.xls")

    assert read.text == (
        "# Fees\n\nItem | Share | Since | Open\nItem: Pool; Share: 25%; Since: 2024-03-01; Open: yes\n"
        "Item: Pool; Open: no"
    )
    assert read.hidden == "# Draft\n\nsecret"
    assert set(read.notes) == {Note("hidden_sheets"), Note("hidden_rows")}
