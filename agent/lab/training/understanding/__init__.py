"""Training and evaluation of the text models and their calibration."""

from agent.lab.training.understanding.train import train_understanding

__all__ = ["train_understanding"]
