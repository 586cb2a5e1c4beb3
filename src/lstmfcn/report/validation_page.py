"""The page of the validation: what was expected of each dataset, what was seen, and what was left out."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from lstmfcn.data.findings import WHAT, Verdict
from lstmfcn.data.looked_at import Check
from lstmfcn.report.html import render

SPLITS = {"": "The dataset as a whole", "train": "Training split", "test": "Test split"}

OUTCOMES = {"met": "as expected", "warn": "warning", "error": "error", "left out": "left out"}


def build_validation_page(verdicts: Sequence[Verdict]) -> str:
    """Build the page.

    Parameters
    ----------
    verdicts
        One a dataset.

    Returns
    -------
    str
        HTML that needs no other file and no network. Equal verdicts give equal text.
    """
    shown = [
        (verdict, [(SPLITS[split], list(checks)) for split, checks in groupby(verdict.checks, _split)])
        for verdict in verdicts
    ]
    return render("validation.html.j2", verdicts=shown, outcomes=OUTCOMES, what=WHAT)


def _split(check: Check) -> str:
    return check.split
