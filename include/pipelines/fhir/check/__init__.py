"""What can be known about views before a run, for the command line."""
