"""Importing this reads the models, once, for every process that is forked from here."""

from agent.config import Settings
from dialogs.pack.loader import load_pack
from tests.support.serving import read_models

PACK = load_pack()
read_models(Settings().weights, Settings().pack)
