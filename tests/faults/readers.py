"""What must hold of the readers, whatever is in a file: for Hypothesis and for a fuzzer.

Alone, it fuzzes by coverage: `pip install atheris`, then
`python tests/faults/readers.py tsv|ts|npz [CORPUS] -max_total_time=600`.
"""

import re
import sys
import tempfile
import warnings
from pathlib import Path

import numpy as np

from lstmfcn.data.formats import read_series, write_series
from lstmfcn.data.series import Split
from lstmfcn.errors import DataError

BLAMED_WITHOUT_ROW = ("cannot be read as text", "holds no series", "has no line @data")
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
    assert series.X.dtype == np.float32
    if series.labels is None:
        return
    assert len(series.labels) == n
    written = write_series(folder, "written", series)
    again = read_series(written)
    written.unlink()
    np.testing.assert_array_equal(again.X, series.X)
    assert list(again.labels) == list(series.labels)


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


def main():
    """Fuzz one reader."""
    import atheris

    kind = sys.argv.pop(1)
    atheris.instrument_all()
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)

        def one(content):
            if kind == "npz":
                check_npz(content, folder)
            else:
                check_text(content, f".{kind}", folder)

        atheris.Setup(sys.argv, one)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
