"""A self-test against a user's own SQL Server: `python -m include.warehouse.server_check`."""
