"""Odd files of Parquet and of NumPy."""

import io
import pickle
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from odd_files import Odd, hole, known, sheet, text

from lstmfcn.data.layout import Layout

DATA = known()
TWO = known(channels=2, seed=1)


def frame(data):
    """Return series as a frame of pandas."""
    return pd.DataFrame(data.X[:, 0], columns=[f"t{i}" for i in range(data.X.shape[2])]).assign(
        label=data.labels
    )


def parquet(table):
    """Return a frame or a table of Arrow as bytes of Parquet."""
    buffer = io.BytesIO()
    table.to_parquet(buffer) if isinstance(table, pd.DataFrame) else pq.write_table(table, buffer)
    return buffer.getvalue()


def of_parquet():
    """Yield odd files of Parquet."""

    def odd(name, table, cause="", *, right=None, layout=None, file="a.parquet"):
        content = table if isinstance(table, bytes) else parquet(table)
        return Odd(
            name=f"Parquet: {name}",
            file=file,
            content=content,
            right=right,
            cause=cause,
            layout=layout or Layout(),
        )

    base = frame(DATA)
    arrow = pa.Table.from_pandas(base)

    def column(name, array):
        return arrow.set_column(arrow.column_names.index(name), name, array)

    yield odd("sound", base, right=DATA)
    yield odd("a categorical label", base.assign(label=base["label"].astype("category")), right=DATA)
    yield odd("labels of bytes", base.assign(label=base["label"].str.encode("utf-8")), "bytes")
    yield odd("labels of large text", column("label", arrow["label"].cast(pa.large_string())), right=DATA)
    yield odd(
        "labels of truth",
        base.assign(label=[y == "sit" for y in DATA.labels]),
        right=DATA.but(labels=tuple(str(y == "sit") for y in DATA.labels)),
    )
    yield odd(
        "labels of whole numbers",
        base.assign(label=[len(y) for y in DATA.labels]),
        right=DATA.but(labels=tuple(str(len(y)) for y in DATA.labels)),
    )
    holes = [None if i == 2 else len(y) for i, y in enumerate(DATA.labels)]
    yield odd(
        "labels of nullable numbers",
        base.assign(label=pd.array(holes, dtype="Int64")),
        "row 3, column 8: the label is missing",
    )
    yield odd(
        "labels of floats with NaN",
        base.assign(label=np.array(holes, dtype=float)),
        "row 3, column 8: the label is missing",
    )
    yield odd(
        "labels with None",
        base.assign(label=[None if i == 2 else y for i, y in enumerate(DATA.labels)]),
        "row 3, column 8: the label is missing",
    )
    whole = known(whole=True, seed=3)
    yield odd(
        "nullable whole numbers",
        frame(whole).assign(t0=pd.array([None, *whole.X[1:, 0, 0].astype(int)], dtype="Int64")),
        right=whole.but(X=hole(whole.X)),
    )
    yield odd(
        "decimals",
        column("t0", pa.array([Decimal(repr(v)) for v in DATA.X[:, 0, 0].tolist()])),
        "Decimal|decimal",
        right=DATA,
    )
    yield odd(
        "float32", base.assign(t0=base["t0"].astype("float32")), right=DATA.but(X=_as(DATA.X, np.float32))
    )
    yield odd(
        "float16",
        column("t0", pa.array(DATA.X[:, 0, 0].astype(np.float16))),
        right=DATA.but(X=_as(DATA.X, np.float16)),
        cause="float16|half",
    )
    yield odd("uint64 beyond 2**53", base.assign(t0=np.full(12, 2**63 + 1, dtype=np.uint64)), r"2\*\*53")
    yield odd("truth values", base.assign(t0=base["t0"] > 0), "truth value", right=None)
    yield odd("numbers as text", base.assign(t0=base["t0"].map(repr)), right=DATA)
    yield odd(
        "numbers as text with commas",
        base.assign(t0=base["t0"].map(lambda v: repr(v).replace(".", ","))),
        "decimal comma|hold text",
    )
    yield odd("lists in cells", pd.DataFrame({"x": list(DATA.X[:, 0]), "label": DATA.labels}), "list")
    yield odd("a struct", pa.table({"x": [{"a": 1.0}] * 12, "label": list(DATA.labels)}), "dict")
    yield odd("dates", base.assign(t0=pd.Timestamp("2024-01-01")), "time|not called|hold text")
    yield odd("time spans", base.assign(t0=pd.to_timedelta(np.arange(12), unit="s")), "timedelta")
    yield odd(
        "an index that was kept", base.sample(frac=1, random_state=0), "not called as|index", right=None
    )
    named = base.set_index(pd.Index([f"p{i}" for i in range(12)], name="who"))
    yield odd(
        "a named index", named, "who.*(hold text|not called as)|(hold text|not called as).*who|may|text"
    )
    yield odd(
        "column names of two levels",
        pd.concat({"a": base}, axis=1),
        "not called as|label|hold text|text",
        right=DATA,
    )
    yield odd("columns out of order", base[["t1", "t0", *base.columns[2:]]], "order of time")
    yield odd("no rows", base.iloc[:0], "no series")
    yield odd("no columns", base.iloc[:, :0], "no series|one column|no columns")
    yield odd("cut short", parquet(base)[:-40], "cannot be read as Parquet")
    torn = (
        parquet(base)[:60] + b"\x01" * 40 + parquet(base)[100:]
    )  # Parquet has no sum of its bytes: as pandas reads it
    seen = pd.read_parquet(io.BytesIO(torn)).iloc[:, :-1].to_numpy()[:, None]
    yield odd("values overwritten", torn, "Parquet|row", right=DATA.but(X=seen))
    yield odd("named .csv", base, "Parquet.*Rename|Rename.*parquet", file="a.csv")
    yield odd("CSV named .parquet", text(sheet(DATA)), "Parquet", file="a.parquet")
    yield odd("a decimal comma named", base, "--decimal", layout=Layout(decimal=","))
    yield odd("an encoding named", base, "--encoding", layout=Layout(encoding="latin-1"))
    yield odd("--no-header", base, "--no-header|--header", layout=Layout(header=False))


