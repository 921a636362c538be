"""Training and evaluation of the shipped speech models: encoder, transcriber and emotion head."""

from agent.lab.training.ears.run import evaluate_ears, train_ears
from agent.lab.training.ears.train import Recipe

__all__ = ["Recipe", "evaluate_ears", "train_ears"]
