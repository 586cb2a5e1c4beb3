"""Every command and snippet of the README and of `docs/` runs as it stands there, page by page.

The recipe is one epoch, and the series are few: what is checked is that a reader may type what is written.
"""

import shutil
import socket
import threading
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from blocks import COMMANDS, PAGES, PARAMS, PYTHON, blocks_of
from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore
from shell import Shell

import lstmfcn
from conftest import ROOT
from lstmfcn import config, yaml12
from lstmfcn.data.collection import read_dataset
from lstmfcn.serving import server

pytestmark = pytest.mark.filterwarnings("ignore:_NoneStep:DeprecationWarning")  # DVC's, hundreds of times

NOT_RUN = {
    "README.md": ["it needs the network"],
    "docs/collaborating.md": ["it needs the address of a repository", *["it needs a server"] * 3],
    "docs/comparing.md": [
        "the stage that makes what is drawn is left out there",
        "it goes on until Ctrl-C",
        "tests/tracking/test_champion.py does",
    ],
    "docs/gpu.md": ["it needs a GPU", "it needs the archive, and a second machine"],
    "docs/experiments.md": ["they go on in the background", "there is no such experiment"],
    "docs/promoting.md": ["it needs a second version"],
    "docs/references.md": ["compiling takes half a minute"],
    "docs/reproduction.md": ["it takes hours"],
    "docs/scaling.md": ["it needs several machines"],
    "docs/tutorial.md": ["it needs the network"],
    "docs/upgrading.md": ["it needs the network"],
}
"""What cannot run here, and why, as the pages say."""

BEFORE_A_STUDY = {"README.md", "docs/own-data.md", "docs/tutorial.md"}
"""The pages that begin outside a study; the others begin in one that is trained."""


def pumps(n, rng):
    """Return a table as pandas has it: a column a value, the last one the state."""
    worn = np.arange(n) % 2
    steps = np.linspace(0, 6, 24)
    series = np.sin(np.outer(1 + worn, steps)) + 0.1 * rng.normal(size=(n, 24))
    table = pd.DataFrame(series.round(3), columns=[f"t{i}" for i in range(24)])
    return table.assign(state=np.where(worn, "worn", "fine"))


def lay_files(folder):
    """Write the files that the pages speak of."""
    rng = np.random.default_rng(0)
    pumps(48, rng).to_csv(folder / "pumps.csv")
    pumps(12, rng).drop(columns="state").to_csv(folder / "new-pumps.csv", index=False)
    steps = pd.DataFrame({"walk": np.repeat(np.arange(24), 20), "t": np.tile(np.arange(20), 24)})
    x, y = rng.normal(size=(2, len(steps)))
    steps.assign(x=x, y=y, gait=np.where(steps["walk"] % 2, "run", "walk")).to_csv(
        folder / "walks.csv", index=False
    )
    rows = steps.rename(columns={"walk": "home"}).assign(type=np.where(steps["walk"] % 2, "flat", "house"))
    channels = [rows.assign(meter=meter, kW=kW) for meter, kW in (("hall", x), ("roof", y))]
    pd.concat(channels).to_csv(folder / "meters.csv", index=False)
    valves = pumps(48, rng)
    valves.iloc[::5, 7] = np.nan
    valves.to_csv(folder / "valves.csv", index=False)
    vowels = [rng.normal(size=(12, 12 + k)) for k in range(16)]
    lines = [":".join(",".join(f"{v:.3f}" for v in channel) for channel in x) for x in vowels]
    head = "@problemName JapaneseVowels\n@univariate false\n@equalLength false\n@classLabel true 1 2\n@data\n"
    (folder / "vowels.ts").write_text(head + "".join(f"{x}:{1 + k % 2}\n" for k, x in enumerate(lines)))


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Return a trained study, with the files of the pages, and the cache of its jobs."""
    root = tmp_path_factory.mktemp("docs")
    shell = Shell(root, root / "cache")
    (root / "cache").mkdir()
    lay_files(root)
    SqlAlchemyStore(f"sqlite:///{root}/mlflow.db", str(root)).engine.dispose()
    shell.run("lstmfcn init study && cd study")
    shell.run("lstmfcn add Pumps ../pumps.csv && lstmfcn add --yes JapaneseVowels ../vowels.ts")
    study = root / "study"
    values = yaml12.read(study / "params.yaml")
    policies = {"JapaneseVowels": {"lengths": "pad", "length": 29}}
    (study / "params.yaml").write_text(
        config.as_yaml(**values | {"prepare": values["prepare"] | {"datasets": policies}})
    )
    shell.run("git add . && git commit -qm Data && dvc repro")
    shell.close()
    _, test = read_dataset(study / "data/raw/GunPoint")
    np.savetxt(root / "my-series.tsv", test.X[:4, 0], fmt="%.7g", delimiter="\t")
    return study, root / "cache"


@pytest.fixture
def shell(trained, tmp_path, request):
    """Return a shell where a page begins."""
    study, cache = trained
    page = request.node.callspec.params["page"]
    folder = tmp_path / "reader"
    folder.mkdir()
    for path in study.parent.iterdir():
        if path.suffix in (".csv", ".tsv", ".ts"):
            shutil.copy(path, folder)
    if page not in BEFORE_A_STUDY:
        folder = shutil.copytree(study, folder / "study", symlinks=True)
    shell = Shell(folder, cache)
    yield shell
    shell.close()


@pytest.fixture
def names(trained):
    """Return what a snippet may presume: series, their labels, and a weight for each."""
    train, _ = read_dataset(trained[0] / "data/raw/GunPoint")
    some = {"series": [train.X[k, :, : 60 + k] for k in range(12)], "labels": train.labels[:12]}
    return {"X": train.X[:24], "y": train.labels[:24], "w": np.ones(24), **some}


@pytest.fixture
def served(monkeypatch):
    """Let `lstmfcn serve` go on in a thread; return the port that it has in place of 5001."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    listen, running = server.listen, []

    def serve(its_server, listener):
        thread = threading.Thread(target=its_server.run, args=([listener],))
        thread.start()
        running.append((its_server, thread))

    monkeypatch.setattr(server, "listen", lambda host, asked: listen(host, port if asked == 5001 else asked))
    monkeypatch.setattr(server, "serve", serve)
    yield port
    for its_server, thread in running:
        its_server.should_exit = its_server.force_exit = True
        thread.join(10)
        its_server.turns.end()


