from __future__ import annotations

from include.pipelines.pdf.rows import DOCUMENTS, PAGES, DocumentRow
from include.pipelines.pdf.tables import pdf_target


def test_pages_are_replaced_with_their_document() -> None:
    target = pdf_target()
    assert [table.name for table in target.tables] == [DOCUMENTS, PAGES]
    assert (target.record_key, target.key_is_number) == ("document_uuid", False)
    assert target[DOCUMENTS].columns == DocumentRow._fields
    assert target[PAGES].columns == ("document_uuid", "page", "text", "source", "characters", "image_share")
