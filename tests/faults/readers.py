"""What must hold of the readers, whatever is in a file: for Hypothesis and for a fuzzer.

Alone, it fuzzes by coverage: see `make fuzz`.
"""

import re
import sys
import tempfile
import warnings
from pathlib import Path

import numpy as np
import pandas as pd

from lstmfcn.data.readers import read_series, write_series
from lstmfcn.data.series import Split
from lstmfcn.errors import DataError

BLAMED_WITHOUT_ROW = (
    "cannot be read as",
    "holds no series",
    "has no line @data",
    "hold text",
    "counts the rows",
    "looks like labels",
    "may both hold the labels",
    "not called as",
    "the order of time",
    "holds another",
)
"""What concerns a file as a whole."""


def _blames(error, path):
    assert str(error).startswith(str(path)), error
    return str(error).removeprefix(str(path))


def check_text(content, suffix, folder):
    """Read a file of this content: series, or an error that names the file and the row."""
    path = folder / f"file{suffix}"
    path.write_bytes(content)
    try:
        series = read_series(path)
    except DataError as error:
        rest = _blames(error, path)
        assert re.match(r", row \d+", rest) or any(words in rest for words in BLAMED_WITHOUT_ROW)
        return
    n, n_channels, length = series.X.shape
    assert n == len(series.rows) > 0
    assert n_channels > 0
    assert length > 0
    assert series.X.dtype == np.float64
    if series.labels is None:
        return
    assert len(series.labels) == n
    written = write_series(folder, "written", series)
    again = read_series(written)
    written.unlink()
    np.testing.assert_array_equal(again.X, series.X)
    assert list(again.labels) == list(series.labels)


def check_file(content, suffix, folder):
    """Read a file that is no text: series that fit together, or an error that names the file."""
    path = folder / f"file{suffix}"
    path.write_bytes(content)
    try:
        series = read_series(path)
    except DataError as error:
        _blames(error, path)
        return
    assert series.X.dtype == np.float64
    assert series.X.shape[0] == len(series.rows) > 0
    assert series.labels is None or len(series.labels) == len(series.rows)


def check_npz(content, folder):
    """Read a prepared split of this content: a split that fits together, or an error that names the file."""
    path = folder / "file.npz"
    path.write_bytes(content)
    try:
        split = Split.load(path)
    except DataError as error:
        _blames(error, path)
        return
    assert split.X.dtype == np.float32
    assert split.X.ndim == 3
    assert split.y.dtype == np.int64
    assert split.y.shape == split.X.shape[:1]
    assert set(split.y.tolist()) <= set(range(len(split.classes)))


SEEDS = {
    "tsv": (b"1\t0.5\t-1e3\n2\t3\t?\n", b"a,1,2\nb,NaN,inf\n", b"1 2 3\n"),
    "csv": (b"label,t0,t1\na,1,2\n", b'"a";1,5;2\n"b";2,5;?\n', b",0,1,2\n0,1,2,a\n"),
    "arff": (b"@relation a\n@attribute x numeric\n@attribute y {a,b}\n@data\n1,a\n2,b\n",),
    "ts": (b"@problemName x\n@classLabel true a b\n@data\n1,2:3,4:a\n5,?:6,7:b\n", b"@data\n1,2,3\n"),
}
"""What the fuzzer begins with."""


def seeds(kind, folder):
    """Return the fuzzer's first cases."""
    if kind in SEEDS:
        return SEEDS[kind]
    X, y = np.zeros((2, 1, 3), "float32"), np.array([0, 1])
    if kind == "arrays":
        np.savez(folder / "seed.npz", X=X, y=y)
        return ((folder / "seed.npz").read_bytes(),)
    if kind == "parquet":
        pd.DataFrame({"t0": [1.0, 2.0], "label": ["a", "b"]}).to_parquet(folder / "seed.parquet")
        return ((folder / "seed.parquet").read_bytes(),)
    Split(X, y, ("a", "b")).save(folder / "seed.npz")
    return ((folder / "seed.npz").read_bytes(),)


def main():
    """Fuzz one reader."""
    import atheris

    kind, corpus = sys.argv.pop(1), Path(sys.argv[1])
    for i, seed in enumerate(seeds(kind, corpus)):
        (corpus / f"seed-{i}").write_bytes(seed)
    atheris.instrument_all()
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)

        def one(content):
            if kind == "npz":
                check_npz(content, folder)
            elif kind in ("arrays", "parquet"):
                check_file(content, {"arrays": ".npz"}.get(kind, f".{kind}"), folder)
            else:
                check_text(content, f".{kind}", folder)

        atheris.Setup(sys.argv, one)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
