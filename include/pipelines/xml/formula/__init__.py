"""Calculated columns: from the text of a formula to a closure."""
