"""The page of the validation: all that was looked at, standing on its own."""

from lstmfcn.data.findings import Verdict, unreadable
from lstmfcn.data.looked_at import Check
from lstmfcn.report.validation_page import build_validation_page
from report.test_page import Checker

VERDICT = Verdict(
    "Pumps",
    "failed",
    unreadable("Pumps", "row 3 is <b>odd</b>").findings,
    (
        Check(finding="missing_values", split="train", expected="none", seen="0 to 2", outcome="error"),
        Check(finding="infinite_values", split="test", expected="none", seen="0", outcome="met"),
        Check(finding="rare_class", split="test", expected="none", seen="is ignore", outcome="left out"),
    ),
)


def test_what_was_looked_at_and_what_was_left_out_are_on_the_page():
    page = build_validation_page([VERDICT, unreadable("Bad", "it is gone")])
    for text in ("0 to 2", "as expected", "left out", "is ignore", "row 3 is &lt;b&gt;odd", "it is gone"):
        assert text in page
    assert page.count("<table>") == 2
    assert page == build_validation_page([VERDICT, unreadable("Bad", "it is gone")])


def test_the_page_is_well_formed_and_loads_nothing():
    checker = Checker()
    checker.feed(build_validation_page([VERDICT]))
    assert checker.open == checker.loads == []
