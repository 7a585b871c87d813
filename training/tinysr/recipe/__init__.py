"""How a TinySR is made from a larger one: depth pruning, compression of the autoencoder, folding of what is constant."""
