"""What a client may take of the server."""

from __future__ import annotations

from dataclasses import dataclass

MEGA = 2**20


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Bounds on bytes, seconds and numbers.

    Attributes
    ----------
    body
        Bytes of the body of a request.
    bodies
        How many of the largest bodies fit in memory at once: those that are read, wait, or are computed. It
        bounds the work, too.
    requests
        How many requests wait or are computed at once, each with its body read.
    connections
        How many clients at once, idle ones with them.
    head
        Seconds from the connection, or from the last answer, until the head of a request is there.
    pause
        Seconds between two pieces of a body, and until a piece of an answer (64 KiB) is taken.
    whole
        Seconds for a whole body, and for a whole answer.
    """

    body: int = 32 * MEGA
    bodies: int = 2
    requests: int = 256
    connections: int = 512
    head: float = 10.0
    pause: float = 10.0
    whole: float = 60.0
