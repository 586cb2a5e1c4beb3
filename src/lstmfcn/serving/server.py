"""Listening, time limits of connections, and the end by a signal."""

from __future__ import annotations

import asyncio
import functools
import logging
import os
import socket
import sys
import threading
from collections.abc import Collection
from contextlib import suppress
from types import FrameType
from typing import Any

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from lstmfcn.errors import LstmfcnError
from lstmfcn.serving.app import make_app, request_of, taken
from lstmfcn.serving.guard import guarded, name_of
from lstmfcn.serving.limits import Limits
from lstmfcn.serving.refusal import log
from lstmfcn.serving.turns import Turns
from lstmfcn.tracking.champion import Champion

LOCAL = ("localhost", "127.0.0.1", "[::1]")
"""Names of this machine that every server answers to."""

PASTED = 3000
"""Characters of a request that people are shown to copy."""

GRACE, END = 1, 4.0
"""Seconds from a signal until requests are given up, and until the process ends whatever goes on in it."""


class ListenError(LstmfcnError):
    """The server cannot listen where it is told to."""


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens: clients wait from now on, and nobody else gets the port.

    Raises
    ------
    ListenError
        If the host is unknown or another machine's, or the port is taken or needs privileges.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError):
        raise ListenError(f"The host {host!r} is not known. 127.0.0.1 is this machine.") from None
    family, *_, address = min(found, key=lambda one: one[0] != socket.AF_INET)
    try:
        return socket.create_server(address[:2], family=family, backlog=512)
    except PermissionError:
        raise ListenError(f"Port {port} needs privileges. Name one from 1024 on with --port.") from None
    except OSError as error:
        why = (os.strerror(error.errno) if error.errno else str(error)).lower()
        raise ListenError(f"Nothing can listen on {host}, port {port}: {why}. Name another.") from None


def greeting(champion: Champion, alias: str | None, listener: socket.socket, host: str) -> str:
    """Return what is served, where, and a line for a shell that asks it."""
    everybody = host in ("0.0.0.0", "::")  # noqa: S104
    address = f"http://{'localhost' if everybody else name_of(host)}:{listener.getsockname()[1]}"
    example = request_of(champion)
    if len(example) <= PASTED:
        command = f"curl {address}/invocations -H 'Content-Type: application/json' -d '{example}'"
    else:
        command = (
            f"curl -s {address}/example | "
            f"curl {address}/invocations -H 'Content-Type: application/json' --data-binary @-"
        )
    classes = ", ".join(champion.classes[:10]) + (", ..." if len(champion.classes) > 10 else "")
    name = f"the {alias} of {champion.dataset}" if alias else f"a model of {champion.dataset}"
    names = (
        "Other machines have to ask by a name that --allow-host gives, or are refused.\n" if everybody else ""
    )
    n_classes = len(champion.classes)
    return (
        f"Serving {name}: series of {taken(champion.preprocessing)}. {n_classes} classes ({classes}).\n"
        f"{names}"
        f"Try it at {address}/, or in another shell; stop with Ctrl-C:\n\n    {command}\n"
    )


class Server(uvicorn.Server):
    """The server of a model; `run` answers until a signal ends it.

    Parameters
    ----------
    champion
        The model.
    alias
        Under which it is registered, if it is.
    hosts
        Names that it answers to, beside those of this machine.
    limits
        What a client may take.
    """

    def __init__(
        self,
        champion: Champion,
        *,
        alias: str | None = None,
        hosts: Collection[str] = (),
        limits: Limits | None = None,
    ) -> None:
        limits = limits or Limits()
        self.turns = Turns(limits)
        app = make_app(champion, alias=alias, limits=limits, turns=self.turns)
        super().__init__(
            uvicorn.Config(
                guarded(app, hosts={*LOCAL, *hosts}, limits=limits),
                http=functools.partial(_Protocol, limits),  # type: ignore[arg-type]
                loop="asyncio",
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                proxy_headers=False,
                server_header=False,
                timeout_graceful_shutdown=GRACE,
            )
        )

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002
        """End, as a signal asks: at the latest after `END` seconds; a second one at once."""
        if self.should_exit:
            self.force_exit = True
        self.should_exit = True
        timer = threading.Timer(END, os._exit, [0])
        timer.daemon = True
        timer.start()


def serve(server: Server, listener: socket.socket) -> None:
    """Answer until SIGTERM or Ctrl-C, and end the process then: what is being computed is not waited for."""
    log_to_stderr()
    server.run([listener])
    server.turns.end()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(0)


def log_to_stderr() -> None:
    """Write what goes wrong to stderr, a line each."""
    handler = logging.StreamHandler()
    handler.setFormatter(_Line("%(asctime)s %(message)s", "%H:%M:%S"))
    for name, level in (
        (log.name, logging.WARNING),
        ("asyncio", logging.ERROR),
        ("uvicorn.error", logging.CRITICAL),  # of each client that is let go it says so once more
    ):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [handler], False
        logger.setLevel(level)


class _Line(logging.Formatter):
    """A record in one line, the name of an error in place of its traceback."""

    def format(self, record: logging.LogRecord) -> str:
        told = logging.makeLogRecord({**record.__dict__, "exc_info": None, "exc_text": None})
        error = record.exc_info[1] if record.exc_info else None
        line = super().format(told) + (f": {error!r}" if error else "")
        return " ".join(line.split("\n"))


class _Protocol(H11Protocol):
    """A connection that is closed when the client keeps it waiting, or when there are too many."""

    def __init__(self, limits: Limits, **arguments: Any) -> None:
        super().__init__(**arguments)
        self._limits = limits
        self._head: asyncio.TimerHandle | None = None
        self._unsent: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        transport.set_write_buffer_limits(0)  # so that it tells of every byte that is not taken
        self._watch_head()
        if len(self.connections) > self._limits.connections:
            log.warning("%d clients at once; one more is sent away.", self._limits.connections)
            self._refuse(503, "Too many clients. Try again soon.", [(b"retry-after", b"2")])

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._unset_keepalive_if_required()
        for timer in (self._head, self._unsent):
            if timer:
                timer.cancel()

    def handle_events(self) -> None:
        if self.transport.is_closing():
            return
        try:
            super().handle_events()
        except h11.LocalProtocolError:  # nonsense behind a request that is being answered
            self.transport.abort()
        self._watch_head()

    def send_400_response(self, msg: str) -> None:
        log.warning("400: %s", msg)
        self._refuse(400, msg, [])

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._watch_head()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._unsent = self._unsent or self.loop.call_later(self._limits.pause, self._give_up)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._unsent:
            self._unsent.cancel()
            self._unsent = None

    def _watch_head(self) -> None:
        """Measure the time until the next head, unless a request is being answered."""
        if self.cycle is not None and not self.cycle.response_complete:
            if self._head:
                self._head.cancel()
                self._head = None
        elif self._head is None and not self.transport.is_closing():
            self._head = self.loop.call_later(self._limits.head, self.transport.abort)

    def _give_up(self) -> None:
        log.warning("A client took its answer too slowly.")
        self.transport.abort()

    def _refuse(self, status: int, message: str, headers: list[tuple[bytes, bytes]]) -> None:
        """Say why and close."""
        own = [(b"content-type", b"text/plain; charset=utf-8"), (b"connection", b"close")]
        events = (
            h11.Response(status_code=status, headers=[*own, *headers]),
            h11.Data(data=message.encode()),
            h11.EndOfMessage(),
        )
        for event in events:
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()
