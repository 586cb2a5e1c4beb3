"""How often a study keeps its weights: bytes on disk by place, a file that is linked counted once."""

import argparse
import sys
from pathlib import Path

import pandas as pd
from common import keep

PLACES = {
    "outputs": ("search", "models"),
    "cache of jobs": (".lstmfcn/cache",),
    "cache of DVC": (".dvc/cache",),
    "MLflow": ("mlruns",),
    "all else": (".",),
}


def main():
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("study", type=Path, help="a study in which `dvc repro` has run")
    study = parser.parse_args().study
    seen, rows = set(), []
    weights = sum(path.stat().st_size for name in PLACES["outputs"] for path in (study / name).rglob("*.npz"))
    for place, folders in PLACES.items():
        files = [path for name in folders for path in (study / name).rglob("*") if path.is_file()]
        own = [path for path in files if ".git" not in path.parts and ".venv" not in path.parts]
        total = sum(path.stat().st_size for path in own)
        new = {(path.stat().st_dev, path.stat().st_ino): path.stat().st_size for path in own}
        once = sum(size for inode, size in new.items() if inode not in seen)
        seen |= new.keys()
        rows.append((place, len(own), total, once))
    table = pd.DataFrame(rows, columns=["place", "files", "bytes", "bytes_more"])
    keep(table.assign(weights=weights), "disk")
    sys.stdout.write(table.to_string(index=False) + "\n")
    linked = table["bytes_more"].iloc[:-1].sum()
    sys.stdout.write(f"weights {weights:,} bytes; these places hold {linked / weights:.2f} times as much\n")


if __name__ == "__main__":
    main()
