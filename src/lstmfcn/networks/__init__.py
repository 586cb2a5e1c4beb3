"""Networks in backend-neutral Keras: those of the paper's section III, and ResNet beside them."""
