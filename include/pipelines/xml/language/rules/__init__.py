"""What a contract is refused for."""
