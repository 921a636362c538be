"""What do the ears know about a turn, while it lasts and when it is over?

The composition that the engine calls from its inference thread: one encoder pass for words and
feelings, prosody, what is usual for this caller, and the question that was asked. Not thread-safe:
one thread calls, and streams are independent of each other and of who shares a call
(tests/audio/test_ears.py).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch

from audio import checkpoints
from audio.beam_search import CALIBRATION_FILE, BeamSearchDecoder
from audio.beam_search import has_language_model as lexicon_in
from audio.checkpoints import Checkpoint
from audio.emotion import (
    NO_ESTIMATE,
    EmotionEstimate,
    EmotionHead,
    acoustic_cues,
    emotion_for_label,
    estimate_from_labels,
    load_head,
)
from audio.encoder import frame_count
from audio.hub import CheckpointError, short_sha256
from audio.incremental import DEFAULT_WINDOW, LOOKAHEAD_FRAMES, IncrementalEncoder
from audio.inference_layers import best_dtype
from audio.phones import PhoneAlphabet
from audio.phrase_search import Alphabet
from audio.prosody import ProsodyMeasurement, measure_prosody
from audio.recognisers import (
    IncrementalRecogniser,
    RecogniserState,
    StreamingRecogniser,
    TurnScores,
    WindowedRecogniser,
)
from audio.seq2seq_transcriber import Seq2SeqTranscriber
from audio.speaker_normalisation import SpeakerProfile
from audio.transcriber import Transcriber, read_curves
from audio.types import (
    FRAME,
    RATE,
    AcousticCues,
    Expectation,
    Precision,
    Samples,
    Spoken,
    Transcript,
)

SPEECH_END_MARGIN = RATE // 10  # samples after the last voiced hop that may still be voice
EmotionEstimator = Callable[["TurnStream", ProsodyMeasurement], EmotionEstimate]


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """What a user may want to know about a model in use."""

    name: str
    source: str  # folder or hub name
    sha256: str  # its first twelve figures
    licence: str
    streaming: str  # "exact", "bounded", "windowed" or "no"


@dataclass(slots=True)
class TurnStream:
    """One turn of one leg, from `start`, the position of its first sample."""

    start: int
    infer_emotion: bool
    recogniser_state: RecogniserState
    speaker: SpeakerProfile
    samples: list[Samples] = field(default_factory=list)
    scores: TurnScores | None = None  # once it is finished

    def mark_speech_end(self, spoke_until: int) -> None:
        """The voice stopped at this position: the encoder need not hear all of the silence."""
        self.recogniser_state.speech_end = spoke_until + SPEECH_END_MARGIN - self.start

    def all_samples(self) -> Samples:
        return np.concatenate([np.zeros(0, np.float32), *self.samples])


class SpeechAnalyser:
    """Everything the ears need, loaded. Build with `Ears.load`."""

    def __init__(
        self,
        recogniser: StreamingRecogniser,
        transcriber: Transcriber,
        emotion_estimator: EmotionEstimator | None,
        models: Mapping[str, ModelInfo],
        seq2seq: Seq2SeqTranscriber | None = None,
    ) -> None:
        self.models = models
        self.hop, self.overhang = recogniser.hop, recogniser.overhang
        self._seq2seq = seq2seq
        self.recogniser = recogniser
        self._transcriber = transcriber
        self._emotion_estimator = emotion_estimator
        self._model_names = {role: model.name for role, model in models.items()}

    @classmethod
    def load(
        cls,
        weights: Path,
        speech_checkpoint: str | None = None,
        infer_emotion: bool = True,
        emotion_checkpoint: str | None = None,
        seq2seq_checkpoint: str | None = None,
        seq2seq_limit_s: float = 2.5,
        download: bool = False,
        precision: Precision = "auto",
    ) -> SpeechAnalyser:
        """`weights` holds the embedded `ears` and `emotion`; a checkpoint, by folder or hub name,
        takes the place of one of them. A writer comes beside them, and may take `writer_s` a turn.
        `precision` is what the encoder multiplies in; auto: what is fastest on this machine.
        CheckpointError for one that is not here or cannot do what it is named for."""
        own = (
            infer_emotion
            and emotion_checkpoint is None
            and (weights / "emotion" / "model.safetensors").exists()
        )
        head = load_head(weights / "emotion") if own else None
        speech_model = checkpoints.find(speech_checkpoint or str(weights / "ears"), download)
        # The head knows the layers of the encoder it was trained on and of no other.
        head_fits_encoder = speech_checkpoint is None and head is not None
        dtype = best_dtype() if precision == "auto" else getattr(torch, precision)
        listener, transcriber = _load_recogniser(
            speech_model, head if head_fits_encoder else None, dtype
        )
        models = {"words": _checkpoint_info(speech_model, listener.streaming)}
        emotion_estimator: EmotionEstimator | None = None
        if infer_emotion and emotion_checkpoint is not None:
            classifier = checkpoints.find(emotion_checkpoint, download)
            emotion_estimator = _classifier_estimator(classifier)
            models["emotion"] = _checkpoint_info(classifier, "windowed")
        elif head is not None:
            emotion_estimator = (
                _head_estimator(head)
                if head_fits_encoder
                else _embedded_encoder_estimator(head, weights / "ears")
            )
            models["emotion"] = _head_info(
                weights / "emotion", "exact" if head_fits_encoder else "windowed"
            )
        seq2seq: Seq2SeqTranscriber | None = None
        if seq2seq_checkpoint is not None:
            seq2seq_model = checkpoints.find(seq2seq_checkpoint, download)
            seq2seq = Seq2SeqTranscriber.load(seq2seq_model, seq2seq_limit_s)
            models["whole_turns"] = _checkpoint_info(seq2seq_model, "no")
        return cls(listener, transcriber, emotion_estimator, models, seq2seq)

    def open(
        self, start: int, infer_emotion: bool, speaker: SpeakerProfile | None = None
    ) -> TurnStream:
        """`feel`: may emotion be inferred on this leg, by role and by consent? `caller` is what
        earlier turns of the same person taught; a new one compares the turn with itself."""
        keep_layers = infer_emotion and self._emotion_estimator is not None
        return TurnStream(
            start, infer_emotion, self.recogniser.open(keep_layers), speaker or SpeakerProfile()
        )

    def advance(self, packets: Sequence[tuple[TurnStream, Samples]]) -> list[str]:
        """The reading so far of each stream. A stream comes once in a call."""
        for stream, samples in packets:
            stream.samples.append(samples)
        self.recogniser.advance([(stream.recogniser_state, samples) for stream, samples in packets])
        return [stream.recogniser_state.text for stream, _ in packets]

    def finish(self, stream: TurnStream, expectation: Expectation) -> Spoken:
        """The turn is over and so is the stream."""
        return next(self.finish_all([(stream, expectation)]))

    def finish_all(
        self, turns: Sequence[tuple[TurnStream, Expectation]], cues: bool = True
    ) -> Iterator[Spoken]:
        """Turns that are over at the same time; their last chunks are encoded together, at the
        first. Without `cues` no stream is felt, whatever it was opened for."""
        outputs = self.recogniser.finish([stream.recogniser_state for stream, _ in turns])
        for (stream, _), scores in zip(turns, outputs, strict=True):
            stream.scores = scores
        for stream, expectation in turns:
            yield self._analyse(stream, expectation, cues and stream.infer_emotion)

    def decode(self, stream: TurnStream, expectation: Expectation) -> Transcript:
        """What a finished stream says if this is what was asked."""
        assert stream.scores is not None, "the stream is still open"
        likely, phones = stream.scores
        return self._transcriber.decode(likely, stream.start, expectation, phones)

    def close(self, stream: TurnStream) -> None:
        """The stream is over and nobody wants to know what it said."""
        self.recogniser.close(stream.recogniser_state)

    def _analyse(self, stream: TurnStream, expectation: Expectation, infer_emotion: bool) -> Spoken:
        transcript, names = self.decode(stream, expectation), self._model_names
        if self._seq2seq is not None:
            ctc_transcript = transcript
            transcript = self._seq2seq.preferred_transcript(
                ctc_transcript, expectation, stream.all_samples(), stream.start
            )
            if transcript is ctc_transcript:
                names = {role: name for role, name in names.items() if role != "whole_turns"}
        return Spoken(transcript, self._cues(stream) if infer_emotion else None, names)

    def warm_up(self) -> None:
        """Once through everything, so that the first caller does not pay for it."""
        stream = self.open(0, infer_emotion=True)
        noise = np.random.default_rng(0).standard_normal(RATE, np.float32) * np.float32(0.01)
        self.advance([(stream, noise)])
        self.finish(stream, Expectation())
        if self._seq2seq is not None:  # which noise alone would not be given to
            self._seq2seq.transcribe(noise, 0)

    def _cues(self, stream: TurnStream) -> AcousticCues:
        samples = stream.all_samples()
        measured = measure_prosody(samples, None)
        estimate = (
            self._emotion_estimator(stream, measured) if self._emotion_estimator else NO_ESTIMATE
        )
        return acoustic_cues(estimate, measured.prosody, len(samples) / RATE)


def _load_recogniser(
    checkpoint: Checkpoint, head: EmotionHead | None, dtype: torch.dtype
) -> tuple[StreamingRecogniser, Transcriber]:
    folder = checkpoint.folder
    if checkpoint.is_streamable:
        encoder, letters_head, alphabet = checkpoints.open_streaming_model(checkpoint)
        phones = checkpoints.load_phone_head(checkpoint)
        transcriber = _build_transcriber(alphabet, folder, FRAME, phones is not None)
        mix = head.layer_blend() if head else None
        incremental = IncrementalEncoder(
            encoder.hubert, encoder.window, dtype=dtype, blend_layers=mix
        )
        return IncrementalRecogniser(incremental, letters_head, transcriber, phones), transcriber
    if checkpoint.is_incremental:
        model, letters, alphabet, normalise = checkpoints.open_incremental_model(checkpoint)
        transcriber = _build_transcriber(alphabet, folder, FRAME)
        incremental = IncrementalEncoder(
            model, DEFAULT_WINDOW, lookahead=LOOKAHEAD_FRAMES, normalise=normalise, dtype=dtype
        )
        return IncrementalRecogniser(incremental, letters, transcriber), transcriber
    whole, alphabet, normalise = checkpoints.open_ctc_model(checkpoint)
    stride = int(np.prod(checkpoint.config.conv_stride))
    transcriber = _build_transcriber(alphabet, folder, stride)
    return WindowedRecogniser(whole, normalise, transcriber), transcriber


def _build_transcriber(
    alphabet: Alphabet, folder: Path, frame_samples: int, decode_phones: bool = False
) -> Transcriber:
    phones = PhoneAlphabet() if decode_phones else None
    lexicon = BeamSearchDecoder(folder, phones or alphabet) if lexicon_in(folder) else None
    return Transcriber(
        alphabet, read_curves(folder / CALIBRATION_FILE), lexicon, frame_samples, phones
    )


def _head_estimator(head: EmotionHead) -> EmotionEstimator:
    def estimate_emotion(stream: TurnStream, measured: ProsodyMeasurement) -> EmotionEstimate:
        blended = stream.recogniser_state.blended_layers
        return (
            head.estimate(torch.cat(blended), measured, stream.speaker) if blended else NO_ESTIMATE
        )

    return estimate_emotion


def _embedded_encoder_estimator(head: EmotionHead, folder: Path) -> EmotionEstimator:
    """The embedded encoder, run for feelings alone, while another checkpoint hears the words."""
    encoder, _, _ = checkpoints.open_streaming_model(checkpoints.find(str(folder)))

    @torch.inference_mode()
    def estimate_emotion(stream: TurnStream, measured: ProsodyMeasurement) -> EmotionEstimate:
        heard = stream.all_samples()
        if not frame_count(len(heard)):
            return NO_ESTIMATE
        layers = encoder(torch.from_numpy(heard)[None])[:-1]
        return head.estimate(head.blend_layers(torch.stack(layers, 1)[0]), measured, stream.speaker)

    return estimate_emotion


def _classifier_estimator(checkpoint: Checkpoint) -> EmotionEstimator:
    model, labels, normalise = checkpoints.open_classifier(checkpoint)
    if not any(emotion_for_label(label) for label in labels.values()):
        names = ", ".join(list(labels.values())[:4])
        why = f"{checkpoint.name!r} tells {names} apart, which are no feelings known here"
        raise CheckpointError(f"{why}; if they are some, name them as id2label in its config.json")

    @torch.inference_mode()
    def estimate_emotion(stream: TurnStream, measured: ProsodyMeasurement) -> EmotionEstimate:
        heard = stream.all_samples()
        if not frame_count(len(heard)):
            return NO_ESTIMATE
        if len(heard) < RATE // 10:  # shorter than the convolutions' sight
            heard = np.pad(heard, (0, RATE // 10 - len(heard)))
        if normalise:
            heard = (heard - heard.mean()) / np.sqrt(heard.var() + 1e-7)
        logits = model(torch.from_numpy(heard)[None]).logits[0]
        return estimate_from_labels(labels, logits.softmax(-1).tolist())

    return estimate_emotion


def _head_info(folder: Path, streaming: str) -> ModelInfo:
    config = json.loads((folder / "config.json").read_text())
    digest = short_sha256(folder / "model.safetensors")
    return ModelInfo(config["title"], str(folder), digest, config["licence"], streaming)


def _checkpoint_info(checkpoint: Checkpoint, streaming: str) -> ModelInfo:
    name = str(getattr(checkpoint.config, "title", checkpoint.name))
    return ModelInfo(
        name, checkpoint.name, checkpoint.weights_digest(), checkpoint.licence, streaming
    )
