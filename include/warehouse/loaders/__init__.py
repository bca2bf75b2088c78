"""One loader a dialect."""
