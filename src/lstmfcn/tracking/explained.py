"""A registered model, or a pulled one, as something to look into."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lstmfcn.data.batches import batches
from lstmfcn.evaluation.calibration import calibrated
from lstmfcn.tracking.champion import load_champion
from lstmfcn.tracking.package.contents import UntrustedModelError
from lstmfcn.workspace import Workspace

if TYPE_CHECKING:  # Keras comes with it
    from lstmfcn.explain import Subject

ROUNDING = 1e-3
"""Of a probability: the graph and the network anew add up in another order."""


def registered_subject(
    source: str | Path,
    *,
    alias: str = "champion",
    version: int | None = None,
    workspace: Path = Path(),
    verify_key: Path | None = None,
) -> Subject:
    """Return the network of a registered model; the parameters and errors are those of `load_champion`.

    What it answers is held to what the model's graph answers: an explanation is one of what is served.
    """
    champion = load_champion(source, alias=alias, version=version, workspace=workspace, verify_key=verify_key)
    network = champion.network()
    from lstmfcn.explain import Subject

    def answer(series: NDArray[np.float64]) -> NDArray[np.float32]:
        answers = champion.predict_proba(series)
        prepared = champion.preprocessing.apply(series)
        own = np.concatenate([np.asarray(network(batch, training=False)) for batch in batches(prepared)])
        if champion.temperature is not None:
            own = calibrated(own, champion.temperature)
        if not np.allclose(own, answers, atol=ROUNDING):
            raise UntrustedModelError(
                f"The model of {champion.dataset} answers otherwise than the network that it says it is. "
                "`lstmfcn promote` registers the best run anew."
            )
        return answers

    name, data = f"the model of {champion.dataset}", None
    if not Path(source, "MLmodel").is_file():
        from lstmfcn.tracking.registry.versions import PREFIX, called, record_of

        which = version or alias
        record = record_of(Workspace(workspace), str(source), which)
        name, data = f"{called(which)} of {champion.dataset}", record.tags.get(f"{PREFIX}data")
    return Subject(name, champion.classes, champion.preprocessing, network, data, answer)
