"""How are the ears trained and measured?"""

from agent.lab.training.ears.run import evaluate_ears, train_ears
from agent.lab.training.ears.train import Recipe

__all__ = ["Recipe", "evaluate_ears", "train_ears"]
