"""What an installation brings: its files, its libraries, and what it says where one is missing."""

import ast
import json
import re
import subprocess
import sys
import tomllib
import zipfile
from email.parser import HeaderParser
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from conftest import ROOT
from lstmfcn.environment import PIPELINE
from lstmfcn.tracking.registry.download import pull

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

IMPORTED_AS = {
    "scikit-learn": "sklearn",
    "ruamel.yaml": "ruamel",
    "ruamel-yaml": "ruamel",
    "vl-convert-python": "vl_convert",
}

NOT_IMPORTED = {"dvc", "numba", "tensorboard"}
"""DVC is a command; the others are needed by libraries that do not say which."""

SPARED = {"numba", "vl_convert"}
"""Nobody is told to install the extra for want of these: aeon's, and what works without."""

ELSEWHERE = {"ray", "google", "pydantic_core", "jax"}
"""Ray is another extra's; Google's protobuf is TensorFlow's, and Pydantic's core is Pydantic's."""

WITHOUT = f"""
import sys
from importlib.abc import MetaPathFinder

class Blocker(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {sorted(PIPELINE - {"requests", "scipy"})}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Blocker())
"""
"""TensorFlow needs requests, and scikit-learn SciPy: they are there all the same."""


def names(requirements):
    found = [re.match(r"[\w.-]+", text).group() for text in requirements]
    return {IMPORTED_AS.get(name, name.replace("-", "_")) for name in found}


def python(code, *arguments):
    command = [sys.executable, "-c", WITHOUT + code, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True)


def test_what_is_imported_is_what_is_required():
    imported = set()
    for path in (ROOT / "src").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                imported |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                imported.add(node.module.partition(".")[0])
    imported -= {"lstmfcn", *sys.stdlib_module_names} | ELSEWHERE
    extra = names(PROJECT["optional-dependencies"]["pipeline"])
    assert extra - SPARED == PIPELINE
    assert imported | NOT_IMPORTED == names(PROJECT["dependencies"]) | extra


def test_the_core_fits_and_predicts_without_the_pipelines_libraries(finished, tmp_path):
    folder = pull(finished[0], "Bumps", tmp_path / "pulled")
    np.savetxt(tmp_path / "series.csv", np.random.default_rng(0).normal(size=(3, 20)), delimiter=",")
    code = """
import numpy as np, lstmfcn
from lstmfcn import cli
from pathlib import Path
lstmfcn.FCNClassifier(epochs=1).fit(np.eye(4), [0, 1, 0, 1]).predict(np.eye(4))
print(lstmfcn.load_champion(Path(sys.argv[1])).predict(np.eye(20)[:3]).shape)
sys.argv[:] = ["lstmfcn", "predict", "Bumps", sys.argv[2], "--model", sys.argv[1]]
cli.main()
"""
    done = python(code, folder, tmp_path / "series.csv")
    assert (done.returncode, done.stderr) == (0, "")
    assert "(3,)" in done.stdout
    assert (tmp_path / "series.predictions.csv").exists()


def test_a_command_names_the_library_that_is_missing_and_the_remedy(finished, tmp_path):
    workspace, _ = finished
    folder = pull(workspace, "Bumps", tmp_path / "pulled")
    commands = [[stage, "-w", workspace.root] for stage in ("code", "validate", "search", "report")]
    commands += [
        ["champions", "-w", workspace.root],
        ["serve", folder],
        ["predict", "Bumps", ROOT / "LICENSE"],
    ]
    code = """
import json
from lstmfcn import cli
for arguments in json.loads(sys.argv[1]):
    sys.argv[:] = ["lstmfcn", *arguments]
    try:
        cli.main()
    except SystemExit as error:
        assert error.code == 1
"""
    done = python(code, json.dumps([[str(part) for part in command] for command in commands]))
    lines = done.stderr.splitlines()
    assert done.returncode == 0, done.stderr
    assert len(lines) == len(commands)
    for line in lines:
        assert re.fullmatch(r"error: \w+ is not installed: .* `pip install 'lstmfcn\[pipeline\]'` .*", line)
    assert re.findall(r"error: (\w+)", "\n".join(lines[-3:])) == ["mlflow", "fastapi", "mlflow"]


def test_from_python_a_champion_of_the_registry_says_it_too():
    code = "import lstmfcn\ntry: lstmfcn.load_champion('GunPoint')\n"
    done = python(code + "except lstmfcn.errors.LstmfcnError as error: print(error)")
    assert done.stdout.startswith("mlflow is not installed"), done.stderr
    assert "lstmfcn[pipeline]" in done.stdout


@pytest.mark.skipif(find_spec("hatchling") is None, reason="hatchling is not installed")
def test_the_wheel_holds_the_data_files_and_says_what_it_needs(tmp_path):
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        files = set(archive.namelist())
        (described,) = (name for name in files if name.endswith("METADATA"))
        metadata = HeaderParser().parsestr(archive.read(described).decode())
    sources = {
        p.relative_to(ROOT / "src").as_posix() for p in (ROOT / "src/lstmfcn").rglob("*") if p.is_file()
    }
    assert {Path(name).suffix for name in sources} >= {".csv", ".css", ".j2", ".typed"}
    assert {name for name in sources if "__pycache__" not in name} <= files
    import lstmfcn

    assert metadata["Version"] == lstmfcn.__version__
    required = [text for text in metadata.get_all("Requires-Dist") if "extra ==" not in text]
    assert names(required) == names(PROJECT["dependencies"])
    assert set(metadata.get_all("Provides-Extra")) == {
        "pipeline",
        "jax",
        "gpu",
        "tensorflow-gpu",
        "cluster",
        "hydra",
        "docs",
        "dev",
    }
