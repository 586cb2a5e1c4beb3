"""Text files of any size, plain or compressed by gzip, line by line."""

from __future__ import annotations

import gzip
import io
import stat
import zlib
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from lstmfcn.errors import DataError

GZIP = ".gz"
"""How the name of a compressed file ends."""

LONGEST = 1 << 26
"""Characters of a line, some four million values: a file without lines must not fill the memory."""

_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


class TextFile:
    """A text file to read once, in bounded memory.

    Iterating gives the lines that are not blank, each with its number from 1.

    Parameters
    ----------
    path
        Compressed where its name ends in `.gz`.

    Raises
    ------
    DataError
        At once, if it is missing or no file; on the way, if it is no text.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            if (kind := kind_of(path)) is not None:  # before it is opened: a pipe would never open
                raise DataError(f"{path} cannot be read: it is {kind}, not a file. Name a file of series.")
            self._size = path.stat().st_size
            self._raw = path.open("rb")
        except FileNotFoundError:
            raise DataError(f"{path} is missing: name a file of series.") from None
        except OSError as error:
            raise self._error(error) from None
        binary = gzip.GzipFile(fileobj=self._raw) if path.suffix == GZIP else self._raw
        self._text = io.TextIOWrapper(binary, encoding="utf-8-sig")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._text.close()
        self._raw.close()

    def __iter__(self) -> Iterator[tuple[int, str]]:
        row = 0
        while True:
            try:
                piece = self._text.readline(LONGEST)
            except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
                raise self._error(error) from None
            if not piece:
                return
            if len(piece) == LONGEST and piece[-1] != "\n":
                raise DataError(
                    f"{self.path}, row {row + 1}: a line of more than {LONGEST:,} characters. Put one series "
                    "on each line."
                )
            for line in piece.splitlines():  # form feeds and such end lines, too
                row += 1
                if line.strip():
                    yield row, line

    @property
    def share(self) -> float:
        """How much of the file has been read, 0 to 1."""
        return min(1.0, self._raw.tell() / self._size) if self._size else 1.0

    def _error(self, error: Exception) -> DataError:
        return DataError(f"{self.path} cannot be read as text: {error}.")


def kind_of(path: Path) -> str | None:
    """Return what stands at a path, in words, where that is no regular file; links are followed.

    Raises
    ------
    OSError
        If there is nothing, or it cannot be looked at.
    """
    mode = stat.S_IFMT(path.stat().st_mode)
    return None if mode == stat.S_IFREG else _KINDS.get(mode, "something else")
