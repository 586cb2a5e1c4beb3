"""Files that are another thing than their name says, or damaged as a whole."""

import bz2
import gzip
import io
import json
import lzma
import pickle
import zipfile

import numpy as np
from odd_binaries import frame, npy, npz, parquet
from odd_files import Odd, known, sheet, text

DATA = known()


def _zip(content, name="a.csv"):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(name, content)
    return buffer.getvalue()


def every():
    """Yield every case of this module."""
    table = text(sheet(DATA))
    page = "<!DOCTYPE html>\n<html><table>" + "<tr><td>1</td></tr>" * 9 + "</table></html>"
    records = json.dumps([{"label": y, "x": x[0].tolist()} for x, y in zip(DATA.X, DATA.labels, strict=True)])
    for name, content, cause in (
        ("HTML", page, "HTML"),
        ("HTML behind blank lines", "\n\n  " + page, "HTML"),
        ("HTML without a doctype", "<table><tr><td>1</td></tr></table>", "HTML"),
        ("XML", '<?xml version="1.0"?><a/>', "XML"),
        ("JSON", records, "JSON"),
        ("JSON, indented", json.dumps(json.loads(records), indent=1), "JSON"),
        ("JSON, a line each", "\n".join(json.dumps(r) for r in json.loads(records)), "JSON"),
        ("YAML", "a:\n  - 1\n  - 2\nb:\n  - 3\n  - 4\n", "column"),
        (
            "a page of LFS",
            "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n",
            "LFS|large file",
        ),
        (
            "a pointer of DVC",
            "outs:\n- md5: a304afb96060aad90176268345e10355\n  size: 37891850\n  path: a.csv\n",
            "DVC",
        ),
        ("a compressed file", gzip.compress(table), "gzip.*\\.gz"),
        ("bzip2", bz2.compress(table), "bzip2"),
        ("xz", lzma.compress(table), "xz"),
        ("Zstandard", b"\x28\xb5\x2f\xfd\x04\x00" + table, "Zstandard|zstd"),
        ("a zip", _zip(table), "zip"),
        ("Excel", _zip("<xml/>", "xl/workbook.xml"), "Excel"),
        ("old Excel", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 600, "Excel"),
        ("HDF5", b"\x89HDF\r\n\x1a\n" + b"\x00" * 100, "HDF5"),
        ("SQLite", b"SQLite format 3\x00" + b"\x10" * 90, "SQLite"),
        ("MATLAB", b"MATLAB 5.0 MAT-file, Platform: PCWIN64" + b"\x00" * 100, "MATLAB"),
        ("a picture", b"\x89PNG\r\n\x1a\n" + b"\x00" * 50, "picture|PNG"),
        ("PDF", b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n", "PDF"),
        ("a pickle", pickle.dumps([1, 2, 3], protocol=4) + pickle.dumps(table, protocol=4), "pickle|control"),
        ("an array of NumPy", npy(DATA.X[:, 0]), "NumPy"),
        ("Arrow", b"ARROW1\x00\x00" + b"\x00" * 90, "Arrow|Feather"),
        ("nothing", b"", "no series|is empty"),
        ("blanks", b"  \n \n\t\n", "no series|is empty"),
        ("a mark of UTF-8", b"\xef\xbb\xbf", "no series|is empty"),
        ("a mark of UTF-16", b"\xff\xfe", "no series|is empty"),
        ("half a letter of UTF-16", "a,1,2".encode("utf-16")[:-1], "UTF-16|cannot be read as text"),
        ("null bytes", b"\x00" * 500, "control|null|holds no text"),
        ("comments", b"# a\n# b\n", "comment|no series|hold text"),
        ("sep= alone", b"sep=;\n", "no series"),
        ("words", b"dear all\nplease find\n", "column|number's place"),
        ("a diff that was left", table.replace(b"\n", b"\n<<<<<<< HEAD\n", 3), "row 2|columns"),
    ):
        content = content.encode() if isinstance(content, str) else content
        for file in ("a.csv", "a.txt"):
            yield Odd(name=f"{file} that is {name}", file=file, content=content, right=None, cause=cause)
    packed = gzip.compress(table)
    damaged = bytearray(packed)
    damaged[len(packed) // 2] ^= 0xFF
    for name, file, content, cause, right in (
        ("sound", "a.csv.gz", packed, "", DATA),
        ("in two parts", "a.csv.gz", gzip.compress(table[:200]) + gzip.compress(table[200:]), "", DATA),
        ("cut short", "a.csv.gz", packed[:-20], "cut short|end-of-stream|ended before", None),
        ("cut by a byte", "a.csv.gz", packed[:-1], "cut short|end-of-stream|ended before", None),
        ("damaged", "a.csv.gz", bytes(damaged), "damaged|CRC|decompressing|cannot be read", None),
        ("twice", "a.csv.gz", gzip.compress(packed), "gzip.*(twice|again)|twice", None),
        ("not compressed", "a.csv.gz", table, "[Nn]ot a gzipped file.*|not compressed", None),
        ("a zip", "a.csv.gz", _zip(table), "zip", None),
        ("behind nothing", "a.gz", packed, "", DATA),
        ("of nothing", "a.csv.gz", gzip.compress(b""), "no series|is empty", None),
        ("an empty file", "a.csv.gz", b"", "no series|is empty", None),
        ("garbage behind", "a.csv.gz", packed + b"garbage", "gzip|damaged", None),
        ("zeros behind", "a.csv.gz", packed + b"\x00" * 512, "", DATA),
        ("Parquet", "a.parquet.gz", gzip.compress(parquet(frame(DATA))), "", DATA),
        ("Parquet, cut short", "a.parquet.gz", gzip.compress(parquet(frame(DATA)))[:-9], "unpacked", None),
        (
            "Parquet, not compressed",
            "a.parquet.gz",
            parquet(frame(DATA)),
            "[Nn]ot a gzipped file|not compressed",
            None,
        ),
        ("arrays", "a.npz.gz", gzip.compress(npz(X=DATA.X, y=np.array(DATA.labels))), "", DATA),
        (".xlsx", "a.xlsx", _zip("<xml/>", "xl/workbook.xml"), r"\.xlsx are not read", None),
        (".zip", "a.zip", _zip(table), r"\.zip are not read", None),
        (".json", "a.json", records.encode(), r"\.json are not read", None),
        (".CSV", "a.CSV", table, "", DATA),
        (".data", "a.data", table, r"\.data are not read.*renamed to \.csv", None),
    ):
        yield Odd(name=f"{file}: {name}", file=file, content=content, right=right, cause=cause)
