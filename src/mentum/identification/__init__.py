"""What is it? Names and probabilities for new images."""
