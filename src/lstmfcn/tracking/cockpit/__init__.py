"""What people meet in MLflow's user interface: views, a note, cards, models with their metrics."""
