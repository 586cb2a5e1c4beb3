"""The catalogue: the paper's 85 datasets as the 2018 edition of the UCR archive has them."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

SPLITS = ("TRAIN", "TEST")
"""What the archive calls the two files of a dataset."""


@dataclass(frozen=True)
class CatalogueEntry:
    """One dataset of the archive.

    Attributes
    ----------
    dataset, name_in_paper
        Its name in the 2018 edition, and in the paper.
    n_train, n_test, length, n_classes
        Sizes of the 2018 edition.
    split_sizes_swapped
        Whether the 2015 edition, which the paper used, swaps the sizes of the two splits.
    sha256_train, sha256_test
        The checksums of the 2018 edition's `.tsv` files, empty where not known.
    zenodo_record
        The number of the dataset's record on Zenodo, where the archive is mirrored.
    """

    dataset: str
    name_in_paper: str
    n_train: int
    n_test: int
    length: int
    n_classes: int
    split_sizes_swapped: bool
    sha256_train: str
    sha256_test: str
    zenodo_record: int


@cache
def load_catalogue() -> dict[str, CatalogueEntry]:
    """Return the entries by the name of the 2018 edition."""
    text = files("lstmfcn.data").joinpath("catalogue.csv").read_text(encoding="utf-8")
    return {
        row["dataset"]: CatalogueEntry(
            dataset=row["dataset"],
            name_in_paper=row["name_in_paper"],
            **{
                name: int(row[name]) for name in ("n_train", "n_test", "length", "n_classes", "zenodo_record")
            },
            split_sizes_swapped=row["split_sizes_swapped_2015_2018"] == "1",
            sha256_train=row["sha256_train"],
            sha256_test=row["sha256_test"],
        )
        for row in csv.DictReader(text.splitlines())
    }


def lookup(name: str) -> CatalogueEntry | None:
    """Return the entry of a dataset; None for one that the archive's catalogue does not hold."""
    return load_catalogue().get(name)


# Other names than those of 2018 under which published results know a dataset, folded as below.
FORMER_NAMES = {
    "50words": "FiftyWords",
    "lighting2": "Lightning2",
    "lighting7": "Lightning7",
    "noninvasivefatalecgthorax1": "NonInvasiveFetalECGThorax1",
    "noninvasivefatalecgthorax2": "NonInvasiveFetalECGThorax2",
    "sonyaiborobotsurface": "SonyAIBORobotSurface1",
    "sonyaiborobotsurfaceii": "SonyAIBORobotSurface2",
    "wordssynonyms": "WordSynonyms",
}


def current_name(name: str) -> str:
    """Return what the 2018 edition calls a dataset, whatever its case, blanks and edition; else `name`."""
    known = {entry.lower(): entry for entry in load_catalogue()} | FORMER_NAMES
    return known.get(re.sub(r"[\W_]", "", name).lower(), name)
