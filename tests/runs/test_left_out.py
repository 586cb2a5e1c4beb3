"""What was left out: it reads back as it was written, and comes through a process boundary."""

import pickle

import pytest

from conftest import make_workspace
from lstmfcn.errors import DataError
from lstmfcn.files import write_bytes
from lstmfcn.runs.identity import Identity
from lstmfcn.runs.left_out import LEFT_OUT_FILE, LeftOut, RefusedError, bundle_of, is_left_out, left_out

ONE = Identity(dataset="A", classifier="dtw", seed=3)


def test_the_reason_reads_back_with_the_run_that_it_is_about(tmp_path):
    workspace = make_workspace(tmp_path / "study")
    refused = pickle.loads(pickle.dumps(RefusedError("Too short, “9”.", ONE)))  # as a worker sends it
    assert str(refused) == "Too short, “9”."
    folder = ONE.folder(workspace)
    assert not is_left_out(folder)
    assert list(left_out(workspace)) == []
    for name, content in bundle_of(refused).items():
        write_bytes(folder / name, content)
    assert is_left_out(folder)
    assert list(left_out(workspace)) == [LeftOut(ONE, "Too short, “9”.")]


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"reason": "x"}', '{"identity": {"dataset": ".."}, "reason": ""}']
)
def test_a_damaged_reason_is_named(tmp_path, text):
    workspace = make_workspace(tmp_path / "study")
    write_bytes(ONE.folder(workspace) / LEFT_OUT_FILE, text.encode())
    with pytest.raises(DataError, match=r"left_out\.json is damaged .* --single-item train"):
        list(left_out(workspace))
