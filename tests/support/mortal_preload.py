"""What every mortal server needs, imported and read where all of them are forked from."""

import gc
from pathlib import Path
from tempfile import TemporaryDirectory

from agent.config import Settings
from audio.speak import TtsVoice
from audio.vad import VoiceActivityDetector
from server import build_services
from tests.support import mortal, serving  # noqa: F401
from tests.support.packs import bank_pack
from tests.support.scripted_mind import Bot

VoiceActivityDetector.load()
TtsVoice("en-us")
with TemporaryDirectory() as folder:  # once through what is slow the first time
    build_services(Settings(state=Path(folder)), bank_pack()).store.close()
Bot(bank_pack()).says("transfer 50 dollars from checking to savings")
gc.collect()
gc.freeze()  # a child that looked through all this for garbage would copy it
