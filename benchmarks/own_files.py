"""Twelve files in the shapes in which people hold series, each from the file to predictions.

The files are made from real sets: the archive's (LSTMFCN_UCR_DIR) and those of the aeon wheel. Each is
brought into a study of its own by the commands that are printed, by the default recipe. Those with several
channels, unequal lengths or missing values are given to aeon's FCN and MiniRocket too, on the same split.
"""

import argparse
import csv
import gzip
import json
import os
import shlex
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
from aeon.datasets import load_classification

from lstmfcn.data.collection import read_dataset

RNG = np.random.default_rng(0)
ENVIRONMENT = os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
"""DVC calls the command line by its name."""


def archive(name, part):
    """Return a split of the archive: series (n, length) and labels."""
    path = Path(os.environ["LSTMFCN_UCR_DIR"], name, f"{name}_{part}.tsv")
    rows = np.loadtxt(path, delimiter="\t", ndmin=2)
    return rows[:, 1:], rows[:, 0].astype(int).astype(str)


def whole(name):
    """Return both splits of the archive as one."""
    parts = [archive(name, part) for part in ("TRAIN", "TEST")]
    return np.concatenate([X for X, _ in parts]), np.concatenate([y for _, y in parts])


def pandas_csv(folder):
    """A frame by `to_csv`: an index without a title, titles, the label behind."""
    X, y = whole("GunPoint")
    frame = pd.DataFrame(X, columns=[f"t{i}" for i in range(X.shape[1])]).assign(motion=y)
    frame.to_csv(folder / "motions.csv")
    return ["motions.csv"], []


def german_csv(folder):
    """Semicolons, decimal commas, a byte order mark, a label with an umlaut in front."""
    X, y = archive("ItalyPowerDemand", "TRAIN")
    names = {"1": "Oktober bis März", "2": "April bis September"}
    for part, (X, y) in {p: archive("ItalyPowerDemand", p.upper()) for p in ("train", "test")}.items():
        rows = [["Halbjahr", *(f"{h}h" for h in range(24))]]
        rows += [[names[k], *(f"{v:.6f}".replace(".", ",") for v in x)] for x, k in zip(X, y, strict=True)]
        text = "".join(";".join(row) + "\r\n" for row in rows)
        (folder / f"{part}.csv").write_bytes(text.encode("utf-8-sig"))
    return ["train.csv", "test.csv"], []


def long_csv(folder):
    """A row a time step, the rows in any order."""
    X, y = whole("ECG200")
    n, length = X.shape
    frame = pd.DataFrame(
        {
            "beat": np.repeat(np.arange(n) + 1000, length),
            "ms": np.tile(np.arange(length) * 10, n),
            "mV": X.ravel(),
            "kind": np.repeat(np.where(y == "1", "normal", "ischemia"), length),
        }
    )
    frame.sample(frac=1, random_state=0).to_csv(folder / "beats.csv", index=False)
    return ["beats.csv"], ["--id", "beat", "--time", "ms", "--value", "mV", "--label", "kind"]


def excel_text(folder):
    """Unicode text as a spreadsheet saves it: UTF-16, tabs, quotes, Windows line ends."""
    X, y = whole("Coffee")
    with (folder / "coffee.txt").open("w", encoding="utf-16", newline="") as file:
        writer = csv.writer(file, dialect="excel-tab", quoting=csv.QUOTE_NONNUMERIC)
        writer.writerow(["class", *(f"wave {i}" for i in range(X.shape[1]))])
        writer.writerows(
            ["Robusta" if k == "0" else "Arabica", *x] for x, k in zip(X.tolist(), y, strict=True)
        )
    return ["coffee.txt"], []


def arrays(folder):
    """Arrays X and y in one file."""
    X, y = whole("ArrowHead")
    np.savez(folder / "points.npz", X=X.astype(np.float32), y=y.astype(int))
    return ["points.npz"], []


def parquet(folder):
    """A wide table of Parquet, with a column that names each series and one of whose it is."""
    X, y = whole("TwoLeadECG")
    frame = pd.DataFrame(X, columns=[f"s{i}" for i in range(X.shape[1])])
    frame.insert(0, "patient", RNG.integers(0, 80, len(X)))
    frame.insert(0, "recording", [f"r{i:04}" for i in range(len(X))])
    frame.assign(diagnosis=y).to_parquet(folder / "recordings.parquet")
    return ["recordings.parquet"], ["--id", "recording", "--group", "patient", "--label", "diagnosis"]


