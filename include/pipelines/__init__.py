"""One folder a pipeline; none knows of another."""
