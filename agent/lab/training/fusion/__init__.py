"""Training of the fusion of words and voice, and the pairs that it learns from."""
