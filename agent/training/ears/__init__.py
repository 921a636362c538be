"""How are the ears trained and measured?"""

from agent.training.ears.run import evaluate_ears, train_ears

__all__ = ["evaluate_ears", "train_ears"]
