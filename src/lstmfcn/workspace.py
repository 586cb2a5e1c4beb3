"""Where everything lies in a study: one place that knows the names of files and folders."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

EXPERIMENT = "DVC_EXP_NAME"
"""The variable by which DVC tells the stages of an experiment its name."""

COPIES = (".dvc", "tmp", "exps")
"""Where, in a study, DVC lays the copies that queued experiments and those with `--temp` run in."""


@dataclass(frozen=True)
class Workspace:
    """The files of one study.

    Parameters
    ----------
    root
        The folder that holds `params.yaml`.
    """

    root: Path

    @property
    def home(self) -> Path:
        """The study's own folder, with what neither git nor DVC has.

        It is `root`, but for the copy in which DVC runs an experiment: all of a study's experiments share its
        finished jobs, its lock and its tracking store.
        """
        here = self.root.resolve()
        around = [here, *here.parents]
        for depth, place in enumerate(around):
            if place.parts[-len(COPIES) :] == COPIES:
                copy = next((p for p in around[:depth] if (p / ".dvc").is_dir()), here)
                return place.parents[len(COPIES) - 1] / here.relative_to(copy)
        return self.root

    @property
    def experiment(self) -> str:
        """The name of the experiment that DVC runs here, or of its copy's folder; empty outside of one."""
        return os.environ.get(EXPERIMENT, "") or (self.root.resolve().name if self.home != self.root else "")

    @property
    def params(self) -> Path:
        """The parameters."""
        return self.root / "params.yaml"

    @property
    def raw(self) -> Path:
        """One folder a dataset, as `fetch` lays it down."""
        return self.root / "data/raw"

    @property
    def own(self) -> Path:
        """One's own data, one folder a dataset, as `lstmfcn add` lays it down."""
        return self.root / "data/own"

    @property
    def fetch_notes(self) -> Path:
        """What `fetch` could not get, and which copies have no source any more; only if there are any."""
        return self.root / "data/raw/notes.json"

    @property
    def code(self) -> Path:
        """What the stages depend on besides data and parameters: a file a stage."""
        return self.root / "code"

    @property
    def verdicts(self) -> Path:
        """What `validate` found."""
        return self.root / "data/validation/verdicts.json"

    @property
    def validation_page(self) -> Path:
        """All that `validate` looked at, as a page."""
        return self.root / "data/validation/index.html"

    @property
    def train_splits(self) -> Path:
        """The training splits, one file a dataset, and one for each further resample."""
        return self.root / "data/prepared/train"

    def train_split(self, dataset: str, resample: int = 0) -> Path:
        """Return the training split of a dataset's resample; 0 is the dataset's own."""
        return self.train_splits / f"{_split_of(dataset, resample)}.npz"

    def preprocessing(self, dataset: str, resample: int = 0) -> Path:
        """Return where it stands what was done to a resample's series, beside the training split."""
        return self.train_splits / f"{_split_of(dataset, resample)}.preprocessing.json"

    @property
    def references(self) -> Path:
        """What the training splits look like, one file a dataset, apart: nothing trains on it."""
        return self.root / "data/prepared/reference"

    def reference(self, dataset: str) -> Path:
        """Return where it stands what a dataset's training split looks like."""
        return self.references / f"{dataset}.npz"

    @property
    def test_splits(self) -> Path:
        """The test splits: a folder of their own, so that DVC shows that only `evaluate` reads them."""
        return self.root / "data/prepared/test"

    def test_split(self, dataset: str, resample: int = 0) -> Path:
        """Return the test split of a dataset's resample."""
        return self.test_splits / f"{_split_of(dataset, resample)}.npz"

    @property
    def selection_splits(self) -> Path:
        """The splits that weights are selected on: the test splits under `protocol: paper`, else none.

        A folder of its own, so that DVC shows when the stages that train and choose have seen them.
        """
        return self.root / "data/prepared/selection"

    def selection_split(self, dataset: str, resample: int = 0) -> Path:
        """Return the split that weights of a dataset's resample are selected on."""
        return self.selection_splits / f"{_split_of(dataset, resample)}.npz"

    @property
    def search(self) -> Path:
        """The trials of the search for the number of cells."""
        return self.root / "search"

    @property
    def phase1(self) -> Path:
        """What `train` gives."""
        return self.root / "models/phase1"

    @property
    def finetuned(self) -> Path:
        """What `finetune` gives."""
        return self.root / "models/finetuned"

    @property
    def results(self) -> Path:
        """What the test split says."""
        return self.root / "results"

    @property
    def results_table(self) -> Path:
        """A row for each evaluated run."""
        return self.root / "results/results.csv"

    @property
    def metrics(self) -> Path:
        """The evidence in few figures, for `dvc metrics`."""
        return self.root / "results/metrics.json"

    @property
    def test_metrics(self) -> Path:
        """What the test split says of the chosen runs, which no comparison of experiments shows."""
        return self.root / "results/test.json"

    @property
    def predictions(self) -> Path:
        """What each trained run says of the test split."""
        return self.root / "results/predictions"

    @property
    def comparison(self) -> Path:
        """Ranks, tests, and the paper's table beside ours."""
        return self.root / "comparison"

    @property
    def beside(self) -> Path:
        """The references beside the networks: who is better out of fold, beyond chance."""
        return self.root / "comparison/references.csv"

    @property
    def promotions(self) -> Path:
        """The best run of each dataset, and those behind it; what serves is the registry's to say."""
        return self.root / "promotions.json"

    @property
    def report(self) -> Path:
        """The page that shows it all."""
        return self.root / "reports/index.html"

    @property
    def plots(self) -> Path:
        """What `dvc plots` draws: a folder for each kind, in it one CSV a dataset."""
        return self.root / "reports/plots"

    @property
    def plots_page(self) -> Path:
        """What `dvc plots` draws on: a page with all that it needs inside."""
        return self.plots / "page.html"

    @property
    def facts(self) -> Path:
        """When, how long, on what and at which commit the jobs of each stage ran: nothing depends on it."""
        return self.root / "facts"

    def facts_of(self, stage: str) -> Path:
        """Return the file with the facts of a stage's jobs."""
        return self.facts / f"{stage}.json"

    @property
    def cache(self) -> Path:
        """Finished jobs; DVC and git leave it alone."""
        return self.home / ".lstmfcn/cache"

    @property
    def fits(self) -> Path:
        """Fits of the estimators that were tracked or registered here, a folder each."""
        return self.home / ".lstmfcn/fits"

    @property
    def downloads(self) -> Path:
        """Datasets as the archive's site gave them, to be read again without a network."""
        return self.home / ".lstmfcn/downloads"

    @property
    def source_hashes(self) -> Path:
        """What `lstmfcn.runs.code.kept_hashes` keeps."""
        return self.home / ".lstmfcn/sources.json"

    @property
    def lock(self) -> Path:
        """Held by the stage that is at work here, or in an experiment of this study."""
        return self.home / ".lstmfcn/lock"

    @property
    def outputs(self) -> tuple[Path, ...]:
        """The folders that stages write."""
        data = self.root / "data"
        names = ("search", "models", "results", "comparison", "reports", "facts")
        return (self.raw, data / "validation", data / "prepared", *(self.root / name for name in names))

    @property
    def scratch(self) -> Path:
        """The state of jobs that are under way."""
        return self.home / ".lstmfcn/scratch"

    @property
    def reproduction(self) -> Path:
        """The results of the reproduction, kept in git."""
        return self.root / "results/reproduction/results.csv"

    @property
    def reproduction_page(self) -> Path:
        """The page that shows them."""
        return self.root / "docs/reproduction.md"

    @property
    def reproduction_lock(self) -> Path:
        """Held by whoever changes the results or the page."""
        return self.root / ".lstmfcn/reproduction.lock"

    @property
    def reproduction_home(self) -> Path:
        """Where the reproduction works."""
        return self.root / ".lstmfcn/reproduction"

    @property
    def mlruns(self) -> Path:
        """The local tracking store."""
        return self.home / "mlruns"


def _split_of(dataset: str, resample: int) -> str:
    """Return the name of the files of a split, in the folder of their kind."""
    return f"{dataset}/resample-{resample}" if resample else dataset
