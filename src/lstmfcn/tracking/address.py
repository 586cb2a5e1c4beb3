"""Addresses of stores: written so that no folder's name is misread, shown without what is secret in them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, unquote_plus, unquote_to_bytes

HIDDEN = "***"

URI = "MLFLOW_TRACKING_URI"

ADDRESSES = (
    URI,
    "MLFLOW_REGISTRY_URI",
    *(name for proxy in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY") for name in (proxy, proxy.lower())),
)
"""The variables that hold an address, in which a password may stand."""

PASSWORDS = ("MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN")
"""The variables that are nothing but a secret."""

HARMLESS = {"uri", "mode", "charset", "sslmode", "driver"}
"""What in an address behind `?` may be shown: any other name may be some library's for a secret."""


NAMES = HARMLESS | {"user", "password", "passwd", "pwd", "token", "key", "sslpassword", "odbc_connect"}
"""What may be shown of a name behind `?`: any other may be a piece of a secret with an & in it."""


def sqlite_address(file: Path) -> str:
    """Return the address of a SQLite database, whatever characters are in its path.

    A path that is not plain is written as SQLite's own kind of address, which holds any bytes; SQLAlchemy
    unquotes it once, and SQLite again. The driver is named, since MLflow makes the folder of an address that
    begins with `sqlite:///` by itself, and unquotes nothing.
    """
    path = file.resolve()
    if re.fullmatch(r"[A-Za-z0-9/._-]+", str(path)):
        return f"sqlite:///{path}"
    return f"sqlite+pysqlite:///file:{quote(quote(os.fsencode(path)))}?uri=true"


def sqlite_file(address: str) -> Path | None:
    """Return the file of a SQLite database; None for any other store, or one in memory."""
    if not address.startswith("sqlite"):
        return None
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        url = make_url(address)
    except (ArgumentError, ValueError):
        return None
    path = url.database or ":memory:"
    if path.startswith("file:") and "uri" in url.query:
        path = os.fsdecode(unquote_to_bytes(path.removeprefix("file:")))
    return None if path == ":memory:" else Path(path)


def shown(address: str) -> str:
    """Return an address without what may be secret in it: on the safe side where it can be read in two ways.

    What stands before the last `@`, but for a plain name of a user, is hidden, and the values behind `?`.
    """
    return _shown_and_hidden(address)[0]


def without_secrets(text: str) -> str:
    """Return a library's text about a store; left out where a secret, or a piece of one, may be in it."""
    for address in _addresses():
        text = text.replace(address, shown(address))
    pieces = set(_pieces())
    if any(piece in form.casefold() for form in _decoded(text) for piece in pieces):
        return "(What the library says is left out: it may hold the password.)"
    return text


def _addresses() -> Iterator[str]:
    yield from (given for name in ADDRESSES if (given := os.environ.get(name)))


def _pieces() -> Iterator[str]:
    """Yield each word of each secret: a library may cut it anywhere else, and quote it in other ways."""
    secrets = [given for name in PASSWORDS if (given := os.environ.get(name))]
    for address in _addresses():
        secrets += _shown_and_hidden(address)[1]
    for secret in secrets:
        words = re.split(r"[\W_]+", _decoded(secret)[-1].casefold())
        yield from filter(None, words if any(words) else [secret])


def _decoded(text: str) -> list[str]:
    """Return a text, and what it is when it is unquoted once, twice and so on."""
    found = [text]
    while (decoded := unquote_plus(found[-1])) != found[-1]:
        found.append(decoded)
    return found


def _shown_and_hidden(address: str) -> tuple[str, list[str]]:
    """Return what of an address may be shown, and the texts that are hidden."""
    scheme, separator, rest = address.partition("://")
    if not separator or not re.fullmatch(r"[A-Za-z][A-Za-z0-9+.-]*", scheme):
        return (HIDDEN, [address]) if re.search("[@=]", address) else (address, [])
    begin = f"{scheme}://"
    if re.match("sqlite", scheme, re.IGNORECASE) and rest.startswith("/"):
        login, at, place = "", "", rest  # a file, in whose path an @ may stand
    else:
        login, at, place = rest.rpartition("@")
    if re.search(r"[?#]", login):
        return f"{begin}{HIDDEN}", [rest]  # a password with ? in it, or an @ behind the ?
    place, mark, options = _divided(place)
    if at:
        user, colon, password = login.partition(":")
        if not re.fullmatch(r"[\w.+%-]*", user) or (not colon and scheme.lower().startswith("http")):
            user, hidden = HIDDEN, [login]  # a token may stand in the place of a user
        else:
            user, hidden = user + (f":{HIDDEN}" if colon else ""), [password] if colon else []
        begin += f"{user}@"
    else:
        host, colon, port = place.partition(":")
        port = port.partition("/")[0]
        hidden = []
        if colon and rest[:1] not in "/[" and not port.isdecimal():
            return f"{begin}{host}:{HIDDEN}", [rest.partition(":")[2]]  # the host was forgotten
    if not mark:
        return begin + place, hidden
    kept = []
    for option in options.split("&"):
        name, _, value = option.partition("=")
        if mark == "?" and name in HARMLESS and re.fullmatch(r"[\w-]*", value):
            kept.append(option)
        else:
            known = mark == "?" and name in NAMES
            kept.append(f"{name}={HIDDEN}" if known else HIDDEN)
            hidden.append(value if known else option)
    return f"{begin}{place}{mark}{'&'.join(kept)}", hidden


def _divided(place: str) -> tuple[str, str, str]:
    """Return what stands before the first `?` or `#`, which it is, and what stands behind it."""
    found = re.search(r"[?#]", place)
    return (place, "", "") if found is None else (place[: found.start()], found[0], place[found.end() :])
