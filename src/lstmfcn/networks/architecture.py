"""Which network, as plain values: they decide its shape, and cost no import of Keras."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Self


@dataclass(frozen=True, kw_only=True)
class Architecture:
    """A network (the paper's section III-A), and the options the paper talks about.

    Attributes
    ----------
    name
        A module of `lstmfcn.networks` ("fcn", "lstm_fcn", "alstm_fcn", "resnet", "lite"), or of another
        package by its full name.
    cells
        The units of the LSTM; None for a network without one.
    dropout
        The share of the recurrent branch's outputs dropped in training.
    dimension_shuffle
        Whether the recurrent branch sees each channel as one step of `length` features, as in the
        paper; otherwise it sees `length` steps of `n_channels` features.
    segments
        Into how many steps of equal length the shuffled branch cuts each channel; 1 in the paper. A
        length that cannot be divided is padded with zeros at its end.

    Raises
    ------
    ValueError
        If the values do not fit each other.
    """

    name: str
    cells: int | None = None
    dropout: float = 0.8
    dimension_shuffle: bool = True
    segments: int = 1

    def __post_init__(self) -> None:
        if self.segments < 1 or (self.segments > 1 and not self.dimension_shuffle):
            raise ValueError(
                f"segments={self.segments} does not fit dimension_shuffle={self.dimension_shuffle}: without "
                "the shuffle each value is a step already, so there is nothing to cut."
            )

    @property
    def module(self) -> str:
        """The full name of the module that holds the network: see `lstmfcn.networks.build`."""
        return self.name if "." in self.name else f"lstmfcn.networks.{self.name}"

    @classmethod
    def of(cls, name: str, params: Mapping[str, Any]) -> Self:
        """Return the architecture that a run's parameters describe."""
        return cls(
            name=name,
            cells=None if params["cells"] is None else int(params["cells"]),
            **{key: params[key] for key in ("dropout", "dimension_shuffle", "segments")},
        )

    def params(self) -> dict[str, Any]:
        """Return everything but the name, as the parameters of a run."""
        return {key: value for key, value in asdict(self).items() if key != "name"}


@dataclass(frozen=True)
class Vote:
    """Networks whose probabilities are averaged.

    Attributes
    ----------
    members
        The networks; each has a voice, and one may stand here several times, with weights of its own.
    """

    members: tuple[Architecture, ...]

    name: ClassVar[str] = "ensemble"


def prefix(member: int) -> str:
    """Return what the weights of a member of a vote are called before their own names."""
    return f"member{member}/"
