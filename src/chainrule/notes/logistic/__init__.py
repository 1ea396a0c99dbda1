"""*Logistic regression to one hidden layer*: likelihood, derivatives, notation, one hidden layer, a program."""
