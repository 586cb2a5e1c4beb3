"""LSTM-FCN and ALSTM-FCN time series classifiers as a tracked, validated, reproducible pipeline."""

__version__ = "0.1.0"
