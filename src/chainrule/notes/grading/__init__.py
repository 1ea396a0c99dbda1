"""A learner's own function against ours: hidden cases, the comparison, and the mistakes it can name."""
