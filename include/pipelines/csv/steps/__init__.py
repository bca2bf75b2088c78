"""What is done with a row, step by step; a step of your own is one class in one file."""
