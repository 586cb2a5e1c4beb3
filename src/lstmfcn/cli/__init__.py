"""The command line, a module for each panel of `--help`. It holds no logic.

Each command imports what it needs when it runs, so that `--help` is quick.
"""

from __future__ import annotations

import errno
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module

import typer

from lstmfcn import environment
from lstmfcn.cli.app import app
from lstmfcn.errors import LstmfcnError

__all__ = ["app", "main"]

for _panel in ("study", "stages", "models", "paper", "care"):  # in the order of `--help`
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


def main() -> None:
    """Run a command; an error that the user can mend is printed without a traceback."""
    environment.prepare_command()
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
        if error.errno != errno.ENOSPC:
            raise
        place = error.filename or "a temporary file"
        typer.echo(f"error: the disk is full ({place}). Make space, then run the command again.", err=True)
        sys.exit(1)
