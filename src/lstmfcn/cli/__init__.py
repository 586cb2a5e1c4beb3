"""The command line, a module for each panel of `--help`. It holds no logic.

Each command imports what it needs when it runs, so that `--help` is quick.
"""

from __future__ import annotations

import io
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import NoReturn

import typer

from lstmfcn import environment, oserrors
from lstmfcn.cli.app import app
from lstmfcn.cli.warm import run_warm
from lstmfcn.errors import LstmfcnError

__all__ = ["app", "main"]

for _panel in ("study", "stages", "champions", "models", "paper", "care"):  # in the order of `--help`
    import_module(f"lstmfcn.cli.{_panel}")


@contextmanager
def _sigterm_as_ctrl_c() -> Iterator[None]:
    """End a command on SIGTERM as on Ctrl-C: it clears up behind itself. The exit status tells which."""
    came = False

    def end(*_: object) -> None:
        nonlocal came
        came = True
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    except (KeyboardInterrupt, SystemExit):
        if came:
            sys.exit(128 + signal.SIGTERM)
        raise
    finally:
        signal.signal(signal.SIGTERM, before)


def _end(status: int) -> NoReturn:
    """End as a fork has, be it by a signal."""
    if status < 0:
        if -status != signal.SIGKILL:
            signal.signal(-status, signal.SIG_DFL)
        os.kill(os.getpid(), -status)
    sys.exit(status)


def main() -> None:
    """Run a command; an error that the user can mend is printed without a traceback."""
    try:
        environment.prepare_command()
        own = environment.is_warm() or environment.backend() == "jax"  # whose threads survive no fork
        status = None if own else run_warm()
    except environment.BackendError as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(1)
    except KeyboardInterrupt:  # while the host was loading
        sys.exit(130)
    if status is not None:
        _end(status)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that knows ASCII alone is told all the same
    try:
        with _sigterm_as_ctrl_c():
            app()
    except ModuleNotFoundError as error:
        missing = environment.missing_library(error)
        if missing is None:
            raise
        typer.echo(f"error: {missing}", err=True)
        sys.exit(1)
    except LstmfcnError as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(1)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as error:
        typer.echo(f"error: {oserrors.sentence(error)}", err=True)
        sys.exit(1)
    except UnicodeEncodeError as error:
        # What is printed is replaced where it must be: this is the name of a file.
        typer.echo(
            f"error: {error.object[error.start : error.end]!a}: this shell's locale has no such characters "
            "in names of files. Set LC_ALL=C.UTF-8, then run the same command again.",
            err=True,
        )
        sys.exit(1)
