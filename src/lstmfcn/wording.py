"""Numbers of things in sentences."""

from __future__ import annotations


def counted(n: int, noun: str) -> str:
    """Return a number and what it counts: 1 run, 2 runs."""
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"
