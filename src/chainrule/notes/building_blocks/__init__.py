"""*Building blocks*: the functions of an L-layer network, and the models that are built from them."""
