"""The L-layer neural network of the classic course notes, as software that people use."""
