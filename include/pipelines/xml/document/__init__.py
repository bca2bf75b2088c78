"""From a document's bytes to its tree, and to rows."""
