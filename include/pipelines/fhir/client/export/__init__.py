"""Bulk Data: a server's resources as files of NDJSON (Bulk Data Access 2)."""
