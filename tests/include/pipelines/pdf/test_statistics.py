from __future__ import annotations

import json

from include.pipelines.pdf.statistics import DocumentResult, PdfStatistics

FIRST = PdfStatistics(
    [
        DocumentResult("a", "written", pages=10, characters=100, needs_ocr_pages=1, seconds=2.0),
        DocumentResult("b", "rejected", "pdf.broken", "x", seconds=1.0),
    ],
    4.0,
)
SECOND = PdfStatistics([DocumentResult("c", "skipped", "unchanged")], 6.0)


def test_statistics_of_runs_add_up() -> None:
    both = FIRST + SECOND
    assert both.to_json() == {
        "total": 3,
        "succeeded": 1,
        "failed": 1,
        "skipped": 1,
        "pages": 10,
        "ocr_pages": 0,
        "needs_ocr_pages": 1,
        "seconds": 10.0,
        "documents_per_hour": 1080.0,
        "pages_per_second": 1.0,
        "mean_seconds": 1.0,
        "slowest": [["a", 2.0], ["b", 1.0], ["c", 0.0]],
    }
    assert [result.document_uuid for result in both.results] == ["a", "b", "c"]


def test_nothing_at_all_gives_zeros() -> None:
    empty = PdfStatistics().to_json()
    assert set(map(json.dumps, empty.values())) == {"0", "0.0", "[]"}


def test_of_very_many_results_the_ten_slowest_are_named() -> None:
    many = PdfStatistics([DocumentResult(str(number), "written", seconds=number) for number in range(100)], 1.0)
    assert [result.document_uuid for result in many.slowest] == [str(number) for number in range(99, 89, -1)]
    assert len(json.dumps(many.to_json())) < 1000
