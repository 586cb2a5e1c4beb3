"""The network of a package, built anew and given the package's weights, so that one can look into it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lstmfcn.classifiers.table import architecture_of
from lstmfcn.environment import load_backend
from lstmfcn.errors import DataError, RegistryError
from lstmfcn.networks.architecture import Architecture
from lstmfcn.tracking.package.contents import UntrustedModelError
from lstmfcn.tracking.package.load import Package

if TYPE_CHECKING:
    import keras


def network_of(package: Package) -> keras.Model:
    """Return the network of a package: from prepared series to probabilities that are not calibrated.

    Raises
    ------
    RegistryError
        If the package does not say which network it is: it is older.
    UntrustedModelError
        If its weights are not those of the network that it says it is.
    LstmfcnError
        If that is none of the table's.
    """
    said = package.architecture
    if said is None:
        raise RegistryError(
            f"The model of {package.dataset} does not say which network it is: it was registered by an older "
            "version. `lstmfcn promote` registers the best run anew."
        )
    members = said.get("members", [])
    widths = {said["cells"], *(int(word.partition("/")[2] or 0) or None for word in members)}
    weights = {path: np.asarray(value) for path, value in package.weights.items()}
    try:
        # Before so much is made.
        if unknown := widths - {None, *(size for array in weights.values() for size in array.shape)}:
            raise ValueError(f"no array of them has {unknown.pop()} cells")
        if len(members) > len(weights):
            raise ValueError(f"they are not those of {len(members)} networks")
        params = {**said, "dropout": Architecture.dropout, "members": " ".join(members)}
        architecture = architecture_of(said["classifier"], params)
        load_backend("tensorflow")
        from lstmfcn.networks.build import build
        from lstmfcn.training.weights import get_weights, set_weights

        n_channels, length = package.preprocessing.shape
        network = build(
            architecture,
            n_channels=n_channels,
            length=length,
            n_classes=len(package.classes),
            padded=package.preprocessing.padded,
        )
        # What a graph that only predicts has no use for, such as the state of the dropout, stays as it is.
        unused = {path: v for path, v in get_weights(network).items() if v.dtype != np.float32}
        set_weights(network, unused | weights)
    except (ValueError, DataError) as error:
        raise UntrustedModelError(
            f"The weights of the model of {package.dataset} are not those of the {said['classifier']} that "
            f"it says it is ({error}). `lstmfcn promote` registers the best run anew."
        ) from error
    return network