def arff(folder):
    """Compressed ARFF, train and test."""
    for part in ("TRAIN", "TEST"):
        X, y = archive("SonyAIBORobotSurface1", part)
        lines = ["@relation robot", *(f"@attribute a{i} real" for i in range(X.shape[1]))]
        lines += ["@attribute surface {1,2}", "@data"]
        lines += [",".join([*map(repr, x.tolist()), k]) for x, k in zip(X, y, strict=True)]
        with gzip.open(folder / f"robot_{part}.arff.gz", "wt") as file:
            file.write("\n".join(lines) + "\n")
    return ["robot_TRAIN.arff.gz", "robot_TEST.arff.gz"], []


def channels_long(folder):
    """Six channels, a row a time step and channel."""
    for part in ("train", "test"):
        X, y = load_classification("BasicMotions", split=part)
        n, c, length = X.shape
        at = np.indices(X.shape).reshape(3, -1)
        pd.DataFrame(
            {
                "walk": at[0],
                "axis": np.array(["ax", "ay", "az", "gx", "gy", "gz"])[at[1]],
                "tenth": at[2],
                "reading": X.ravel(),
                "activity": y[at[0]],
            }
        ).to_csv(folder / f"{part}.csv", index=False)
        assert c == 6
        assert n * c * length == X.size
    layout = "--id walk --time tenth --channel axis --value reading --label activity"
    return ["train.csv", "test.csv"], shlex.split(layout)


def keras_arrays(folder):
    """The same, as arrays of (series, length, channels)."""
    found = {}
    for part in ("train", "test"):
        X, y = load_classification("BasicMotions", split=part)
        found |= {f"X_{part}": X.transpose(0, 2, 1), f"y_{part}": y}
    np.savez_compressed(folder / "motions.npz", **found)
    return ["motions.npz"], ["--transpose"]


def unequal_ts(folder):
    """Twelve channels of 7 to 29 values, as `.ts`."""
    for part in ("train", "test"):
        series, labels = load_classification("JapaneseVowels", split=part, load_equal_length=False)
        lines = ["@problemName vowels", "@timeStamps false", "@missing false", "@univariate false"]
        lines += ["@dimensions 12", "@equalLength false", "@classLabel true " + " ".join(sorted({*labels}))]
        lines += ["@data"]
        for one, label in zip(series, labels, strict=True):
            lines.append(":".join([*(",".join(map(repr, c.tolist())) for c in one), label]))
        (folder / f"vowels_{part.upper()}.ts").write_text("\n".join(lines) + "\n")
    return ["vowels_TRAIN.ts", "vowels_TEST.ts"], ["--lengths", "pad", "--length", "29"]


def short_rows(folder):
    """Rows as long as their series, 29 to 361 values."""
    for part in ("train", "test"):
        series, labels = load_classification("PickupGestureWiimoteZ", split=part, load_equal_length=False)
        lines = [
            ",".join([label, *map(repr, x[0].tolist())]) for x, label in zip(series, labels, strict=True)
        ]
        (folder / f"gestures_{part}.csv").write_text("\n".join(lines) + "\n")
    return ["gestures_train.csv", "gestures_test.csv"], ["--lengths", "resample"]


def gaps(folder):
    """One value in eight missing, as empty cells."""
    for part in ("TRAIN", "TEST"):
        X, y = archive("GunPoint", part)
        frame = pd.DataFrame(np.where(RNG.random(X.shape) < 1 / 8, np.nan, X))
        frame.columns = [f"t{i}" for i in range(X.shape[1])]
        frame.assign(label=np.where(y == "1", "gun", "point")).to_csv(folder / f"{part}.csv", index=False)
    return ["TRAIN.csv", "TEST.csv"], ["--missing", "interpolate"]


ARRAYS = ["--transpose", "--value", "X_test", "--label", "y_test"]
"""Which of several arrays are to be predicted."""

