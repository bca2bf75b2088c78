"""The PDF pipeline: from a manifest of documents to their text."""
