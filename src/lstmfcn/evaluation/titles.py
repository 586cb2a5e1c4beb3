"""What people call a classifier, and where the paper's Table I has it."""

from __future__ import annotations

_TITLES = {"fcn": "FCN", "lstm_fcn": "LSTM-FCN", "alstm_fcn": "ALSTM-FCN"}

_PAPER_COLUMNS = {
    ("lstm_fcn", "phase1"): "lstm_fcn",
    ("lstm_fcn", "finetuned"): "ft_lstm_fcn",
    ("alstm_fcn", "phase1"): "alstm_fcn",
    ("alstm_fcn", "finetuned"): "ft_alstm_fcn",
}


def title_of(name: str) -> str:
    """Return a classifier's title; the name itself where it has none."""
    return _TITLES.get(name, name)


def paper_column(model: str, phase: str) -> str | None:
    """Return the column of Table I for a classifier and phase; None if the paper has not run it."""
    return _PAPER_COLUMNS.get((model, phase))
