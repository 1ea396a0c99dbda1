"""*Multi-layer networks*: propagation through one neuron, one layer, one example and m examples."""
