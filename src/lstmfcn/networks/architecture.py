"""Which network, as plain values: they decide its shape, and cost no import of Keras."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, Self, get_args

ModelName = Literal["fcn", "lstm_fcn", "alstm_fcn"]
MODEL_NAMES: tuple[ModelName, ...] = get_args(ModelName)


@dataclass(frozen=True, kw_only=True)
class Architecture:
    """One of the paper's networks (section III-A), and the options the paper talks about.

    Attributes
    ----------
    name
        "fcn" (the convolutional branch alone), "lstm_fcn" or "alstm_fcn".
    cells
        The units of the LSTM; None for `fcn`, which has none.
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
        If the name is unknown, or the values do not fit each other.
    """

    name: ModelName
    cells: int | None = None
    dropout: float = 0.8
    dimension_shuffle: bool = True
    segments: int = 1

    def __post_init__(self) -> None:
        if self.name not in MODEL_NAMES:
            raise ValueError(f"Unknown model {self.name!r}; known are {', '.join(MODEL_NAMES)}.")
        if (self.cells is None) != (self.name == "fcn"):
            raise ValueError(
                f"cells={self.cells} does not fit {self.name}: fcn has no LSTM, the others need its width."
            )
        if self.segments < 1 or (self.segments > 1 and not self.dimension_shuffle):
            raise ValueError(
                f"segments={self.segments} does not fit dimension_shuffle={self.dimension_shuffle}: without "
                "the shuffle each value is a step already, so there is nothing to cut."
            )

    @classmethod
    def of(cls, name: str, params: Mapping[str, Any]) -> Self:
        """Return the architecture that a run's parameters describe."""
        return cls(
            name=name,  # type: ignore[arg-type]
            cells=None if params["cells"] is None else int(params["cells"]),
            **{key: params[key] for key in ("dropout", "dimension_shuffle", "segments")},
        )

    def params(self) -> dict[str, Any]:
        """Return everything but the name, as the parameters of a run."""
        return {key: value for key, value in asdict(self).items() if key != "name"}
