"""How are the text models and their calibration trained and measured?"""

from agent.lab.training.understanding.train import train_understanding

__all__ = ["train_understanding"]
