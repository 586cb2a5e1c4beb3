"""The paper's own figures, out of its Table I (`evaluation/table1.csv`)."""

from pathlib import Path

import pandas as pd
import pytest
from scipy.stats import wilcoxon

from lstmfcn.data.catalogue import current_name
from lstmfcn.evaluation.ranks import mean_ranks, ranks
from lstmfcn.evaluation.reference import load_table1
from lstmfcn.evaluation.scores import mean_per_class_error, per_class_error
from lstmfcn.evaluation.significance import wilcoxon_table

ROOT = Path(__file__).parents[2]
BASELINES = ROOT.parent / "shared/paper/baselines_2019.csv"


@pytest.fixture(scope="module")
def table1():
    return load_table1()


@pytest.mark.parametrize(
    ("method", "printed"),
    [("lstm_fcn", 0.0318), ("ft_lstm_fcn", 0.0283), ("alstm_fcn", 0.0301), ("ft_alstm_fcn", 0.0294)],
)
def test_mpce_as_printed(table1, method, printed):
    errors = [per_class_error(a, k) for a, k in zip(table1[method], table1["n_classes"], strict=True)]
    assert round(mean_per_class_error(errors), 4) == printed


@pytest.mark.parametrize(
    ("method", "wins"), [("lstm_fcn", 44), ("ft_lstm_fcn", 65), ("alstm_fcn", 51), ("ft_alstm_fcn", 57)]
)
def test_wins_or_ties_against_the_existing_best(table1, method, wins):
    """As printed, but for LSTM-FCN, where the paper prints 43."""
    assert (table1[method] >= table1["existing_sota"]).sum() == wins


def test_wilcoxon_of_the_fine_tuned_lstm_fcn(table1):
    """Not the printed 7.53e-5: the table's own figures give less. In ten-thousandths they are exact."""
    pair = table1[["ft_lstm_fcn", "lstm_fcn"]]
    (row,) = wilcoxon_table(pair).to_dict("records")
    exact = (10_000 * pair).round().astype(int)
    assert (
        row["p"] == wilcoxon(exact["ft_lstm_fcn"] - exact["lstm_fcn"]).pvalue == pytest.approx(6.5e-7, 0.01)
    )


def test_mean_ranks_among_the_published_baselines(table1):
    if not BASELINES.exists():
        pytest.skip("the published baselines are not ours to carry; they lie beside the clone in CI")
    baselines = pd.read_csv(BASELINES)
    baselines.index = baselines["Dataset"].map(current_name)
    ours = table1[["ft_lstm_fcn", "ft_alstm_fcn"]]
    others = baselines.drop(columns=[c for c in baselines if "LSTM" in c]).select_dtypes("number")
    assert others.shape == (85, 12)
    means = mean_ranks(ranks(ours.join(others, how="inner"), ties="min"))
    assert round(means.at["ft_alstm_fcn", "arithmetic"], 4) == 2.5647
    assert round(means.at["ft_alstm_fcn", "geometric"], 4) == 1.8506
    assert round(means.at["ft_lstm_fcn", "arithmetic"], 4) == 2.1176
