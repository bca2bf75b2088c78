"""The contract language: what a contract may say, and the rules that hold across its parts."""
