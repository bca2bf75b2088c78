"""CSV and Excel rows, enriched through web APIs that are paid by the call."""
