"""The errors a user may meet. Each message says what is wrong, where, and what to do about it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class LstmfcnError(Exception):
    """Base of every error that is the input's or the environment's fault, not a defect of ours.

    The command line prints its message without a traceback and exits with status 1.
    """


class ParamsError(LstmfcnError):
    """`params.yaml` holds a key or a value that is not understood."""


class DataError(LstmfcnError):
    """A data file is missing, damaged, or does not say what it should."""


class TrackingError(LstmfcnError):
    """The tracking store does not answer."""


class RegistryError(LstmfcnError):
    """The registry has no answer to what was asked."""


def nearest(word: str, known: Iterable[str]) -> str:
    """Return " Did you mean 'x'?" for the known word closest to `word`, or an empty string."""
    by_lower = {name.lower(): name for name in known}
    close = difflib.get_close_matches(word.lower(), by_lower, n=1, cutoff=0.5)
    return f" Did you mean '{by_lower[close[0]]}'?" if close else ""
