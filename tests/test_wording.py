"""Numbers of things in sentences."""

from lstmfcn.wording import counted


def test_one_is_no_plural():
    assert [counted(n, "run") for n in (0, 1, 2)] == ["0 runs", "1 run", "2 runs"]
