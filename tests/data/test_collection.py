import contextlib
import dataclasses
import gzip
import hashlib
import io
import os
import threading
import time
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from lstmfcn.data import collection, download
from lstmfcn.data.catalogue import load_catalogue
from lstmfcn.data.collection import SourceGoneError, fetch_dataset, is_whole, read_dataset
from lstmfcn.errors import DataError
from lstmfcn.files import hash_file, read_json, write_json

TRAIN = "1\t0.5\t1\t2\n2\t3\t4\t5.25\n"
TEST = "2\t7\t8\t9\n"


@pytest.fixture
def ucr(tmp_path):
    """Return a folder in the archive's layout, with one dataset that no archive has."""
    folder = tmp_path / "ucr"
    put(folder, "Mine", TRAIN, TEST)
    return folder


def answer(request, content, sent=None):
    """Answer with a page, or from where the client already has it; break off after `sent` bytes."""
    had = int(request.headers.get("Range", "bytes=0-").removeprefix("bytes=").removesuffix("-"))
    request.send_response(404 if content is None else 206 if had else 200)
    request.send_header("Content-Length", str(len(content or b"") - had))
    request.end_headers()
    request.wfile.write((content or b"")[had:sent])


@pytest.fixture
def site(monkeypatch):
    """Serve pages on this machine; `Car`, which no test has at hand, comes from `/first` and `/second`."""
    pages = {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            content = pages.get(self.path)
            if isinstance(content, list):  # a fault for each time it is asked, then the content
                content = content.pop(0) if len(content) > 1 else content[0]
            if callable(content):
                return content(self)
            return answer(self, content)

        def log_message(self, *_):
            pass

    asked = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    base = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(download, "ARCHIVE", base + "/archive/{name}.zip")
    monkeypatch.setattr(download, "PAUSES", (0, 0.01, 0.02))
    monkeypatch.setattr(download, "MIRROR", base + "/{record}/{name}_{split}.ts")
    pages["asked"] = asked
    yield pages
    server.shutdown()
    thread.join()
    server.server_close()


def put(folder, name, train, test, suffix=".tsv"):
    (folder / name).mkdir(parents=True, exist_ok=True)
    for split, text in (("TRAIN", train), ("TEST", test)):
        (folder / name / f"{name}_{split}{suffix}").write_text(text)


def zipped(members):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as file:
        for name, text in members.items():
            file.writestr(name, text)
    return content.getvalue()


def ts(text):
    rows = (line.split("\t") for line in text.splitlines())
    return "@classLabel true 1 2\n@data\n" + "".join(f"{','.join(values)}:{y}\n" for y, *values in rows)


CAR = {"Car_TRAIN.ts": ts(TRAIN), "Car_TEST.ts": ts(TEST), "Car.txt": "a description"}


def tree(folder):
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_a_dataset_comes_from_the_folder_given(tmp_path, ucr):
    lines = []
    folder = fetch_dataset("Mine", tmp_path / "raw", ucr_dir=ucr, report=lines.append)
    assert folder == tmp_path / "raw/Mine"
    assert [p.name for p in (tmp_path / "raw").iterdir()] == ["Mine"]
    assert set(tree(folder)) == {"Mine_TRAIN.tsv", "Mine_TEST.tsv", "source.json"}
    assert len(lines) == 1
    assert "Mine" in lines[0]
    train, test = read_dataset(folder)
    np.testing.assert_array_equal(train.X, [[[0.5, 1, 2]], [[3, 4, 5.25]]])
    assert train.labels.tolist() == ["1", "2"]
    np.testing.assert_array_equal(test.X, [[[7, 8, 9]]])
    kept = read_json(folder / "source.json")
    for name, digest in kept["sha256"].items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest
    assert set(kept["sha256"]) == {"Mine_TRAIN.tsv", "Mine_TEST.tsv"}


@pytest.mark.parametrize("suffix", ["", ".txt", ".csv", ".ts"])
def test_the_bytes_do_not_depend_on_the_format(tmp_path, ucr, suffix):
    """Nor on where the folder lies, nor on when it was fetched."""
    text = {".ts": ts}.get(suffix, lambda content: content.replace("\t", " " if suffix == "" else ","))
    put(tmp_path / "other", "Mine", text(TRAIN), text(TEST), suffix)
    first = fetch_dataset("Mine", tmp_path / "a", ucr_dir=ucr)
    second = fetch_dataset("Mine", tmp_path / "b", ucr_dir=tmp_path / "other")
    assert tree(first) == tree(second)


@pytest.mark.parametrize("dataset", ["GunPoint", "ItalyPowerDemand", "ArrowHead", "OSULeaf"])
def test_the_bytes_do_not_depend_on_the_source(tmp_path, dataset):
    given = os.environ.get("LSTMFCN_UCR_DIR")
    if not given:
        pytest.skip("LSTMFCN_UCR_DIR is unset: no copy of the archive")
    from_folder = fetch_dataset(dataset, tmp_path / "a", ucr_dir=Path(given))
    from_aeon = fetch_dataset(dataset, tmp_path / "b", ucr_dir=None)
    assert tree(from_folder) == tree(from_aeon)


def test_the_aeon_wheel_holds_a_dataset_of_several_channels(tmp_path):
    train, test = read_dataset(fetch_dataset("BasicMotions", tmp_path, ucr_dir=None))
    assert train.X.shape == test.X.shape == (40, 6, 100)
    assert set(train.labels) == {"Standing", "Running", "Walking", "Badminton"}


def test_what_is_whole_is_left_alone_and_what_is_not_is_fetched_again(tmp_path, ucr):
    folder = fetch_dataset("Mine", tmp_path / "raw", ucr_dir=ucr)
    before = tree(folder)
    times = {p: p.stat().st_mtime_ns for p in folder.iterdir()}
    assert fetch_dataset("Mine", tmp_path / "raw", ucr_dir=ucr, report=pytest.fail) == folder
    assert {p: p.stat().st_mtime_ns for p in folder.iterdir()} == times
    for damage in ("Mine_TEST.tsv", "source.json"):
        (folder / damage).write_text("[]")
        fetch_dataset("Mine", tmp_path / "raw", ucr_dir=ucr)
        assert tree(folder) == before
        (folder / damage).unlink()
        fetch_dataset("Mine", tmp_path / "raw", ucr_dir=ucr)
        assert tree(folder) == before


def test_a_file_that_was_corrected_is_fetched_again(tmp_path, ucr):
    """Someone mends a row that validation named: the next run must see it."""
    fetch_dataset("Mine", tmp_path / "raw", ucr_dir=ucr)
    (ucr / "Mine/Mine_TEST.tsv").write_text("1\t7\t8\t9\n")
    _, test = read_dataset(fetch_dataset("Mine", tmp_path / "raw", ucr_dir=ucr))
    assert test.labels.tolist() == ["1"]


@pytest.fixture
def double(monkeypatch):
    """Return a call that changes the code of the reader: every number is doubled from then on."""
    read = collection.read_series

    def doubled(path):
        series = read(path)
        return dataclasses.replace(series, X=2 * series.X)

    def change():
        monkeypatch.setattr(collection, "code_hash", lambda *_: "doubled")
        monkeypatch.setattr(collection, "read_series", doubled)

    return change


def numbers_of(folder, split="TRAIN"):
    return np.loadtxt(folder / f"{folder.name}_{split}.tsv", ndmin=2)[:, 1:]


@pytest.mark.parametrize("name", ["Mine", "GunPoint"])
def test_what_an_older_reader_read_is_read_again(tmp_path, ucr, double, name):
    """From the folder given, and from the aeon wheel."""
    folder = fetch_dataset(name, tmp_path / "raw", ucr_dir=ucr)
    before = numbers_of(folder)
    double()
    fetch_dataset(name, tmp_path / "raw", ucr_dir=ucr)
    np.testing.assert_array_equal(numbers_of(folder), 2 * before)
    assert read_json(folder / "source.json")["code"] == "doubled"
    fetch_dataset(name, tmp_path / "raw", ucr_dir=None if name == "GunPoint" else ucr, report=pytest.fail)


@pytest.mark.parametrize("ucr_dir", [None, "/unmounted", "relative"])
def test_a_copy_whose_source_is_gone_stays_and_is_named_with_its_date(tmp_path, ucr, monkeypatch, ucr_dir):
    folder = fetch_dataset("Mine", tmp_path / "raw", ucr_dir=ucr)
    before = tree(folder)
    os.utime(folder / "source.json", (1e9, 1e9))
    monkeypatch.chdir(tmp_path / "raw")
    place = None if ucr_dir is None else Path(ucr_dir)
    with pytest.raises(
        SourceGoneError, match=r"Mine is the copy of 2001-09-0[89]: its source is gone"
    ) as error:
        fetch_dataset("Mine", tmp_path / "raw", ucr_dir=place)
    remedies = {None: "LSTMFCN_UCR_DIR, which is not set", "/unmounted": "Correct or unset it"}
    assert remedies.get(ucr_dir, f"looked for from {tmp_path / 'raw'}: give it as an absolute path") in str(
        error.value
    )
    assert tree(folder) == before


def test_data_that_was_added_is_found_before_all_else(tmp_path, ucr):
    put(tmp_path / "own", "Mine", "1\t9\t9\t9\n2\t3\t4\t5\n", TEST)
    (tmp_path / "own/Mine/Mine_TRAIN.origin.csv").write_text("series,row,id,group\n1,7,x,p1\n2,9,y,p2\n")
    folder = fetch_dataset("Mine", tmp_path / "raw", own_dir=tmp_path / "own", ucr_dir=ucr)
    train, test = read_dataset(folder)
    np.testing.assert_array_equal(train.X[0], [[9, 9, 9]])
    assert (train.ids.tolist(), train.groups.tolist()) == (["x", "y"], ["p1", "p2"])
    assert (test.ids, test.groups) == (None, None)
    (tmp_path / "own/Mine/Mine_TRAIN.tsv").write_text(TRAIN)
    fetch_dataset("Mine", tmp_path / "raw", own_dir=tmp_path / "own", ucr_dir=ucr)
    assert read_dataset(folder)[0].X[0, 0, 0] == 0.5
    (tmp_path / "own/Mine/Mine_TRAIN.origin.csv").write_text("series,row\n1,7\n")
    fetch_dataset("Mine", tmp_path / "raw", own_dir=tmp_path / "own", ucr_dir=ucr)
    with pytest.raises(DataError, match="1 rows for 2 series"):
        read_dataset(folder)


def test_data_that_dvc_has_but_is_not_checked_out_is_named(tmp_path):
    (tmp_path / "own").mkdir()
    (tmp_path / "own/Mine.dvc").touch()
    with pytest.raises(DataError, match=r"own/Mine is not checked out. Run `dvc checkout"):
        fetch_dataset("Mine", tmp_path / "raw", own_dir=tmp_path / "own")


def test_files_of_no_known_format_are_listed_beside_those_that_are_known(tmp_path, ucr):
    for split in ("TRAIN", "TEST"):
        (ucr / f"Mine/Mine_{split}.tsv").rename(ucr / f"Mine/Mine_{split}.xlsx")
    with pytest.raises(
        DataError, match=r"\.tsv, \.ts, .*It holds Mine_TEST\.xlsx, Mine_TRAIN\.xlsx"
    ) as error:
        fetch_dataset("Mine", tmp_path / "raw", ucr_dir=ucr)
    assert "Did you mean" not in str(error.value)


def test_a_split_may_be_compressed(tmp_path, ucr):
    plain = tree(fetch_dataset("Mine", tmp_path / "a", ucr_dir=ucr))
    path = ucr / "Mine/Mine_TRAIN.tsv"
    (ucr / "Mine/Mine_TRAIN.tsv.gz").write_bytes(gzip.compress(path.read_bytes()))
    path.unlink()
    assert tree(fetch_dataset("Mine", tmp_path / "b", ucr_dir=ucr)) == plain


def test_what_was_downloaded_is_kept_and_read_again_without_a_network(tmp_path, site, double):
    site["/archive/Car.zip"] = zipped(CAR)
    places = {"downloads": tmp_path / "downloads"}
    folder = fetch_dataset("Car", tmp_path / "raw", **places)
    before = numbers_of(folder)
    assert (tmp_path / "downloads/Car/Car_TRAIN.ts").read_text() == CAR["Car_TRAIN.ts"]
    del site["/archive/Car.zip"]
    site["asked"].clear()
    double()
    lines = []
    fetch_dataset("Car", tmp_path / "raw", report=lines.append, **places)
    np.testing.assert_array_equal(numbers_of(folder), 2 * before)
    assert lines == ["fetch: Car from what was downloaded before"]
    assert site["asked"] == []


def test_a_kept_download_that_was_damaged_is_not_used(tmp_path, site, double):
    """Then the site is asked, once; where it is down, the older reader's copy stays."""
    site["/archive/Car.zip"] = [zipped(CAR), None]
    places = {"downloads": tmp_path / "downloads"}
    folder = fetch_dataset("Car", tmp_path / "raw", **places)
    before = tree(folder)
    (tmp_path / "downloads/Car/Car_TEST.ts").write_text(CAR["Car_TEST.ts"].replace("7", "8"))
    site["asked"].clear()
    double()
    lines = []
    fetch_dataset("Car", tmp_path / "raw", report=lines.append, **places)
    assert tree(folder) == before
    assert site["asked"].count("/archive/Car.zip") == 1
    assert "source is not at hand" in lines[0]


def test_a_fault_leaves_nothing_behind(tmp_path, ucr):
    (ucr / "Mine/Mine_TEST.tsv").write_text("1\t7\tx\t9\n")
    with pytest.raises(DataError, match=r"ucr/Mine/Mine_TEST\.tsv, row 1, column 3: 'x'"):
        fetch_dataset("Mine", tmp_path / "raw", ucr_dir=ucr)
    assert list((tmp_path / "raw").iterdir()) == []


def test_labels_are_needed(tmp_path):
    put(tmp_path / "ucr", "Mine", "@data\n1,2\n", "@data\n1,2\n", ".ts")
    with pytest.raises(DataError, match=r"Mine_TRAIN\.ts holds no labels"):
        fetch_dataset("Mine", tmp_path / "raw", ucr_dir=tmp_path / "ucr")


def test_both_splits_are_needed(tmp_path, ucr):
    (ucr / "Mine/Mine_TEST.tsv").unlink()
    with pytest.raises(DataError, match=r"Mine_TEST\.tsv"):
        fetch_dataset("Mine", tmp_path / "raw", ucr_dir=ucr)


def test_a_folder_that_does_not_exist_is_an_error(tmp_path):
    with pytest.raises(DataError, match=r"LSTMFCN_UCR_DIR is .*none"):
        fetch_dataset("GunPoint", tmp_path / "raw", ucr_dir=tmp_path / "none")


def test_an_unknown_name_is_answered_with_the_nearest_one(tmp_path, ucr):
    with pytest.raises(DataError, match=r"'GunPiont'.*Did you mean 'GunPoint'\?.*LSTMFCN_UCR_DIR"):
        fetch_dataset("GunPiont", tmp_path / "raw", ucr_dir=None)
    with pytest.raises(DataError, match=r"Did you mean 'Mine'\?"):
        fetch_dataset("Mines", tmp_path / "raw", ucr_dir=ucr)


@pytest.mark.parametrize("name", ["", "..", "../ucr/Mine", "a/b", ".hidden", "-x", "a b", "Mine\n"])
def test_a_name_is_no_path(tmp_path, ucr, name):
    with pytest.raises(DataError, match="no name for a dataset"):
        fetch_dataset(name, tmp_path / "raw", ucr_dir=ucr)


def test_a_file_that_is_not_the_archives_is_refused(tmp_path, ucr):
    """GunPoint's name promises the archive's own files, whose checksums are known."""
    put(ucr, "GunPoint", TRAIN, TEST)
    with pytest.raises(DataError, match=r"GunPoint_TRAIN\.tsv is not the file of the 2018 archive"):
        fetch_dataset("GunPoint", tmp_path / "raw", ucr_dir=ucr)


def test_a_dataset_is_downloaded(tmp_path, site):
    site["/archive/Car.zip"] = zipped(CAR)
    folder = fetch_dataset("Car", tmp_path / "raw", ucr_dir=None)
    assert (folder / "Car_TRAIN.tsv").read_text() == "1\t0.5\t1.0\t2.0\n2\t3.0\t4.0\t5.25\n"
    assert [p.name for p in (tmp_path / "raw").iterdir()] == ["Car"]
    assert site["asked"] == ["/archive/Car.zip"]


BROKEN = {
    "absent": None,
    "a page in its place": b"<html>200, but not here</html>",
    "cut short": zipped(CAR)[:-40],
    "damaged inside": zipped(CAR).replace(zipped(CAR)[50:60], bytes(10)),
    "without the test split": zipped({"Car_TRAIN.ts": ts(TRAIN)}),
}


@pytest.mark.parametrize("fault", BROKEN)
def test_the_mirror_is_asked_where_the_archive_fails(tmp_path, site, fault):
    site["/archive/Car.zip"] = BROKEN[fault]
    record = load_catalogue()["Car"].zenodo_record
    for split in ("TRAIN", "TEST"):
        site[f"/{record}/Car_{split}.ts"] = CAR[f"Car_{split}.ts"].encode()
    folder = fetch_dataset("Car", tmp_path / "raw", ucr_dir=None)
    np.testing.assert_array_equal(read_dataset(folder)[1].X, [[[7, 8, 9]]])
    assert site["asked"] == ["/archive/Car.zip", f"/{record}/Car_TRAIN.ts", f"/{record}/Car_TEST.ts"]


def test_a_download_that_breaks_off_is_taken_up_there(tmp_path, site):
    whole = zipped(CAR)
    ranges = []

    def breaks_off_after(sent):
        def handle(request):
            ranges.append(request.headers.get("Range"))
            answer(request, whole, sent)

        return handle

    site["/archive/Car.zip"] = [breaks_off_after(100), breaks_off_after(250), breaks_off_after(None)]
    folder = fetch_dataset("Car", tmp_path / "raw", ucr_dir=None)
    np.testing.assert_array_equal(read_dataset(folder)[1].X, [[[7, 8, 9]]])
    assert ranges == [None, "bytes=100-", "bytes=250-"]
    assert [p.name for p in (tmp_path / "raw").iterdir()] == ["Car"]


def test_a_site_that_knows_no_ranges_is_asked_for_the_whole(tmp_path, site):
    def refuses(request):
        request.send_error(416)

    whole = zipped(CAR)
    site["/archive/Car.zip"] = [lambda request: answer(request, whole, 100), refuses, whole]
    fetch_dataset("Car", tmp_path / "raw", ucr_dir=None)


def down(request):
    """Answer as a site does that is too busy."""
    request.send_error(503)


def test_a_site_that_is_down_for_a_while_is_asked_again(tmp_path, site):
    site["/archive/Car.zip"] = [down, down, zipped(CAR)]
    fetch_dataset("Car", tmp_path / "raw", ucr_dir=None)
    assert site["asked"].count("/archive/Car.zip") == 3


def test_what_was_downloaded_before_a_site_went_down_is_kept(tmp_path, site):
    whole = zipped(CAR)
    ranges = []

    def comes_back(request):
        ranges.append(request.headers.get("Range"))
        answer(request, whole)

    site["/archive/Car.zip"] = [lambda request: answer(request, whole, 100), down, comes_back]
    fetch_dataset("Car", tmp_path / "raw", ucr_dir=None)
    assert ranges == ["bytes=100-"]


def test_a_site_that_drips_is_given_up(tmp_path, site, monkeypatch):
    monkeypatch.setattr(download, "TIMEOUT", 0.3)

    def drips(request):
        request.send_response(200)
        request.send_header("Content-Length", "100000")
        request.end_headers()
        with contextlib.suppress(OSError):  # the client has hung up
            for _ in range(100):
                request.wfile.write(b"0")
                time.sleep(0.05)

    site["/archive/Car.zip"] = [drips]
    began = time.monotonic()
    with pytest.raises(DataError, match="less than 1024 bytes a second"):
        fetch_dataset("Car", tmp_path / "raw", ucr_dir=None)
    assert time.monotonic() - began < 10


def test_a_download_that_fails_names_the_addresses_and_the_remedy(tmp_path, site):
    with pytest.raises(DataError) as caught:
        fetch_dataset("Car", tmp_path / "raw", ucr_dir=None)
    message = str(caught.value)
    assert "/archive/Car.zip" in message
    assert "/Car_TRAIN.ts" in message
    assert "LSTMFCN_UCR_DIR" in message
    assert list((tmp_path / "raw").iterdir()) == []


@pytest.mark.parametrize("evil", ["../../Car_TRAIN.ts", "/tmp/Car_TRAIN.ts", "x/../../Car_TRAIN.ts"])
def test_no_path_of_a_zip_is_followed(tmp_path, site, evil):
    """Whether the member is taken or not, nothing lands outside the target."""
    members = {evil: ts(TRAIN), "../escaped.txt": "x", "Car_TEST.ts": ts(TEST)}
    site["/archive/Car.zip"] = zipped(members)
    outside = Path("/tmp/Car_TRAIN.ts")
    assert not outside.exists()
    try:
        fetch_dataset("Car", tmp_path / "a/b/raw", ucr_dir=None)
    except DataError:
        assert list((tmp_path / "a/b/raw").iterdir()) == []
    assert not outside.exists()
    stray = [p for p in tmp_path.rglob("*") if p.is_file() and p.parent != tmp_path / "a/b/raw/Car"]
    assert stray == []


def test_an_archive_that_swells_is_given_up(tmp_path, site, monkeypatch):
    """A megabyte a split at most: ten of zeros are ten kilobytes in the zip."""
    monkeypatch.setattr(download, "LARGEST", 1 << 20)
    site["/archive/Car.zip"] = zipped(CAR | {"Car_TEST.ts": "0" * 10_000_000})
    with pytest.raises(DataError, match=r"Car_TEST\.ts is unpacked to more than 1,048,576 bytes"):
        fetch_dataset("Car", tmp_path / "raw", ucr_dir=None)
    assert list((tmp_path / "raw").iterdir()) == []


def test_reading_a_folder_that_was_not_fetched(tmp_path):
    with pytest.raises(DataError, match=r"none_TRAIN\.tsv is missing\. Run `dvc repro fetch`"):
        read_dataset(tmp_path / "none")


@pytest.mark.parametrize("name", ["../secret", "/etc/hostname", "..", "", "a\0", 3])
def test_a_description_that_names_files_elsewhere_is_of_no_whole_dataset(tmp_path, name):
    """Even where it knows their hash."""
    folder = tmp_path / "D"
    folder.mkdir()
    (tmp_path / "secret").write_text("a secret")
    kept = {str(name): hash_file(tmp_path / "secret")}
    write_json(folder / "source.json", {"sha256": kept})
    assert not is_whole(folder)
    (folder / "a").write_text("a secret")
    write_json(folder / "source.json", {"sha256": {"a": hash_file(folder / "a")}})
    assert is_whole(folder)
