"""Runs: which there are, what they gave, what they depend on, and how they are ranked."""
