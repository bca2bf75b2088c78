"""The target tables of the pipeline."""

from __future__ import annotations

import sqlalchemy as sa

from include.pipelines.pdf.rows import DOCUMENTS, PAGES
from include.warehouse.target import Target

MAX_PATH = 1100
"""Characters of a `file_path`: the longest URI of an object in S3 has 1,093 bytes."""


def pdf_target() -> Target:
    """Replaced by document: a document that shrank leaves no pages behind."""
    metadata = sa.MetaData()
    documents = sa.Table(
        DOCUMENTS,
        metadata,
        sa.Column("document_uuid", sa.Unicode(36), primary_key=True),
        sa.Column("project_uuid", sa.Unicode(36), nullable=False, index=True),
        sa.Column("file_path", sa.Unicode(2 * MAX_PATH), nullable=False),
        sa.Column("bytes", sa.BigInteger, nullable=False),
        sa.Column("sha256", sa.Unicode(64), nullable=False),
        sa.Column("pages", sa.Integer, nullable=False),
        sa.Column("characters", sa.BigInteger, nullable=False),
        sa.Column("language", sa.Unicode(10)),
        sa.Column("extractor", sa.Unicode(100), nullable=False),
        sa.Column("ocr_pages", sa.Integer, nullable=False),
        sa.Column("needs_ocr_pages", sa.Integer, nullable=False),
        sa.Column("seconds", sa.Float, nullable=False),
        sa.Column("metadata", sa.UnicodeText),
        # Of an object in S3, as it was when it was read.
        sa.Column("etag", sa.Unicode(210)),
    )
    pages = sa.Table(
        PAGES,
        metadata,
        sa.Column("document_uuid", sa.Unicode(36), sa.ForeignKey("documents.document_uuid"), primary_key=True),
        sa.Column("page", sa.Integer, primary_key=True),
        sa.Column("text", sa.UnicodeText, nullable=False),
        sa.Column("source", sa.Unicode(10), nullable=False),
        sa.Column("characters", sa.Integer, nullable=False),
        sa.Column("image_share", sa.Float),
    )
    return Target("pdf_documents", "document_uuid", [documents, pages])
