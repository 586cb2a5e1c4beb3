"""A model as it is registered, pulled and served: exporting it, checking it, loading it.

A package is a folder that plain MLflow and plain TensorFlow load: a file `MLmodel` that describes it, and a
SavedModel from raw series to probabilities.
"""
