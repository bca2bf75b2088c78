"""Text of pages that are pictures."""
