import csv
from pathlib import Path

import pytest

from lstmfcn.data.catalogue import current_name, load_catalogue, lookup

TABLE1 = Path(__file__).parents[2] / "src/lstmfcn/evaluation/table1.csv"


def test_the_catalogue_holds_the_datasets_of_the_papers_table():
    """Names, class counts and swapped splits against the transcript of table 1."""
    with TABLE1.open(encoding="utf-8") as file:
        rows = {row["dataset"]: row for row in csv.DictReader(file)}
    entries = load_catalogue()
    assert set(entries) == set(rows)
    assert len(entries) == 85
    for name, entry in entries.items():
        assert entry.dataset == name
        assert entry.name_in_paper == rows[name]["name_in_paper"]
        assert entry.n_classes == int(rows[name]["n_classes"])
        assert entry.split_sizes_swapped == (rows[name]["split_sizes_swapped_2015_2018"] == "1")


def test_sizes_are_those_of_the_2018_edition():
    """Against figures of the archive's own summary, of datasets with swapped splits and without."""
    known = {
        "Adiac": (390, 391, 176, 37),
        "FordA": (3601, 1320, 500, 2),
        "GunPoint": (50, 150, 150, 2),
        "HandOutlines": (1000, 370, 2709, 2),
        "StarLightCurves": (1000, 8236, 1024, 3),
        "Strawberry": (613, 370, 235, 2),
        "UWaveGestureLibraryAll": (896, 3582, 945, 8),
        "Worms": (181, 77, 900, 5),
        "Yoga": (300, 3000, 426, 2),
    }
    entries = load_catalogue()
    assert {
        n: (e.n_train, e.n_test, e.length, e.n_classes) for n, e in entries.items() if n in known
    } == known


def test_checksums_are_whole_and_none_occurs_twice():
    sums = [s for e in load_catalogue().values() for s in (e.sha256_train, e.sha256_test) if s]
    assert len(sums) >= 2
    assert len(set(sums)) == len(sums)
    assert all(len(s) == 64 and set(s) <= set("0123456789abcdef") for s in sums)


def test_a_name_that_is_not_in_the_archive_has_no_entry():
    assert lookup("GunPoint") is load_catalogue()["GunPoint"]
    assert lookup("gunpoint") is None
    assert lookup("Gun Point") is None


@pytest.mark.parametrize(
    ("name", "current"),
    [
        ("Gun_Point", "GunPoint"),
        ("uWaveGestureLibrary_X", "UWaveGestureLibraryX"),
        ("synthetic_control", "SyntheticControl"),
        ("50words", "FiftyWords"),
        ("SonyAIBORobotSurfaceII", "SonyAIBORobotSurface2"),
        ("Coffee", "Coffee"),
        ("Pumps 3", "Pumps 3"),
    ],
)
def test_former_names_are_known(name, current):
    assert current_name(name) == current
