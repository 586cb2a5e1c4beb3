"""What a classifier is measured by beside accuracy and log loss: plain functions of arrays.

Classes that a split lacks are left out of what is averaged over classes, as scikit-learn does.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

BINS = 15
"""Of the expected calibration error, as Guo et al. have them."""


def balanced_accuracy(y: NDArray[np.int64], predicted: NDArray[np.int64]) -> float:
    """Return the mean of the classes' sensitivities (Brodersen et al., 2010).

    Parameters
    ----------
    y, predicted
        Class indices, shape (n_series,).
    """
    from sklearn.metrics import recall_score

    return float(recall_score(y, predicted, labels=np.unique(y), average="macro"))


def macro_f1(y: NDArray[np.int64], predicted: NDArray[np.int64]) -> float:
    """Return the mean over classes of F1, the harmonic mean of precision and sensitivity.

    It is the mean of the F1, not the F1 of mean precision and mean sensitivity (Opitz and Burst, 2019). A
    class that is neither true nor predicted anywhere is left out.

    Parameters
    ----------
    y, predicted
        Class indices, shape (n_series,).
    """
    from sklearn.metrics import f1_score

    return float(f1_score(y, predicted, average="macro", zero_division=0.0))


def sensitivities(y: NDArray[np.int64], predicted: NDArray[np.int64], n_classes: int) -> NDArray[np.float64]:
    """Return the share of each class's series that are predicted as it, shape (n_classes,).

    NaN for a class without series.
    """
    from sklearn.metrics import recall_score

    shares = recall_score(
        y, predicted, labels=np.arange(n_classes), average=None, zero_division=np.nan
    )  # of a class without series
    return np.asarray(shares, np.float64)


def auroc(y: NDArray[np.int64], probabilities: NDArray[np.float32]) -> float:
    """Return the area under the ROC curve of each class against the rest, the mean over classes.

    It is the chance that a series of the class gets a higher probability of it than one of another class
    (Hanley and McNeil, 1982; one against the rest: Provost and Domingos, 2000, the classes counting alike).
    NaN where all series are of one class.

    Parameters
    ----------
    y
        Class indices, shape (n_series,).
    probabilities
        Shape (n_series, n_classes).
    """
    from sklearn.metrics import roc_auc_score

    present = np.unique(y)
    if len(present) < 2:
        return float("nan")
    return float(np.mean([roc_auc_score(y == k, probabilities[:, k]) for k in present]))


def squared_errors(y: NDArray[np.int64], probabilities: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return half the squared distance of each series' probabilities from the truth, shape (n_series,).

    Their mean is the score of Brier (1950), who does not halve: so it is between 0 and 1, and of two classes
    the squared error of one probability, as usual today.
    """
    truth = np.zeros(probabilities.shape)
    truth[np.arange(len(y)), y] = 1
    return np.asarray(((probabilities.astype(np.float64) - truth) ** 2).sum(axis=1) / 2)


def reliability(
    y: NDArray[np.int64], probabilities: NDArray[np.float32], *, bins: int = BINS
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """Return how many series have a confidence in each bin, their mean confidence, and their accuracy.

    The confidence is that of the predicted class; the bins are of equal width from 0 to 1, each with its
    upper end (Guo et al., 2017). Shape (bins,) each; mean and accuracy are NaN in an empty one.
    """
    confidence = probabilities.max(axis=1).astype(np.float64)
    right = probabilities.argmax(axis=1) == y
    bin_of = np.clip(np.ceil(confidence * bins).astype(np.int64) - 1, 0, bins - 1)
    n, sure, hits = (
        np.bincount(bin_of, weights, minlength=bins) for weights in (None, confidence, right.astype(float))
    )
    with np.errstate(invalid="ignore"):
        return n.astype(np.int64), sure / n, hits / n


def calibration_error(y: NDArray[np.int64], probabilities: NDArray[np.float32]) -> float:
    """Return the expected calibration error (Naeini et al., 2015; Guo et al., 2017).

    The mean over series of how far the mean confidence of their bin lies from the bin's accuracy; see
    `reliability`.
    """
    n, confidence, accuracy = reliability(y, probabilities)
    return float(np.nansum(n * np.abs(confidence - accuracy)) / n.sum())


def majority_rate(y: NDArray[np.int64]) -> float:
    """Return the share of the largest class: the accuracy of whoever always names it.

    Parameters
    ----------
    y
        Class indices of the training split, shape (n_series,).
    """
    return float(np.bincount(y).max() / len(y))
