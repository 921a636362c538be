"""Run of an imported conversation through a session, which yields its recording.

It works as a replay in which the models and a demo bank answer everything; all inputs of the
session become the recording. Private values are replaced first, as in a live conversation
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
from agent.core.decisions import comparable_digest, decisions
from agent.core.event_json import compact_json
from agent.core.records import SessionRecord
from agent.core.session import Session
from agent.core.session_factory import new_session
from agent.privacy.audio_masking import AudioMasker, MaskedAudio
from agent.privacy.redaction_record import Redaction
from agent.privacy.vault import PseudonymisedInput, Vault
from agent.recordings.leg_audio import LegAudio, Pcm16, difference_of_ranges, to_pcm16
from agent.recordings.recording import Recording, RecordingError
from agent.replay.live_models import LiveModels, ModelAnswerSource
from agent.replay.run import ReplayRun, ReplayStep, ReplayTarget
from audio.types import RATE, VOICE_HOP, Expectation, Transcript, Word

if TYPE_CHECKING:
    from agent.replay.importing import ImportedLine

MAX_LINE_OFFSET_S = 0.4  # a reference line may lie so far outside of the turn it belongs to
QUEUE_DELAY_S = 2.0


@dataclass(slots=True)
class SessionImport:
    """One imported conversation. `reference_lines` are the customer's words as a person wrote them,
    `leg_audio` is the audio of all legs, `vault_key` derives the surrogates of private values."""

    record: SessionRecord
    target: ReplayTarget
    models: LiveModels
    bank: Actions
    vault_key: bytes
    reference_lines: Sequence[ImportedLine] = ()
    leg_audio: Mapping[str, LegAudio] = field(default_factory=dict)
    _session: Session = field(init=False)
    _vault: Vault = field(init=False)
    _answer_source: ModelAnswerSource = field(init=False)
    _unmatched_lines: _ReferenceLines = field(init=False)
    _steps: list[ReplayStep] = field(default_factory=list)
    _due_inputs: list[tuple[float, int, e.Input]] = field(default_factory=list)
    _sequence: count[int] = field(default_factory=count)
    _expectations: dict[int, Expectation] = field(default_factory=dict)
    _audio_masker: AudioMasker = field(init=False)
    _masked_samples: dict[str, Pcm16] = field(
        default_factory=dict
    )  # by leg: audio that may be stored
    _unaligned_requests: set[int] = field(
        default_factory=set
    )  # requests whose words have no known position
    _turn_ranges: dict[int, tuple[int, int]] = field(
        default_factory=dict
    )  # by stream: start and end

    def run(self, inputs: Iterable[e.Input]) -> Recording:
        """The recording that follows from these inputs. RecordingError when a reference line
        belongs to no turn."""
        full_recording = Recording(self.record, (), audio_loaders=_as_loaders(self.leg_audio))
        self._answer_source = self.models.answer_source(full_recording)
        self._unmatched_lines = _ReferenceLines(self.reference_lines)
        self._vault = Vault(self.target.pack, self.vault_key)
        self._audio_masker = AudioMasker(self.leg_audio)
        self._masked_samples = {
            leg: np.zeros_like(one.samples) for leg, one in self.leg_audio.items()
        }
        self._session = new_session(self.target.pack, self.record, self.target.rules)
        for event in inputs:
            self._run_until(event.at)
            if self._session.closed:
                break
            self._apply(event)
        self._store_audio(self._audio_masker.flush())
        self.models.end_session(full_recording)
        self._unmatched_lines.require_all_used()
        rows = ReplayRun(tuple(self._steps)).rows()
        return Recording(self.record, rows, {}, self.record.id, _as_loaders(self._storable_audio()))

    def _run_until(self, at: float) -> None:
        while not self._session.closed:
            due = self._due_inputs[0][0] if self._due_inputs else math.inf
            if due <= min(at, self._session.deadline):
                self._apply(heappop(self._due_inputs)[2])
            elif self._session.deadline < at:
                self._apply(e.DeadlineReached(self._session.deadline))
            else:
                return

    def _apply(self, event: e.Input) -> None:
        expectation = self._session.expectation
        if isinstance(event, e.TurnUnderstood | e.UnderstandingFailed):
            expectation = self._expectations.pop(event.request_id, expectation)
        hidden = self._vault.pseudonymise(event, expectation)
        effects = self._session.receive(hidden.event)
        redactions = compact_json([one.as_json_fields() for one in hidden.redactions])
        self._steps.append(
            ReplayStep(hidden.event, decisions(effects), comparable_digest(effects), redactions)
        )
        self._store_audio(
            self._audio_masker.process(hidden.event, effects, self._placed_redactions(hidden))
        )
        for effect in effects:
            self._carry_out(effect, event.at)

    def _carry_out(self, effect: e.Effect, at: float) -> None:
        match effect:
            case e.FeedEncoder(stream, _, start, samples):
                first, _ = self._turn_ranges.get(stream, (start, start))
                self._turn_ranges[stream] = (first, start + len(samples))
                for text in self._answer_source.feed_audio(effect):
                    self._schedule(at, e.PartialTextReceived(at, stream, text))
            case e.DiscardTurn(stream):
                self._answer_source.discard_turn(stream)
            case e.UnderstandTurn():
                self._expectations[effect.request_id] = effect.expectation
                self._schedule(at, self._answer_request(effect, at))
            case e.PerformAction(call):
                self._schedule(
                    at, e.ActionCompleted(at, self.bank.perform(self._vault.reveal_in_call(call)))
                )
            case e.UpdateHandoff(id, "requested"):
                self._schedule(at + QUEUE_DELAY_S, e.HandoffQueued(at, id, 1, 0))

    def _answer_request(self, request: e.UnderstandTurn, at: float) -> e.Input:
        """The models' answer; where the turn has a reference text, understood from that text."""
        today = self._session.dialogue.today
        event, _ = self._answer_source.understand(request, None, today, at)
        if (
            request.stream is None
            or request.leg != "customer"
            or not isinstance(event, e.TurnUnderstood)
        ):
            return event
        start, end = self._turn_ranges[request.stream]
        reference_text = self._unmatched_lines.take_between(start / RATE, end / RATE)
        if reference_text is None:
            return event
        self._unaligned_requests.add(request.request_id)
        from_text, _ = self._answer_source.understand(
            replace(request, stream=None, text=reference_text), None, today, at
        )
        assert isinstance(from_text, e.TurnUnderstood)
        heard_understanding = event.understanding
        result = replace(
            from_text.understanding,
            cues=heard_understanding.cues,
            upset=heard_understanding.upset,
            upset_spread=heard_understanding.upset_spread,
        )
        return replace(
            event,
            understanding=result,
            transcript=_placed_transcript(reference_text, event.transcript, start, end),
        )

    def _schedule(self, at: float, event: e.Input) -> None:
        heappush(self._due_inputs, (at, next(self._sequence), replace(event, at=at)))

    def _placed_redactions(self, hidden: PseudonymisedInput) -> Sequence[Redaction]:
        """The redactions with their positions. Reference words have no known position: position 0
        makes the audio masker silence the whole turn."""
        event, redactions = hidden.event, hidden.redactions
        if isinstance(event, e.TurnUnderstood) and event.request_id in self._unaligned_requests:
            return [replace(one, from_sample=0, to_sample=0) for one in redactions]
        return redactions

    def _store_audio(self, pieces: Iterable[MaskedAudio]) -> None:
        for one in pieces:
            leg_samples = self._masked_samples[one.leg]
            leg_samples[one.start : one.start + len(one.samples)] = to_pcm16(one.samples)

    def _storable_audio(self) -> dict[str, LegAudio]:
        """The audio of the legs with private parts masked."""
        out: dict[str, LegAudio] = {}
        for leg, sound in self.leg_audio.items():
            samples = self._masked_samples[leg]
            changed = np.flatnonzero(samples != sound.samples) // VOICE_HOP * VOICE_HOP
            changed_ranges = ((int(at), int(at) + VOICE_HOP) for at in np.unique(changed))
            out[leg] = LegAudio(samples, difference_of_ranges(sound.intact_ranges, changed_ranges))
        return out


