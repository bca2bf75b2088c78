"""Answers that were paid for: kept at once, found again, and asked for by one row at a time."""
