"""XML documents to tables, as a mapping contract says."""