@pytest.fixture
def one_epoch(monkeypatch):
    """Let the estimators train for one epoch where nobody says how many."""
    for estimator in (lstmfcn.LSTMFCNClassifier, lstmfcn.FCNClassifier):
        monkeypatch.setitem(estimator.__init__.__kwdefaults__, "epochs", 1)


RUNNING = [page for page in PAGES if any(not b.reason for b in blocks_of(page, COMMANDS | PYTHON))]


@pytest.mark.parametrize("page", [str(page.relative_to(ROOT)) for page in RUNNING])
def test_what_a_page_shows_runs(page, shell, names, served, one_epoch, monkeypatch, tmp_path):
    stand_ins = {"/data/series": str(tmp_path), ":5001": f":{served}"}
    for block in blocks_of(ROOT / page, COMMANDS | PYTHON):
        text = block.text
        for shown, here in stand_ins.items():
            text = text.replace(shown, here)
        if block.reason:
            continue
        if block.language in PYTHON:
            monkeypatch.chdir(shell.cwd)
            exec(compile("\n" * (block.line - 1) + text, block.place, "exec"), names)
        else:
            shell.run(text)


def test_what_is_not_run_says_why():
    found = {page: [b.reason for b in blocks_of(page, COMMANDS | PYTHON) if b.reason] for page in PAGES}
    assert {str(page.relative_to(ROOT)): reasons for page, reasons in found.items() if reasons} == NOT_RUN


@pytest.mark.parametrize(
    "block", [b for page in PAGES for b in blocks_of(page, PARAMS)], ids=lambda b: b.place
)
def test_what_params_a_page_shows_are_understood(block, tmp_path):
    path = tmp_path / "shown.yaml"
    path.write_text(block.text)
    shown = yaml12.read(path)
    datasets = list(shown.get("prepare", {}).get("datasets", {})) or ["Pumps"]
    config.parse({"datasets": datasets, "models": ["fcn"]} | shown)


def test_every_block_is_of_a_kind_that_is_known():
    """A block in another language would not run, and nobody would say so."""
    known = COMMANDS | PYTHON | PARAMS | {"toml", "diff"}
    for page in PAGES:
        text = Path(page).read_text(encoding="utf-8")
        fences = [
            line[3:].split()[0] for line in text.splitlines() if line.startswith("```") and line != "```"
        ]
        assert set(fences) <= known, page
