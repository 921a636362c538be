"""How is turn-taking measured on recordings, and how are its settings chosen?"""

from agent.training.turns.endings import count_endings
from agent.training.turns.report import Aim
from agent.training.turns.run import tune_turns

__all__ = ["Aim", "count_endings", "tune_turns"]
