"""The text of documents as files."""
