"""Turns as a test says they were heard, and manifests as a user writes them."""

import json

from agent.lab.evaluation.contenders import AnalysedTurn
from agent.lab.evaluation.manifest import LabelledRecording
from audio.types import Expectation, Transcript


def turn(said="", heard="", speaker="ann", sure=0.9, asked=None, sort="", **more):
    """`asked`: what was heard when the ears knew the question."""
    recording = LabelledRecording(
        1, more.pop("path", "a.wav"), speaker, said, more.pop("acted", None), **more.pop("of", {})
    )
    return AnalysedTurn(
        recording,
        Expectation("choice", choices=("yes", "no")) if asked is not None else None,
        sort,
        Transcript(heard, sure),
        None if asked is None else Transcript(asked, sure),
        more.pop("felt", None),
        seconds=1.0,
        cpu_s=0.1,
    )


def write_manifest(path, *lines):
    path.write_text("\n".join(x if isinstance(x, str) else json.dumps(x) for x in lines) + "\n")
    return path
