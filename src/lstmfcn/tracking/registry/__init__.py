"""The registry: one registered model a dataset, its versions, what serves, and who decides so."""
