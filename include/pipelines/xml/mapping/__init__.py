"""From a document's tree to rows, by a compiled contract."""
