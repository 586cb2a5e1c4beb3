"""Metrics, ranks and significance: pure functions of arrays and tables."""
