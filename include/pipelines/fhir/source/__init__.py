"""Where resources come from: searches, exports, and what earlier runs kept."""
