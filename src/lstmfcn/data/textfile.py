"""Text files of any size, plain or compressed by gzip, line by line."""

from __future__ import annotations

import codecs
import gzip
import io
import re
import stat
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from lstmfcn.data.disguises import BEGINNING, check_bytes, unmarked_utf16
from lstmfcn.errors import DataError

GZIP = ".gz"
"""How the name of a compressed file ends."""

LONGEST = 1 << 26
"""Characters of a line, some four million values: a file without lines must not fill the memory."""

MOST_UNPACKED = 1 << 31
"""Bytes of a compressed file that is no text: it is unpacked into memory."""

_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


class EncodingError(DataError):
    """A file is not in the encoding that it should be in."""


class TextFile:
    """A text file to read once, in bounded memory.

    Iterating gives the lines that are not blank, each with its number from 1.

    Parameters
    ----------
    path
        Compressed where its name ends in `.gz`.
    encoding
        As Python calls it; None for UTF-8, or UTF-16 where the first bytes say so.

    Raises
    ------
    DataError
        At once, if it is missing or no file; on the way, if it is no text.
    """

    def __init__(self, path: Path, *, encoding: str | None = None) -> None:
        self.path = path
        self._raw = _open(path)
        self._size = path.stat().st_size
        try:
            self._text = self._decoded(encoding)
        except BaseException:
            self._raw.close()
            raise

    def _decoded(self, encoding: str | None) -> io.TextIOWrapper:
        path = self.path
        binary = gzip.GzipFile(fileobj=self._raw) if path.suffix == GZIP else self._raw
        try:
            first = binary.peek(BEGINNING)[:BEGINNING]
            if path.suffix == GZIP and first.startswith(b"\x1f\x8b"):
                raise DataError(f"{path} is compressed by gzip twice. Unpack it once.")
            check_bytes(path, first, stem=path.stem)
            self.encoding = encoding or _marked(first)
            if self.encoding == "utf-8-sig" and (found := unmarked_utf16(first)):
                raise DataError(
                    f"{path} seems to be UTF-16 without the mark that says so. Say --encoding {found}."
                )
            return io.TextIOWrapper(binary, encoding=self.encoding)
        except LookupError:
            raise DataError(
                f"{encoding!r} is no encoding. utf-8, utf-16, latin-1, cp1252 are some."
            ) from None
        except (OSError, EOFError, zlib.error) as error:
            raise self._error(error) from None

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
        message = f"{self.path} cannot be read as text: {error}."
        if isinstance(error, gzip.BadGzipFile):
            return DataError(
                f"{message} Take {GZIP} off its name if it is not compressed, or fetch it again."
            )
        if isinstance(error, EOFError | zlib.error):
            return DataError(f"{message} It is cut short or damaged: fetch it again.")
        if isinstance(error, UnicodeDecodeError):
            return EncodingError(
                f"{message} If it is text, say --encoding latin-1 (or cp1252, ...), or save it as UTF-8."
            )
        return DataError(message)


@contextmanager
def opened(path: Path) -> Iterator[IO[bytes]]:
    """Open a file that is no text; one whose name ends in `.gz` is unpacked into memory.

    Raises
    ------
    DataError
        If it is missing, no file, or not to be unpacked.
    """
    with _open(path) as raw:
        if path.suffix != GZIP:
            yield raw
            return
        try:
            unpacked = gzip.GzipFile(fileobj=raw).read(MOST_UNPACKED + 1)
        except (OSError, EOFError, zlib.error) as error:
            raise DataError(
                f"{path} cannot be unpacked: {error}. Take {GZIP} off its name if it is not compressed, or "
                "fetch it again."
            ) from None
        if len(unpacked) > MOST_UNPACKED:
            raise DataError(f"{path} holds more than {MOST_UNPACKED:,} bytes. Unpack it first.")
        yield io.BytesIO(unpacked)


def check_file(path: Path) -> None:
    """Refuse what cannot be read.

    Raises
    ------
    DataError
        If it is missing, no file, or closed to this user.
    """
    _open(path).close()


def _open(path: Path) -> io.BufferedReader:
    try:
        if (kind := kind_of(path)) is not None:  # before it is opened: a pipe would never open
            raise DataError(f"{path} cannot be read: it is {kind}, not a file. Name a file of series.")
        return path.open("rb")
    except FileNotFoundError:
        raise DataError(f"{path} is missing: name a file of series.") from None
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error}.") from None


def encoding_of(path: Path) -> str:
    """Return the encoding of a file.

    That is what its first bytes say, UTF-8 if it is that throughout, or else cp1252.

    Raises
    ------
    DataError
        If it is no text in any of them.
    """
    try:
        return _read_through(path, None)
    except EncodingError:
        return _read_through(path, "cp1252")


def _read_through(path: Path, encoding: str | None) -> str:
    with TextFile(path, encoding=encoding) as file:
        if any(_BINARY.search(line) for _, line in file):
            raise DataError(
                f"{path} cannot be read as text: it holds control characters, such as null bytes. Export "
                "it anew."
            )
        return file.encoding


def _marked(first: bytes) -> str:
    if first.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        return "utf-32"
    first = first[:2]
    return "utf-16" if first in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) else "utf-8-sig"


_BINARY = re.compile(r"[\x00-\x08\x0e-\x1a]")


def kind_of(path: Path) -> str | None:
    """Return what stands at a path, in words, where that is no regular file; links are followed.

    Raises
    ------
    OSError
        If there is nothing, or it cannot be looked at.
    """
    mode = stat.S_IFMT(path.stat().st_mode)
    return None if mode == stat.S_IFREG else _KINDS.get(mode, "something else")
