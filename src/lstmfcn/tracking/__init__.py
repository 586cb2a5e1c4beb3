"""MLflow: runs as they are logged, the registry, and models as they are packed and loaded."""
