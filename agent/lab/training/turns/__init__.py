"""Measurement of turn-taking on recordings, and the choice of its settings."""

from agent.lab.training.turns.endings import count_endings
from agent.lab.training.turns.policy_choice import TurnTuningOptions
from agent.lab.training.turns.run import tune_turns

__all__ = ["TurnTuningOptions", "count_endings", "tune_turns"]