def _as(X, kind):
    X = X.copy()
    X[:, 0, 0] = X[:, 0, 0].astype(kind)
    return X


def npz(**arrays):
    """Return arrays as bytes of `.npz`."""
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def npy(array):
    """Return an array as bytes of `.npy`."""
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def of_arrays():
    """Yield odd files of NumPy."""

    def odd(name, arrays, cause="", *, right=None, layout=None, file="a.npz"):
        content = arrays if isinstance(arrays, bytes) else npz(**arrays)
        return Odd(
            name=f"arrays: {name}",
            file=file,
            content=content,
            right=right,
            cause=cause,
            layout=layout or Layout(),
        )

    X, y = DATA.X[:, 0], np.array(DATA.labels)
    whole = known(whole=True, seed=3)
    W = whole.X[:, 0]
    for data in (DATA, TWO):
        yield odd(f"sound, {data.X.shape}", {"X": data.X, "y": np.array(data.labels)}, right=data)
        yield odd(
            f"Fortran order, {data.X.shape}",
            {"X": np.asfortranarray(data.X), "y": np.array(data.labels)},
            right=data,
        )
    wide = known(channels=9)
    yield odd("axes turned", {"X": TWO.X.transpose(0, 2, 1), "y": np.array(TWO.labels)}, "--transpose")
    yield odd(
        "axes turned and said so",
        {"X": TWO.X.transpose(0, 2, 1), "y": np.array(TWO.labels)},
        right=TWO,
        layout=Layout(transpose=True),
    )
    yield odd(
        "more channels than values", {"X": wide.X, "y": np.array(wide.labels)}, "--transpose", right=wide
    )
    yield odd("series last", {"X": X.T, "y": y}, "labels of the shape|series")
    yield odd(
        "float16",
        {"X": X.astype(np.float16), "y": y},
        right=DATA.but(X=DATA.X.astype(np.float16).astype(float)),
    )
    yield odd(
        "float32",
        {"X": X.astype(np.float32), "y": y},
        right=DATA.but(X=DATA.X.astype(np.float32).astype(float)),
    )
    yield odd("longdouble", {"X": X.astype(np.longdouble) / 3, "y": y}, "longdouble|float128|float64")
    yield odd("big endian", {"X": X.astype(">f8"), "y": y}, right=DATA)
    yield odd(
        "int8",
        {"X": (W / 4).astype(np.int8), "y": y},
        right=whole.but(X=(whole.X / 4).astype(np.int8).astype(float), labels=DATA.labels),
    )
    yield odd("uint64", {"X": np.full((12, 7), 2**64 - 1, dtype=np.uint64), "y": y}, r"2\*\*53")
    yield odd("bool", {"X": X > 0, "y": y}, right=DATA.but(X=(DATA.X > 0).astype(float)))
    yield odd("complex", {"X": X + 1j, "y": y}, "complex")
    yield odd("text", {"X": X.astype(str), "y": y}, "not of numbers")
    yield odd("dates", {"X": W.astype("datetime64[s]"), "y": y}, "not of numbers")
    yield odd("objects", {"X": X.astype(object), "y": y}, "objects")
    ragged = np.array([x[: 3 + i % 3] for i, x in enumerate(X)], dtype=object)
    yield odd("series of unequal lengths as objects", {"X": ragged, "y": y}, "objects")
    yield odd("labels as objects", {"X": X, "y": y.astype(object)}, "objects.*labels|labels.*objects|astype")
    yield odd("structured", {"X": np.zeros(12, dtype=[("a", "f8"), ("b", "f8")]), "y": y}, "not of numbers")
    yield odd("one axis", {"X": X.ravel(), "y": y}, r"shape \(84,\)")
    yield odd("four axes", {"X": X[:, None, None], "y": y}, r"shape \(12, 1, 1, 7\)")
    yield odd("a scalar", {"X": np.array(1.0), "y": y}, r"shape \(\)")
    yield odd("no series", {"X": X[:0], "y": y[:0]}, r"shape \(0, 7\)")
    yield odd("no values", {"X": X[:, :0], "y": y}, r"shape \(12, 0\)")
    yield odd("NaN and infinity", {"X": np.where(X > 1, np.inf, X), "y": y}, "infinite")
    for key in ("x", "data", "series"):
        yield odd(f"called {key}", {key: X, "labels": y}, right=DATA)
    for key in ("arr_0", "features", "X_train", "trainX"):
        yield odd(f"series called {key}", {key: X, "y": y}, "which array has the series")
        yield odd(
            f"series called {key} and named", {key: X, "y": y}, right=DATA, layout=Layout(values=(key,))
        )
    yield odd("labels called arr_1", {"X": X, "arr_1": y}, "labels.*arr_1|arr_1.*label")
    yield odd("labels called arr_1 and named", {"X": X, "arr_1": y}, right=DATA, layout=Layout(label="arr_1"))
    yield odd("two arrays of series", {"X": X, "data": W, "y": y}, "X.*data|data.*X")
    yield odd("two arrays of labels", {"X": X, "y": y, "target": y[::-1]}, "y.*target|target.*y")
    yield odd("labels by a place", {"X": X, "y": y}, "--label", right=DATA, layout=Layout(label="last"))
    yield odd("labels too few", {"X": X, "y": y[:-1]}, r"labels of the shape \(11,\)")
    yield odd(
        "labels one-hot",
        {"X": X, "y": np.eye(3)[[len(v) - 3 if v != "walk" else 2 for v in y]]},
        r"labels of the shape \(12, 3\).*(argmax|one-hot)",
    )
    yield odd(
        "labels in a column", {"X": X, "y": y[:, None]}, r"labels of the shape \(12, 1\).*(ravel|one axis)"
    )
    yield odd("labels of bytes", {"X": X, "y": y.astype("S")}, "bytes", right=DATA)
    yield odd(
        "labels of whole numbers",
        {"X": X, "y": np.arange(12) % 3},
        right=DATA.but(labels=tuple(str(i % 3) for i in range(12))),
    )
    yield odd(
        "labels of floats",
        {"X": X, "y": np.arange(12.0) % 3},
        right=DATA.but(labels=tuple(str(i % 3) for i in range(12))),
    )
    yield odd(
        "labels of truth",
        {"X": X, "y": np.arange(12) % 3 == 0},
        right=DATA.but(labels=tuple(str(i % 3 == 0) for i in range(12))),
    )
    yield odd(
        "labels with NaN",
        {"X": X, "y": np.where(np.arange(12) == 3, np.nan, np.arange(12) % 3)},
        "series 4: the label is missing",
    )
    yield odd("labels to regress", {"X": X, "y": X[:, 0]}, "look like values")
    yield odd("labels of complex", {"X": X, "y": np.arange(12) % 3 + 1j}, "complex")
    yield odd(
        "labels that are dates",
        {"X": X, "y": (np.arange(12) % 3).astype("datetime64[D]")},
        "datetime|date",
        right=None,
    )
    yield odd(
        "labels of time spans",
        {"X": X, "y": (np.arange(12) % 3).astype("timedelta64[s]")},
        "timedelta",
        right=None,
    )
    yield odd(
        "groups",
        {"X": X, "y": y, "who": np.arange(12) // 2},
        right=DATA.but(groups=tuple(str(i // 2) for i in range(12))),
        layout=Layout(group="who"),
    )
    yield odd(
        "groups with NaN",
        {"X": X, "y": y, "who": np.where(np.arange(12) == 3, np.nan, np.arange(12) // 2)},
        "group is missing",
        layout=Layout(group="who"),
    )
    yield odd(
        "groups of bytes",
        {"X": X, "y": y, "who": np.array([b"a", b"b", b"c"] * 4)},
        "bytes",
        right=DATA.but(groups=tuple("abc" * 4)),
        layout=Layout(group="who"),
    )
    yield odd("ids", {"X": X, "y": y, "who": np.arange(12)}, "--id", layout=Layout(id="who"), right=DATA)
    yield odd("columns that are dropped", {"X": X, "y": y}, "--drop", layout=Layout(drop=("1",)))
    yield odd(
        "a third split",
        {"X_train": X, "y_train": y, "X_test": X + 1, "y_test": y, "X_val": X + 2, "y_val": y},
        "X_val",
        right=None,
    )
    yield odd("series alone", npy(X), "no labels", file="a.npy")
    yield odd("an npz named .npy", npz(X=X, y=y), file="a.npy", right=DATA)
    yield odd(
        "pickled", pickle.dumps({"X": X, "y": y}), "cannot be read as arrays.*pickle|pickle", file="a.npz"
    )
    yield odd("pickled as .npy", npy(np.array({"X": X, "y": y})), "objects", file="a.npy")
    yield odd("cut short", npz(X=X, y=y)[:-30], "cannot be read as arrays")
    yield odd(
        "a byte changed",
        npz(X=X, y=y).replace(X[5].tobytes(), X[4].tobytes(), 1),
        "cannot be read as arrays.*CRC|CRC",
    )
    yield odd("named .csv", npz(X=X, y=y), "zip|NumPy", file="a.csv")
    yield odd("CSV named .npz", text(sheet(DATA)), "cannot be read as arrays", file="a.npz")
    yield odd("a delimiter named", {"X": X, "y": y}, "--delimiter", layout=Layout(delimiter=";"))


def every():
    """Yield every case of this module."""
    yield from of_parquet()
    yield from of_arrays()
