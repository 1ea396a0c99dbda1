"""*Theta notation*: Theta with its bias column, the accumulators Delta, the derivations that it quotes."""
