"""*Deep learning basics*: logistic regression, computation graphs, shallow and deep networks."""
