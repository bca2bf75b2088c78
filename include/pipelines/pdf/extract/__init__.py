"""From the bytes of a document to the text of its pages."""
