"""Training and evaluation of the shipped speech models: encoder, transcriber and emotion head."""