FILES = (pandas_csv, german_csv, long_csv, excel_text, arrays, parquet, arff, keras_arrays)
BESIDE = (channels_long, unequal_ts, short_rows, gaps)
"""Those that aeon's classifiers are given too."""


def call(command, folder):
    """Run a command of the tutorial; return what it said."""
    program, *rest = command
    done = subprocess.run(
        [sys.executable, "-m", program, *rest],
        cwd=folder,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"{shlex.join(command)}\n{done.stdout}{done.stderr}")
    return done.stdout


def study(make, root):
    """Return the study that a file was brought into, the commands that did it, and the minutes."""
    files = root / "files" / make.__name__
    files.mkdir(parents=True)
    names, layout = make(files)
    name = make.__name__.title().replace("_", "")
    folder, began = root / "studies" / name, time.monotonic()
    call(["lstmfcn", "init", str(folder), "--datasets", name], root)
    add = ["lstmfcn", "add", name, *(str(files / one) for one in names), *layout, "--yes"]
    asked = ARRAYS if make is keras_arrays else _of_the_file(layout)
    predict = ["lstmfcn", "predict", name, str(files / names[-1]), *asked]
    for command in (add, ["dvc", "repro"], predict):
        call(command, folder)
    shown = [f"lstmfcn add {name} {shlex.join([*names, *layout])} --yes", "dvc repro"]
    shown.append(f"lstmfcn predict {name} {shlex.join([names[-1], *asked])}")
    return folder, name, shown, (time.monotonic() - began) / 60


def _of_the_file(layout):
    """Return the options that say how a file is laid out: no policies, and a group is a column to drop."""
    pairs = zip(layout[::2], layout[1::2], strict=False) if "--transpose" not in layout else []
    kept = [] if pairs else list(layout)
    for option, value in pairs:
        if option not in ("--lengths", "--length", "--missing"):
            kept += ["--drop" if option == "--group" else option, value]
    return kept


def peers(folder, name):
    """Return the test accuracies, and the seconds, of aeon's FCN and MiniRocket on the splits of a study."""
    from aeon.classification.convolution_based import MiniRocketClassifier
    from aeon.classification.deep_learning import FCNClassifier

    found = {}
    train, test = read_dataset(folder / "data/raw" / name)
    X, X_test = equal(train, test)
    for peer in (FCNClassifier(random_state=0, verbose=False), MiniRocketClassifier(random_state=0)):
        began = time.monotonic()
        right = peer.fit(X, train.labels).predict(X_test) == test.labels
        found[type(peer).__name__] = float(np.mean(right)), time.monotonic() - began
    return found


def equal(train, test):
    """Return series as those classifiers need them: gaps on the line, resampled to the longest, z-scores."""
    from lstmfcn.data.preprocessing import Preprocessing

    fitted = Preprocessing.fit(train.X, normalise="per_series", lengths="resample", missing="interpolate")
    return fitted.apply(train.X), fitted.apply(test.X)


def main():
    """Print the commands and a row for each file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="where to put files and studies; must not exist")
    parser.add_argument("--only", nargs="*", default=[], help="some of the files, by their function's name")
    arguments = parser.parse_args()
    root = arguments.folder.resolve()
    root.mkdir(parents=True)
    rows = []
    for make in (*FILES, *BESIDE):
        if arguments.only and make.__name__ not in arguments.only:
            continue
        folder, name, commands, minutes = study(make, root)
        champion = json.loads((folder / "promotions.json").read_text())[name]["best"]
        results = pd.read_csv(folder / "results/results.csv").set_index("key")
        ours = results.loc[champion["key"], "accuracy"]
        beside = peers(folder, name) if make in BESIDE else {}
        print(f"{make.__doc__.strip()}", *(f"    {c}" for c in commands), sep="\n", flush=True)
        cells = [f"{right:.3f} ({seconds:.0f} s)" for right, seconds in beside.values()] or ["", ""]
        rows.append([make.__name__, f"{minutes:.1f}", champion["model"], f"{ours:.3f}", *cells])
        print("|", " | ".join(rows[-1]), "|", flush=True)
    print("\n| file | minutes | champion | test accuracy | aeon FCN | aeon MiniRocket |")
    print("|---|---|---|---|---|---|")
    for row in rows:
        print("|", " | ".join(row), "|")


if __name__ == "__main__":
    main()
