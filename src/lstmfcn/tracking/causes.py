"""Why a tracking store does not do what it should: the cause in a sentence, and the remedy."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import getproxies_environment, proxy_bypass

from lstmfcn import oserrors
from lstmfcn.errors import nearest
from lstmfcn.tracking.address import PASSWORDS, URI, shown, sqlite_address, sqlite_file, without_secrets
from lstmfcn.tracking.relocation import path_at

SCHEMES = ("http", "https", "sqlite", "postgresql", "mysql", "mssql", "databricks", "databricks-uc", "uc")
"""For which MLflow has stores; other packages may bring more."""

DRIVERS = {"psycopg2": "psycopg2-binary", "MySQLdb": "mysqlclient", "pymysql": "pymysql", "pyodbc": "pyodbc"}
"""The libraries by which databases are reached, and the names under which they are installed."""

SAID = 300
"""The most characters of a library's own words."""


def first_line(error: BaseException) -> str:
    """Return what an error says, as far as it goes in a sentence, without anything secret."""
    text = without_secrets(str(error).strip() or type(error).__name__)
    return next(iter(text.splitlines()), "")[:SAID]


def traceable(error: BaseException | None) -> BaseException | None:
    """Return an error for tracebacks to show; None where it, or what led to it, may hold a secret."""
    return error if all(without_secrets(str(one)) == str(one) for one in _chain(error)) else None


def cause_of(error: BaseException, address: str) -> str:
    """Return what is wrong with a store and what to do about it.

    Parameters
    ----------
    error
        What MLflow or one of its libraries raised.
    address
        The store's.
    """
    text = " ".join(f"{type(one).__name__}: {one}" for one in _chain(error))
    file = sqlite_file(address)
    known = (_of_a_file(text, error, file) if file else None) or _of_a_server(text, address)
    said = first_line(error).rstrip(".")
    return known or f"The tracking store {called(address)} does not answer: {said}. {_remedy(address)}"


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def called(address: str) -> str:
    """Return what to call a store in messages: where it is a file, its path; without anything secret."""
    return str(sqlite_file(address) or shown(address))


def unreachable(address: str, location: str) -> str | None:
    """Say that the files of a store lie on a disk that is not this machine's; None where they can be reached.

    Parameters
    ----------
    address
        The store's.
    location
        The address under which MLflow keeps them. That of a server which takes them itself is no path.
    """
    path = path_at(location)
    if path is None or sqlite_file(address) or path.exists() or path.parent.exists():
        return None
    return (
        f"The tracking store {shown(address)} keeps files at {path}, and there is no such folder here: it is "
        "on another disk. Start its server so that it takes files itself (`mlflow server "
        "--artifacts-destination FOLDER`, without --no-serve-artifacts and --default-artifact-root) and "
        "rename the experiment lstmfcn there: `lstmfcn sync` makes it anew. Or mount that folder here as "
        f"{path}."
    )


def _remedy(address: str) -> str:
    if os.environ.get(URI):
        return f"Start it, or unset {URI} for the local one."
    return f"`lstmfcn doctor` looks at {'it' if sqlite_file(address) else 'the study'}."


def _of_a_file(text: str, error: BaseException, file: Path) -> str | None:
    store = f"The tracking store {file}"
    if re.search("database is locked|Timeout: ", text):
        return (
            f"{store} is locked by another program. Wait for it or end it (`fuser {file}` names it), then "
            "run the same command again."
        )
    if re.search("not a database|malformed|disk image|DatabaseError: .*corrupt", text):
        mended = "by another name and makes it anew from the runs' own files"
        remedy = (
            "Restore it from a copy." if os.environ.get(URI) else f"`lstmfcn doctor` puts it aside {mended}."
        )
        return f"{store} is damaged. {remedy}"
    if found := re.search(r"found version (\w+)|revision identified by '(\w+)'", text):
        return _of_a_schema(store, found[1] or found[2], sqlite_address(file))
    if isinstance(error, OSError) and error.errno not in oserrors.FULL:
        return f"{store} cannot be opened. {oserrors.sentence(error)}"
    if re.search("readonly database|unable to open database file", text):
        denied = PermissionError(oserrors.DENIED[0], "", str(file))
        return f"{store} cannot be written. {oserrors.sentence(denied)}"
    return None


