"""Between the notations of the documents: gradients and parameters of one as another writes them."""