class _ReferenceLines:
    """Reference lines of the customer, taken turn by turn."""

    def __init__(self, lines: Sequence[ImportedLine]) -> None:
        self._remaining = list(lines)
        self._has_times = all(one.start is not None and one.end is not None for one in lines)

    def take_between(self, start: float, end: float) -> str | None:
        """Take the text of the turn from `start` to `end` in seconds; None when it has none.

        Lines without times are taken one for each turn.
        """
        if not self._remaining:
            return None
        if not self._has_times:
            return self._remaining.pop(0).text
        inside = [
            one
            for one in self._remaining
            if start - MAX_LINE_OFFSET_S
            <= ((one.start or 0.0) + (one.end or 0.0)) / 2
            <= end + MAX_LINE_OFFSET_S
        ]
        self._remaining = [one for one in self._remaining if one not in inside]
        return " ".join(one.text for one in inside) or None

    def require_all_used(self) -> None:
        """RecordingError when a line is left."""
        if self._remaining:
            text = self._remaining[0].text
            raise RecordingError(
                f"{len(self._remaining)} lines of the transcript belong to no turn that was heard; the "
                f"first is “{text}”: give it times (WebVTT), or one line for each turn"
            )


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


def _as_loaders(leg_audio: Mapping[str, LegAudio]) -> dict[str, Callable[[], LegAudio]]:
    return {leg: partial(_identity, one) for leg, one in leg_audio.items()}


def _identity(audio: LegAudio) -> LegAudio:
    return audio
