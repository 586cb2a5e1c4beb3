"""What the pipeline gave, in a few lines."""

from __future__ import annotations

import csv
from collections.abc import Sequence

from lstmfcn.config import Params
from lstmfcn.errors import DataError
from lstmfcn.files import read_json
from lstmfcn.workspace import Workspace

HEADER = ("DATASET", "CHAMPION", "CELLS", "PHASE", "OOF ACCURACY", "TEST ACCURACY")


def in_columns(lines: Sequence[tuple[str, ...]]) -> str:
    """Return lines of cells as text in which the columns stand under each other."""
    widths = [max(len(cell) for cell in column) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def summarise(workspace: Workspace, params: Params) -> tuple[list[tuple[str, ...]], list[str]]:
    """Return a table of the champions, and a line for each dataset that was left out.

    Raises
    ------
    DataError
        If the pipeline has not run.
    """
    for path in (workspace.promotions, workspace.verdicts, workspace.results / "results.csv"):
        if not path.exists():
            raise DataError(f"{path} is missing. Run `dvc repro`.")
    promotions = read_json(workspace.promotions)
    with (workspace.results / "results.csv").open(encoding="utf-8", newline="") as file:
        tested = {row["key"]: row["accuracy"] for row in csv.DictReader(file)}
    lines: list[tuple[str, ...]] = [HEADER]
    for dataset, promotion in promotions.items():
        champion = promotion["champion"]
        if champion is None:
            lines.append((dataset, "none", "-", "-", "-", "-"))
            continue
        phase = f"fine-tuned {champion['iteration']}" if champion["iteration"] else "phase 1"
        test = tested.get(champion["key"])
        accuracy, cells = champion["oof_accuracy"], champion["cells"]
        lines.append(
            (
                dataset,
                champion["model"],
                "-" if cells is None else str(cells),
                phase,
                "-" if accuracy is None else f"{accuracy:.4f}",
                "-" if test is None else f"{float(test):.4f}",
            )
        )
    left_out = []
    for verdict in read_json(workspace.verdicts):
        if verdict["outcome"] == "failed" and verdict["dataset"] in params.datasets:
            errors = [f["message"] for f in verdict["findings"] if f["severity"] == "error"]
            left_out.append(f"{verdict['dataset']}: {' '.join(errors)}")
    return lines, left_out
