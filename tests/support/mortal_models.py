"""Importing this reads the models, once, for every process that is forked from here."""

from agent.config import Settings
from dialogs.pack.model import Pack
from tests.support.serving import read_models

PACK = Pack.load()
read_models(Settings().weights, Settings().pack)
