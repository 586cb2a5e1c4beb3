"""The jobs of the stages that compute: pure functions of arrays and a recipe, each returns a bundle of files.

They know neither the workspace nor MLflow, so a worker needs neither.
"""
