"""The pipeline: its stages, their jobs, and what runs them."""
