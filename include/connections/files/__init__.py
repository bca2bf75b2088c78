"""Files on disk and in S3: where they may lie, what pins them, and how they are read and kept."""
