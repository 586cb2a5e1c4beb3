"""Who may ask, before anything of a request is looked at; and how every answer is sent."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Collection, Mapping, MutableMapping
from typing import Any

from lstmfcn.errors import LstmfcnError
from lstmfcn.serving.limits import Limits
from lstmfcn.serving.refusal import RefusedError, answer_to, log

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]
"""As ASGI has them."""

PIECE = 65536
"""Bytes of an answer that are sent at a time."""

HEAD = 16384
"""Bytes of the headers of a request."""

LINGER = 2.0
"""Seconds in which the body of a refused request is read off, so that the client comes to see the answer."""

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
"""Of every answer."""

_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[^\s:\[\]@/]+)(?::[0-9]{1,5})?")


class HostError(LstmfcnError):
    """A name to answer to is none."""


def name_of(host: str) -> str:
    """Return a name as the header `Host` has it: in lower case, an address of IPv6 in brackets.

    Raises
    ------
    HostError
        If it is none, or more than one.
    """
    name = f"[{host}]" if host.count(":") > 1 and not host.startswith("[") else host
    found = _HOST.fullmatch(name.lower())
    if found is None or found[0] != found[1]:
        raise HostError(f"{host!r} is no name of a host. Name it without http://, port or path.")
    return found[1]


def guarded(app: App, *, hosts: Collection[str], limits: Limits) -> App:
    """Return an application that answers to its own names and pages alone.

    A page of another site can make a browser ask a server on the same machine. It is refused by the name
    under which it asks (`Host`, should its own name lead here), and by what the browser says of it (`Origin`,
    `Sec-Fetch-Site`). Leave to read across sites (CORS) is never given.

    Parameters
    ----------
    app
        What is asked.
    hosts
        The names.
    limits
        What a client may take.

    Raises
    ------
    HostError
        If one of the names is none.
    """
    names = frozenset(map(name_of, hosts))

    async def guard(scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        incoming = _Incoming(receive)
        started = False

        async def answer(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                if message["status"] >= 400 and message["status"] != 408 and not _asks_first(scope):
                    await incoming.read_off(limits.body)
                own = [(name.lower().encode(), value.encode()) for name, value in HEADERS.items()]
                message = {**message, "headers": [*message.get("headers", []), *own]}
                started = True
                await send(message)
                return
            body, more = message.get("body", b""), message.get("more_body", False)
            async with asyncio.timeout(limits.whole):
                while len(body) > PIECE:
                    await send({**message, "body": body[:PIECE], "more_body": True})
                    body = body[PIECE:]
                await send({**message, "body": body, "more_body": more})

        try:
            _check(scope, names)
            # Without a body it is a GET: the server takes the body off.
            asked = {**scope, "method": "GET"} if scope["method"] == "HEAD" else scope
            await app(asked, incoming.receive, answer)
        except RefusedError as error:
            await answer_to(error, scope)(scope, incoming.receive, answer)
        except TimeoutError:
            log.warning("%s %.80r: a client took its answer too slowly.", scope["method"], scope["path"])
        except Exception as error:  # noqa: BLE001  # whatever it is, no client learns of it
            log.error("%r", error)
            if not started:
                failed = RefusedError(500, "The server failed. Its log says how.")
                await answer_to(failed, scope)(scope, incoming.receive, answer)

    return guard


class _Incoming:
    """The body of a request, of which is known whether all has come."""

    def __init__(self, receive: Receive) -> None:
        self._receive, self._done = receive, False

    async def receive(self) -> Message:
        message = await self._receive()
        self._done = not message.get("more_body", False)
        return message

    async def read_off(self, most: int) -> None:
        """Read on for a while: whoever still sends when the connection is closed loses the answer."""
        try:
            async with asyncio.timeout(LINGER):
                while not self._done and most > 0:
                    most -= len((await self.receive()).get("body", b""))
        except TimeoutError:
            pass


def _check(scope: Mapping[str, Any], hosts: Collection[str]) -> None:
    if sum(len(name) + len(value) for name, value in scope["headers"]) > HEAD:
        raise RefusedError(431, f"The headers of the request have more than {HEAD:,} bytes.")
    headers: dict[str, list[str]] = {}
    for name, value in scope["headers"]:
        headers.setdefault(name.decode("latin-1"), []).append(value.decode("latin-1").strip())
    asked = headers.get("host", [])
    name = _HOST.fullmatch(asked[0].lower()) if len(asked) == 1 else None
    if name is None:
        raise RefusedError(400, "The request needs one header Host with a name or an address.")
    if name[1] not in hosts:
        raise RefusedError(
            421, "The server does not answer to this Host. `lstmfcn serve --allow-host NAME` adds a name."
        )
    own = {f"{scheme}://{asked[0].lower()}" for scheme in ("http", "https")}
    if any(origin.lower() not in own for origin in headers.get("origin", [])):
        raise RefusedError(403, "The request comes from a page of another site, as its header Origin says.")
    foreign = set(headers.get("sec-fetch-site", [])) - {"same-origin", "none"}
    link = scope["method"] in ("GET", "HEAD") and headers.get("sec-fetch-mode") == ["navigate"]
    if foreign and not link:
        raise RefusedError(403, "The request comes from a page of another site, as the browser says.")


def _asks_first(scope: Mapping[str, Any]) -> bool:
    """Whether the client sends its body only when it is asked to."""
    return any(name == b"expect" for name, _ in scope["headers"])
