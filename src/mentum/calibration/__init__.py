"""What probabilities mean: held-out cases, temperatures, thresholds, novelty."""
