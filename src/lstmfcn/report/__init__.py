"""The report: one HTML page, built from files alone."""
