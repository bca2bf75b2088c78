"""Where the bytes of a document are, and how they are opened."""
