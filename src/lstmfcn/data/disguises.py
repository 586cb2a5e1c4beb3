"""Files that are another thing than their name says, told by how they begin."""

from __future__ import annotations

import re

from lstmfcn.errors import DataError

BEGINNING = 512
"""Bytes that are looked at."""

_BINARY = (
    (b"\x1f\x8b", "compressed by gzip", "Put .gz behind its name"),
    (b"BZh", "compressed by bzip2", "Unpack it first"),
    (b"\xfd7zXZ\x00", "compressed by xz", "Unpack it first"),
    (b"\x28\xb5\x2f\xfd", "compressed by Zstandard", "Unpack it first"),
    (b"7z\xbc\xaf\x27\x1c", "compressed by 7-Zip", "Unpack it first"),
    (b"PAR1", "a Parquet file", "Rename it to {stem}.parquet"),
    (b"\x93NUMPY", "an array of NumPy", "Rename it to {stem}.npy"),
    (b"\xd0\xcf\x11\xe0", "an old Excel file", "Save it from Excel as CSV"),
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file", "Convert it to .npz, .parquet or .csv"),
    (b"MATLAB 5.0 MAT-file", "a MATLAB file", "Convert it to .npz or .csv"),
    (b"SQLite format 3\x00", "an SQLite database", "Export its table as CSV"),
    (b"ARROW1\x00\x00", "an Arrow (Feather) file", "Convert it to .parquet or .csv"),
    (b"%PDF-", "a PDF", "Name a file of series"),
    (b"\x89PNG\r\n", "a picture (PNG)", "Name a file of series"),
    (b"\xff\xd8\xff", "a picture (JPEG)", "Name a file of series"),
    (
        b"\x80\x04\x95",
        "a pickle of Python",
        "Pickles may run code and are not read: convert it to .npz or .csv",
    ),
    (
        b"\x80\x05\x95",
        "a pickle of Python",
        "Pickles may run code and are not read: convert it to .npz or .csv",
    ),
)

_TEXT = (
    (
        re.compile(r"<(?:!doctype|!--|\?xml|html|head|body|table|svg)(?![-\w])", re.IGNORECASE),
        "a page of HTML or XML",
        "Fetch the table itself, as CSV",
    ),
    (re.compile(r"[\[{]\s*(?:[\[{\"]|$)"), "JSON", "Convert it to CSV, a row a series"),
    (re.compile(r"version https://git-lfs"), "a pointer of Git LFS, not the file", "Run git lfs pull"),
    (re.compile(r"outs:\s*$"), "a pointer of DVC, not the file", "Run dvc pull, and name the file itself"),
)


def check_bytes(path: object, first: bytes, *, stem: str) -> None:
    """Refuse what is no text, by its first bytes.

    Raises
    ------
    DataError
        If it is of a kind that is known; it says which, and the remedy.
    """
    if first.startswith(b"PK\x03\x04"):
        what, remedy = _zipped(first)
        raise DataError(f"{path} is {what}, not text. {remedy.format(stem=stem)}.")
    for magic, what, remedy in _BINARY:
        if first.startswith(magic):
            raise DataError(f"{path} is {what}, not text. {remedy.format(stem=stem)}.")


def check_line(path: object, row: int, line: str) -> None:
    """Refuse text that is no table, by its first line.

    Raises
    ------
    DataError
        If it is of a kind that is known; it says which, and the remedy.
    """
    for begins, what, remedy in _TEXT:
        if begins.match(line.strip()):
            raise DataError(f"{path}, row {row}: {what}, not a table. {remedy}.")


def unmarked_utf16(first: bytes) -> str | None:
    """Return the encoding of UTF-16 without a mark: every other byte of plain letters is null."""
    even, odd = first[0:BEGINNING:2], first[1:BEGINNING:2]
    if len(odd) < 2:
        return None
    if odd.count(0) > 0.7 * len(odd) and even.count(0) < 0.1 * len(even):
        return "utf-16-le"
    if even.count(0) > 0.7 * len(even) and odd.count(0) < 0.1 * len(odd):
        return "utf-16-be"
    return None


def _zipped(first: bytes) -> tuple[str, str]:
    if b".npy" in first:
        return "a zip of NumPy's arrays", "Rename it to {stem}.npz"
    if b"[Content_Types].xml" in first or b"xl/" in first:
        return "an Excel file", "Save it from Excel as CSV"
    return "a zip", "Unpack it first"
