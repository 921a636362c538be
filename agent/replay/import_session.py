"""How does a conversation go that nobody has recorded here?

As a replay that asks the models and a bank for everything; what happens on the way are the inputs
of the recording. Private values are replaced before anything else, as on a line
(agent/privacy/vault.py).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from heapq import heappop, heappush
from itertools import count
from typing import TYPE_CHECKING

import numpy as np

from agent.actions.interface import Actions
from agent.core import events as e
from agent.core.decisions import decisions, footprint
from agent.core.event_json import one_line
from agent.core.session import Session
from agent.core.session_factory import opening
from agent.privacy.audio_masking import Piece, Tape
from agent.privacy.redaction_record import Redaction
from agent.privacy.vault import Hidden, Vault
from agent.recordings.leg_audio import LegSound, Whole, whole_numbers, without
from agent.recordings.recording import Recording, RecordingError
from agent.replay.live_models import Listening, Models
from agent.replay.run import Build, Run, Step
from agent.store.records import SessionRecord
from audio.types import RATE, VOICE_HOP, Expectation, Transcript, Word

if TYPE_CHECKING:
    from agent.replay.importing import Written

NEAR_S = 0.4  # by which a written line may lie beside the turn it belongs to
PLACE_S = 2.0


@dataclass(slots=True)
class Importing:
    """One conversation on its way to become a recording. `key` is the vault's and leads nowhere;
    `written`: what the customer said, by a person; `sounds`: the whole legs."""

    record: SessionRecord
    build: Build
    models: Models
    bank: Actions
    key: bytes
    written: Sequence[Written] = ()
    sounds: Mapping[str, LegSound] = field(default_factory=dict)
    _session: Session = field(init=False)
    _vault: Vault = field(init=False)
    _answers: Listening = field(init=False)
    _lines: _Lines = field(init=False)
    _steps: list[Step] = field(default_factory=list)
    _due: list[tuple[float, int, e.Input]] = field(default_factory=list)
    _order: count[int] = field(default_factory=count)
    _asked: dict[int, Expectation] = field(default_factory=dict)
    _tape: Tape = field(init=False)
    _samples: dict[str, Whole] = field(default_factory=dict)  # what may be kept, by leg
    _spread: set[int] = field(default_factory=set)  # questions whose words have no sure place
    _turns: dict[int, tuple[int, int]] = field(default_factory=dict)  # by stream: from, to

    def run(self, inputs: Iterable[e.Input]) -> Recording:
        """Everything that happens from these inputs on. RecordingError when a written line belongs
        to no turn that was heard."""
        whole = Recording(self.record, (), sounds=_given(self.sounds))
        self._answers = self.models.hearing(whole)
        self._lines = _Lines(self.written)
        self._vault = Vault(self.build.pack, self.key)
        self._tape = Tape(self.sounds)
        self._samples = {leg: np.zeros_like(one.samples) for leg, one in self.sounds.items()}
        self._session = opening(self.build.pack, self.record, self.build.rules)
        for event in inputs:
            self._until(event.at)
            if self._session.closed:
                break
            self._feed(event)
        self._keep(self._tape.close())
        self.models.over(whole)
        self._lines.all_heard()
        rows = Run(tuple(self._steps)).rows()
        return Recording(self.record, rows, {}, self.record.id, _given(self._kept()))

    def _until(self, at: float) -> None:
        while not self._session.closed:
            due = self._due[0][0] if self._due else math.inf
            if due <= min(at, self._session.deadline):
                self._feed(heappop(self._due)[2])
            elif self._session.deadline < at:
                self._feed(e.Tick(self._session.deadline))
            else:
                return

    def _feed(self, event: e.Input) -> None:
        expect = self._session.expect
        if isinstance(event, e.Understood | e.Missed):
            expect = self._asked.pop(event.ask, expect)
        hidden = self._vault.hide(event, expect)
        effects = self._session.receive(hidden.event)
        told = one_line([one.written() for one in hidden.redactions])
        self._steps.append(Step(hidden.event, decisions(effects), footprint(effects), told))
        self._keep(self._tape.push(hidden.event, effects, self._placed(hidden)))
        for effect in effects:
            self._follow(effect, event.at)

    def _follow(self, effect: e.Effect, at: float) -> None:
        match effect:
            case e.Listen(stream, _, start, samples):
                first, _ = self._turns.get(stream, (start, start))
                self._turns[stream] = (first, start + len(samples))
                for text in self._answers.listen(effect):
                    self._later(at, e.Partial(at, stream, text))
            case e.Forget(stream):
                self._answers.forget(stream)
            case e.Understand():
                self._asked[effect.ask] = effect.expect
                self._later(at, self._answer(effect, at))
            case e.Act(call):
                self._later(at, e.Acted(at, self.bank.perform(self._vault.call(call))))
            case e.HandOver(id, "requested"):
                self._later(at + PLACE_S, e.Queued(at, id, 1, 0))

    def _answer(self, ask: e.Understand, at: float) -> e.Input:
        """As the models answer; if a person has written the turn down, in those words."""
        today = self._session.dialogue.today
        event, _ = self._answers.understand(ask, None, today, at)
        if ask.stream is None or ask.leg != "customer" or not isinstance(event, e.Understood):
            return event
        start, end = self._turns[ask.stream]
        line = self._lines.of(start / RATE, end / RATE)
        if line is None:
            return event
        self._spread.add(ask.ask)
        meant, _ = self._answers.understand(replace(ask, stream=None, text=line), None, today, at)
        assert isinstance(meant, e.Understood)
        heard = event.result
        result = replace(
            meant.result, cues=heard.cues, upset=heard.upset, upset_spread=heard.upset_spread
        )
        return replace(event, result=result, transcript=_placed(line, event.transcript, start, end))

    def _later(self, at: float, event: e.Input) -> None:
        heappush(self._due, (at, next(self._order), replace(event, at=at)))

    def _placed(self, hidden: Hidden) -> Sequence[Redaction]:
        """Where in the sound something private is; of words that a person wrote nobody knows, so
        the tape silences the turn."""
        event, found = hidden.event, hidden.redactions
        if isinstance(event, e.Understood) and event.ask in self._spread:
            return [replace(one, from_sample=0, to_sample=0) for one in found]
        return found

    def _keep(self, pieces: Iterable[Piece]) -> None:
        for one in pieces:
            whole = self._samples[one.leg]
            whole[one.start : one.start + len(one.samples)] = whole_numbers(one.samples)

    def _kept(self) -> dict[str, LegSound]:
        """The sound without what was private in it."""
        out: dict[str, LegSound] = {}
        for leg, sound in self.sounds.items():
            samples = self._samples[leg]
            changed = np.flatnonzero(samples != sound.samples) // VOICE_HOP * VOICE_HOP
            gone = ((int(at), int(at) + VOICE_HOP) for at in np.unique(changed))
            out[leg] = LegSound(samples, without(sound.kept, gone))
        return out


class _Lines:
    """What a person has written down, turn by turn."""

    def __init__(self, written: Sequence[Written]) -> None:
        self._left = list(written)
        self._timed = all(one.start is not None and one.end is not None for one in written)

    def of(self, start: float, end: float) -> str | None:
        """The line, or lines, of the turn from `start` to `end` in seconds; None for none."""
        if not self._left:
            return None
        if not self._timed:
            return self._left.pop(0).text
        inside = [
            one
            for one in self._left
            if start - NEAR_S <= ((one.start or 0.0) + (one.end or 0.0)) / 2 <= end + NEAR_S
        ]
        self._left = [one for one in self._left if one not in inside]
        return " ".join(one.text for one in inside) or None

    def all_heard(self) -> None:
        if self._left:
            text = self._left[0].text
            raise RecordingError(
                f"{len(self._left)} lines of the transcript belong to no turn that was heard; the "
                f"first is “{text}”: give it times (WebVTT), or one line for each turn"
            )


def _placed(text: str, heard: Transcript | None, start: int, end: int) -> Transcript:
    """Written words where they were heard, as far as that is known: spread over the turn."""
    if heard is not None and heard.words:
        start, end = heard.words[0].start, heard.words[-1].end
    words = text.split()
    cuts = [start + (end - start) * i // max(1, len(words)) for i in range(len(words) + 1)]
    placed = tuple(Word(one, cuts[i], cuts[i + 1], 1.0) for i, one in enumerate(words))
    return Transcript(text, 1.0, placed)


def _given(sounds: Mapping[str, LegSound]) -> dict[str, Callable[[], LegSound]]:
    return {leg: partial(_same, one) for leg, one in sounds.items()}


def _same(sound: LegSound) -> LegSound:
    return sound
