"""The notebooks run from top to bottom, in the folder of a study that is trained."""

from pathlib import Path

import mlflow
import nbformat
import pytest
from matplotlib import pyplot
from nbclient import NotebookClient

from conftest import copy_of

NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))


@pytest.fixture(scope="module")
def folder(finished, tmp_path_factory):
    """Return where a notebook looks from: a folder of a trained study, which the notebooks may change."""
    folder = copy_of(finished[0], tmp_path_factory.mktemp("notebooks") / "study").root / "notebooks"
    folder.mkdir()
    return folder


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs(path, folder, monkeypatch):
    """Its own assertions are the check; a stored output would only go stale.

    In this process, where all libraries are loaded: a kernel for each would take most of the time.
    """
    monkeypatch.chdir(folder)
    monkeypatch.setattr(pyplot, "show", lambda: pyplot.close("all"))
    notebook = nbformat.read(path, as_version=4)
    assert not any(cell.get("outputs") for cell in notebook.cells)
    names, before = {}, mlflow.get_tracking_uri()
    for number, cell in enumerate(notebook.cells):
        if cell.cell_type == "code":
            exec(compile(cell.source, f"{path.name}, cell {number}", "exec"), names)
    mlflow.set_tracking_uri(before)


def test_a_kernel_runs_a_notebook(folder, monkeypatch):
    monkeypatch.setenv("JUPYTER_PLATFORM_DIRS", "1")
    notebook = nbformat.read(next(path for path in NOTEBOOKS if path.stem == "comparing-runs"), as_version=4)
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": folder}}).execute()
    assert all("ename" not in output for cell in notebook.cells for output in cell.get("outputs", []))