def _of_a_schema(store: str, version: str, address: str) -> str:
    """Say which way a database's tables differ from those that this MLflow knows."""
    import mlflow

    known = Path(mlflow.__file__).parent / "store/db_migrations/versions"
    if any(known.glob(f"{version}_*.py")):
        return (
            f"{store} was made by an older MLflow. Keep a copy of it, then call `mlflow db upgrade "
            f"'{address}'`."
        )
    return (
        f"{store} was made by a newer MLflow than {mlflow.__version__}, which is installed here. Upgrade "
        "lstmfcn, and MLflow with it."
    )


def _of_a_server(text: str, address: str) -> str | None:
    scheme = address.partition(":")[0].lower() if re.match(r"[A-Za-z][\w+.-]*:", address) else ""
    store = f"The tracking store {shown(address)}"
    over_http = scheme in ("http", "https")
    if scheme == "file" or not (scheme or address in SCHEMES):
        return (
            f"{URI} is {shown(address)}, a folder. MLflow keeps runs in databases: give it the address of "
            "one, such as sqlite:////data/mlflow.db, or of a server, such as http://127.0.0.1:5000."
        )
    if scheme and scheme.partition("+")[0] not in SCHEMES and "unsupported URI" in text:
        return (
            f"{URI} is {shown(address)}, and there is no store for addresses that begin with {scheme}:. "
            f"Known are {', '.join(SCHEMES)}.{nearest(scheme, SCHEMES)}"
        )
    if over_http and _is_misspelt(address):
        return f"{URI} is {shown(address)}, which is no address of a server. One is http://127.0.0.1:5000."
    unanswered = r"ProxyError|ConnectionError|Max retries|[Tt]imed out|error code (403|407|5\d\d)"
    if over_http and re.search(unanswered, text) and (proxy := _of_a_proxy(store, address)):
        return proxy
    if re.search(r"error code 40[13]|not authenticated|PERMISSION_DENIED", text) and over_http:
        given = any(os.environ.get(name) for name in (*PASSWORDS, "MLFLOW_TRACKING_USERNAME"))
        refused = "does not let you do that" if "error code 403" in text else "refuses the login"
        wrong = "Check" if given else "Set"
        return f"{store} {refused}. {wrong} MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD."
    if re.search(r"authentication failed|Access denied for user|no password supplied|Login failed", text):
        return f"{store} refuses the login. Check name and password in {URI}; there, write @ as %40."
    if (missing := re.search(r"No module named '([\w.]+)'", text)) and not over_http:
        library = missing[1].partition(".")[0]
        return f"{store} needs the library {library}: `pip install {DRIVERS.get(library, library)}`."
    if found := re.search(r"found version (\w+)|revision identified by '(\w+)'", text):
        return _of_a_schema(store, found[1] or found[2], shown(address))
    return None


def _is_misspelt(address: str) -> bool:
    try:
        parts = urlsplit(address)
        return not parts.hostname or parts.port == 0
    except ValueError:
        return True


def _of_a_proxy(store: str, address: str) -> str | None:
    """Return the sentence for a server of this machine that is asked for through a proxy."""
    parts, proxies = urlsplit(address), getproxies_environment()
    host = parts.hostname or ""
    kind = next((kind for kind in (parts.scheme, "all") if kind in proxies), None)
    is_local = host in ("localhost", "::1") or host.startswith("127.")
    if kind is None or not is_local or proxy_bypass(host):
        return None
    names = (f"{kind}_proxy", f"{kind.upper()}_PROXY")
    name = next(name for name in names if os.environ.get(name))
    return (
        f"{store} does not answer: {name} sends what is meant for it to the proxy {shown(proxies[kind])}. "
        f"Set NO_PROXY={host}."
    )
