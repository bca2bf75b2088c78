"""Documents from a table."""
