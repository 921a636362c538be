"""Run of an imported conversation through a session, which yields its recording.

It works as a replay in which the models and a demo bank answer everything; all inputs of the
session become the recording. Private values are replaced first, as in a live conversation
(agent/privacy/vault.py), and the audio is masked (tests/agent/replay/test_importing.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

import numpy as np

from agent.actions.interface import Actions
from agent.core.effects import (
    DiscardTurn,
    Effect,
    FeedEncoder,
    PerformAction,
    UnderstandTurn,
    UpdateHandoff,
)
from agent.core.event_json import compact_json
from agent.core.inputs import (
    ActionCompleted,
    HandoffQueued,
    Input,
    PartialTextReceived,
    TurnUnderstood,
)
from agent.core.records import SessionRecord
from agent.core.session_factory import new_session
from agent.core.virtual_session import DueInput, VirtualSession
from agent.privacy.audio_masking import AudioMasker, MaskedAudio
from agent.privacy.redaction_record import Redaction
from agent.privacy.vault import Vault
from agent.recordings.leg_audio import LegAudio, difference_of_ranges
from agent.recordings.recording import Recording, loaders_of
from agent.replay.imported_lines import ImportedLine, ReferenceLines
from agent.replay.live_models import LiveModels, ModelAnswerSource
from agent.replay.run import ReplayRun, ReplayStep, ReplayTarget
from audio.codecs import to_pcm16
from audio.types import RATE, VOICE_HOP, Transcript, Word

QUEUE_DELAY_S = 2.0


@dataclass(frozen=True, slots=True)
class SessionImport:
    """One conversation to import. `reference_lines` are the customer's words as a person wrote
    them, `leg_audio` is the audio of all legs, `vault_key` derives the surrogates of private
    values."""

    record: SessionRecord
    target: ReplayTarget
    models: LiveModels
    bank: Actions
    vault_key: bytes
    reference_lines: Sequence[ImportedLine] = ()
    leg_audio: Mapping[str, LegAudio] = field(default_factory=dict)

    def run(self, inputs: Iterable[Input]) -> Recording:
        """The recording that follows from these inputs, the last of which ends the session.
        RecordingError when a reference line belongs to no turn."""
        whole = Recording(self.record, (), audio_loaders=loaders_of(self.leg_audio))
        session = new_session(self.target.pack, self.record, self.target.rules)
        vault = Vault(self.target.pack, self.vault_key)
        responder = ImportResponder(
            self.models.answer_source(whole),
            self.bank,
            vault,
            session.dialogue.today,
            ReferenceLines(self.reference_lines),
        )
        virtual, masked_legs = VirtualSession(session, responder), _MaskedLegs(self.leg_audio)
        steps: list[ReplayStep] = []

        def receive(event: Input) -> None:
            hidden = vault.pseudonymise(event, session.expectation_for(event))
            effects = virtual.receive(hidden.event)
            redactions = compact_json([one.as_json_fields() for one in hidden.redactions])
            steps.append(ReplayStep.from_effects(hidden.event, effects, redactions))
            placed = responder.placed_redactions(hidden.event, hidden.redactions)
            masked_legs.process(hidden.event, effects, placed)

        for event in inputs:
            for due in virtual.due_before(event.at):
                receive(due.event)
            if session.closed:
                break
            receive(event)
        self.models.end_session(self.record.id)
        responder.reference_lines.require_all_used()
        leg_audio = loaders_of(masked_legs.masked_audio())
        return Recording(self.record, ReplayRun(tuple(steps)).rows(), {}, self.record.id, leg_audio)


@dataclass(slots=True)
class ImportResponder:
    """The `EffectResponder` of an import: models, a demo bank, and a queue with one place.

    A customer's turn that has a reference text is understood from that text.
    """

    answer_source: ModelAnswerSource
    bank: Actions
    vault: Vault
    today: date  # of the session
    reference_lines: ReferenceLines
    _turn_ranges: dict[int, tuple[int, int]] = field(default_factory=dict)  # by stream
    _unaligned_requests: set[int] = field(default_factory=set)  # understood from a reference text

    def responses_to(self, effect: Effect, at: float) -> Iterable[DueInput]:
        match effect:
            case FeedEncoder(stream, _, start, samples):
                first, _ = self._turn_ranges.get(stream, (start, start))
                self._turn_ranges[stream] = (first, start + len(samples))
                texts = self.answer_source.feed_audio(effect)
                return [DueInput(PartialTextReceived(at, stream, text)) for text in texts]
            case DiscardTurn(stream):
                self.answer_source.discard_turn(stream)
            case UnderstandTurn():
                return [self._answer(effect, at)]
            case PerformAction(call):
                outcome = self.bank.perform(self.vault.reveal_in_call(call))
                return [DueInput(ActionCompleted(at, outcome))]
            case UpdateHandoff(id, "requested"):
                return [DueInput(HandoffQueued(at + QUEUE_DELAY_S, id, 1, 0))]
        return ()

    def placed_redactions(
        self, event: Input, redactions: Sequence[Redaction]
    ) -> Sequence[Redaction]:
        """The redactions of an input with their positions. Reference words have no known position:
        position 0 makes the audio masker silence the whole turn."""
        if isinstance(event, TurnUnderstood) and event.request_id in self._unaligned_requests:
            return [replace(one, from_sample=0, to_sample=0) for one in redactions]
        return redactions

    def _answer(self, request: UnderstandTurn, at: float) -> DueInput:
        answer = self.answer_source.understand(request, None, self.today, at)
        understood = answer.event
        if (
            request.stream is None
            or request.leg != "customer"
            or not isinstance(understood, TurnUnderstood)
        ):
            return answer
        start, end = self._turn_ranges[request.stream]
        text = self.reference_lines.take_between(start / RATE, end / RATE)
        if text is None:
            return answer
        self._unaligned_requests.add(request.request_id)
        typed_request = replace(request, stream=None, text=text)
        read = self.answer_source.understand(typed_request, None, self.today, at).event
        assert isinstance(read, TurnUnderstood)
        voice = understood.understanding
        understanding = replace(
            read.understanding, cues=voice.cues, upset=voice.upset, upset_spread=voice.upset_spread
        )
        transcript = _placed_transcript(text, understood.transcript, start, end)
        return DueInput(replace(understood, understanding=understanding, transcript=transcript))


def _placed_transcript(
    text: str, transcript: Transcript | None, start: int, end: int
) -> Transcript:
    """The reference text as a transcript, its words spread evenly over the words heard, or over the
    turn where none were heard."""
    if transcript is not None and transcript.words:
        start, end = transcript.words[0].start, transcript.words[-1].end
    words = text.split()
    cuts = [start + (end - start) * i // max(1, len(words)) for i in range(len(words) + 1)]
    timed_words = tuple(Word(one, cuts[i], cuts[i + 1], 1.0) for i, one in enumerate(words))
    return Transcript(text, 1.0, timed_words)


class _MaskedLegs:
    """The audio of all legs of an import, with its private passages replaced by silence."""

    def __init__(self, leg_audio: Mapping[str, LegAudio]) -> None:
        self._leg_audio = leg_audio
        self._masker = AudioMasker(leg_audio)
        self._samples = {leg: np.zeros_like(one.samples) for leg, one in leg_audio.items()}

    def process(
        self, event: Input, effects: Sequence[Effect], redactions: Sequence[Redaction]
    ) -> None:
        """Mask what this input and its effects say of the audio."""
        self._store(self._masker.process(event, effects, redactions))

    def masked_audio(self) -> dict[str, LegAudio]:
        """The masked audio; intact where it is as it was."""
        self._store(self._masker.flush())
        out: dict[str, LegAudio] = {}
        for leg, audio in self._leg_audio.items():
            samples = self._samples[leg]
            changed = np.flatnonzero(samples != audio.samples) // VOICE_HOP * VOICE_HOP
            changed_ranges = ((int(at), int(at) + VOICE_HOP) for at in np.unique(changed))
            out[leg] = LegAudio(samples, difference_of_ranges(audio.intact_ranges, changed_ranges))
        return out

    def _store(self, pieces: Iterable[MaskedAudio]) -> None:
        for one in pieces:
            leg_samples = self._samples[one.leg]
            leg_samples[one.start : one.start + len(one.samples)] = to_pcm16(one.samples)
