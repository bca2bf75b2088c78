"""SQLAlchemy's dialect of SQL Server without the questions whose answers the house does not need.

SQLAlchemy asks each server for its version, its isolation level and its comments, and ends in an error of Python's
where one does not answer as it expects: a server that names itself otherwise, or a login that may not look. What the
house needs of a server, `loaders.mssql.PROBE` asks.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy.dialects import registry
from sqlalchemy.dialects.mssql.pymssql import MSDialect_pymssql

URL = "mssql+headrace://"
"""For `create_engine`, once this module is loaded."""

OLDEST = (13, 0)
"""SQL Server 2016, the oldest that the house speaks to: what a server is taken for that does not say."""


class HeadraceMssql(MSDialect_pymssql):
    """Through pymssql. Nothing else of a server's differs for the statements that are made here."""

    supports_statement_cache = True

    def __init__(self, **options: object) -> None:
        # No table here has a comment; by default each server is asked whether it could.
        super().__init__(**{"supports_comments": False} | options)  # type: ignore[no-untyped-call]  # SQLAlchemy's

    def _get_server_version_info(self, connection: Any) -> tuple[int, ...]:  # noqa: ANN401 - as in SQLAlchemy
        return super()._get_server_version_info(connection) or OLDEST  # type: ignore[no-untyped-call]  # as above

    def get_default_isolation_level(self, dbapi_conn: Any) -> Any:  # noqa: ANN401 - as in SQLAlchemy
        """Never known, and never changed: SQLAlchemy would have nothing to go back to."""
        raise NotImplementedError


registry.register("mssql.headrace", __name__, HeadraceMssql.__name__)
