"""The networks, in backend-neutral Keras."""
