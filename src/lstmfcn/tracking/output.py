"""A file that a command writes: refused before any work where it cannot be, and there when all is done."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from itertools import takewhile
from pathlib import Path
from typing import BinaryIO

from lstmfcn.data.textfile import kind_of
from lstmfcn.errors import LstmfcnError
from lstmfcn.files import atomic_path


class OutputError(LstmfcnError):
    """What is made of a file cannot be written to where it is to go."""


def check_output(target: Path, source: Path) -> None:
    """Refuse a target that is no file, may not be written, or is what is read, by whatever name."""
    try:
        kind = kind_of(target)
        same = target.samefile(source)
    except FileNotFoundError:
        return
    except OSError as error:
        raise OutputError(f"{target} cannot be written: {error.strerror}. Name another file.") from None
    if kind is not None:
        raise OutputError(f"{target} is {kind}. Name a file.")
    if same:
        raise OutputError(f"{target} is the file of series itself. Name another file for the predictions.")
    if not os.access(target, os.W_OK):
        raise OutputError(f"{target} may not be written. Name another file, or change its permissions.")


@contextmanager
def opened(target: Path) -> Iterator[BinaryIO]:
    """Open a file that gets its name at the end; where it does not come to that, nothing is left of it."""
    real = Path(os.path.realpath(target))  # a link stays one
    new: list[Path] = []
    try:
        with ExitStack() as stack:
            try:
                new += takewhile(lambda folder: not folder.exists(), real.parents)
                sink = stack.enter_context(stack.enter_context(atomic_path(real)).open("wb"))
            except OSError as error:
                raise OutputError(
                    f"{target} cannot be written: {error.strerror}. Name a file in a folder where you may."
                ) from None
            yield sink
    except BaseException:
        for folder in new:
            with suppress(OSError):
                folder.rmdir()
        raise
