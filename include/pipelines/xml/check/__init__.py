"""The command that checks a contract."""
