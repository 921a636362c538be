"""Speech analysis of turns: partial text while a turn lasts, transcript and cues at its end.

Facade over one encoder pass that serves both words and emotion, over prosody, the speaker's
profile and the expected answer. The models process calls it from its inference thread. Not
thread-safe: one thread calls. Streams are independent of each other and of the batch they share
(tests/audio/test_speech_analyser.py).
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
from audio.model_info import ModelInfo
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

SPEECH_END_MARGIN = RATE // 10  # samples after the last voiced hop that may still be speech
EmotionEstimator = Callable[["TurnStream", ProsodyMeasurement], EmotionEstimate]


@dataclass(slots=True)
class TurnStream:
    """One turn of one leg that is being analysed; `start` is the position of its first sample."""

    start: int
    infer_emotion: bool
    recogniser_state: RecogniserState
    speaker: SpeakerProfile
    samples: list[Samples] = field(default_factory=list)
    scores: TurnScores | None = None  # None until the stream is finished

    def mark_speech_end(self, spoke_until: int) -> None:
        """Tell the stream where speech stopped, so that the silence after it is not encoded."""
        self.recogniser_state.speech_end = spoke_until + SPEECH_END_MARGIN - self.start

    def all_samples(self) -> Samples:
        """All samples of the turn so far, in one array."""
        return np.concatenate([np.zeros(0, np.float32), *self.samples])


class SpeechAnalyser:
    """The loaded speech models and their streams. Build with `SpeechAnalyser.load`."""

    def __init__(
        self,
        recogniser: StreamingRecogniser,
        transcriber: Transcriber,
        emotion_estimator: EmotionEstimator | None,
        models: Mapping[str, ModelInfo],
    ) -> None:
        self.models = models
        self.hop, self.overhang = recogniser.hop, recogniser.overhang
        self.recogniser = recogniser
        self._transcriber = transcriber
        self._emotion_estimator = emotion_estimator
        self._model_names = {role: model.name for role, model in models.items()}
        self._is_warm = False

    @classmethod
    def load(
        cls,
        weights: Path,
        speech_checkpoint: str | None = None,
        infer_emotion: bool = True,
        emotion_checkpoint: str | None = None,
        download: bool = False,
        precision: Precision = "auto",
    ) -> SpeechAnalyser:
        """Load the embedded models of the folder `weights` (`ears` and `emotion`).

        `speech_checkpoint` and `emotion_checkpoint` (folders or hub names) each replace one of
        them. `precision` is that of the encoder's products; auto: the fastest on this machine.
        CheckpointError for a checkpoint that is not on this machine or lacks the needed head."""
        own = (
            infer_emotion
            and emotion_checkpoint is None
            and (weights / "emotion" / "model.safetensors").exists()
        )
        head = load_head(weights / "emotion") if own else None
        speech_model = checkpoints.find(speech_checkpoint or str(weights / "ears"), download)
        # The head fits only the layers of the encoder it was trained on.
        head_fits_encoder = speech_checkpoint is None and head is not None
        dtype = best_dtype() if precision == "auto" else getattr(torch, precision)
        listener, transcriber = _load_recogniser(
            speech_model, head if head_fits_encoder else None, dtype
        )
        models = {"words": checkpoint_info(speech_model, listener.streaming)}
        emotion_estimator: EmotionEstimator | None = None
        if infer_emotion and emotion_checkpoint is not None:
            classifier = checkpoints.find(emotion_checkpoint, download)
            emotion_estimator = _classifier_estimator(classifier)
            models["emotion"] = checkpoint_info(classifier, "windowed")
        elif head is not None:
            emotion_estimator = (
                _head_estimator(head)
                if head_fits_encoder
                else _embedded_encoder_estimator(head, weights / "ears")
            )
            models["emotion"] = _head_info(
                weights / "emotion", "exact" if head_fits_encoder else "windowed"
            )
        return cls(listener, transcriber, emotion_estimator, models)

    def open(
        self, start: int, infer_emotion: bool, speaker: SpeakerProfile | None = None
    ) -> TurnStream:
        """Begin a turn. `infer_emotion`: whether role and consent allow emotion analysis on this
        leg. `speaker` is the profile from earlier turns of the same person; without it the turn
        is normalised by itself."""
        keep_layers = infer_emotion and self._emotion_estimator is not None
        return TurnStream(
            start, infer_emotion, self.recogniser.open(keep_layers), speaker or SpeakerProfile()
        )

    def advance(self, packets: Sequence[tuple[TurnStream, Samples]]) -> list[str]:
        """Encode new samples; the partial text of each stream. A stream occurs once in a call."""
        for stream, samples in packets:
            stream.samples.append(samples)
        self.recogniser.advance([(stream.recogniser_state, samples) for stream, samples in packets])
        return [stream.recogniser_state.text for stream, _ in packets]

    def finish(self, stream: TurnStream, expectation: Expectation) -> Spoken:
        """End one turn; its stream ends with it."""
        return next(self.finish_all([(stream, expectation)]))

    def finish_all(
        self, turns: Sequence[tuple[TurnStream, Expectation]], cues: bool = True
    ) -> Iterator[Spoken]:
        """End several turns; their last chunks are encoded together, when the first result is
        taken. Without `cues` emotion is inferred for no stream, whatever it was opened with."""
        outputs = self.recogniser.finish([stream.recogniser_state for stream, _ in turns])
        for (stream, _), scores in zip(turns, outputs, strict=True):
            stream.scores = scores
        for stream, expectation in turns:
            yield self._analyse(stream, expectation, cues and stream.infer_emotion)

    def decode(self, stream: TurnStream, expectation: Expectation) -> Transcript:
        """The transcript of a finished stream, decoded for this expectation."""
        assert stream.scores is not None, "the stream is still open"
        likely, phones = stream.scores
        return self._transcriber.decode(likely, stream.start, expectation, phones)

    def close(self, stream: TurnStream) -> None:
        """Discard a stream without decoding it."""
        self.recogniser.close(stream.recogniser_state)

    def _analyse(self, stream: TurnStream, expectation: Expectation, infer_emotion: bool) -> Spoken:
        cues = self._cues(stream) if infer_emotion else None
        return Spoken(self.decode(stream, expectation), cues, self._model_names)

    def warm_up(self) -> None:
        """Run every model once, so that the first caller does not wait for lazy set-up; a second
        call does nothing."""
        if self._is_warm:
            return
        self._is_warm = True
        stream = self.open(0, infer_emotion=True)
        noise = np.random.default_rng(0).standard_normal(RATE, np.float32) * np.float32(0.01)
        self.advance([(stream, noise)])
        self.finish(stream, Expectation())

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
    """The embedded encoder, run for emotion alone, while another checkpoint transcribes."""
    encoder, _, _ = checkpoints.open_streaming_model(checkpoints.find(str(folder)))

    @torch.inference_mode()
    def estimate_emotion(stream: TurnStream, measured: ProsodyMeasurement) -> EmotionEstimate:
        samples = stream.all_samples()
        if not frame_count(len(samples)):
            return NO_ESTIMATE
        layers = encoder(torch.from_numpy(samples)[None])[:-1]
        return head.estimate(head.blend_layers(torch.stack(layers, 1)[0]), measured, stream.speaker)

    return estimate_emotion


def _classifier_estimator(checkpoint: Checkpoint) -> EmotionEstimator:
    model, labels, normalise = checkpoints.open_classifier(checkpoint)
    if not any(emotion_for_label(label) for label in labels.values()):
        names = ", ".join(list(labels.values())[:4])
        reason = f"{checkpoint.name!r} tells {names} apart, which are no emotions known here"
        raise CheckpointError(
            f"{reason}; if they are some, name them as id2label in its config.json"
        )

    @torch.inference_mode()
    def estimate_emotion(stream: TurnStream, measured: ProsodyMeasurement) -> EmotionEstimate:
        samples = stream.all_samples()
        if not frame_count(len(samples)):
            return NO_ESTIMATE
        if len(samples) < RATE // 10:  # shorter than the convolutions' receptive field
            samples = np.pad(samples, (0, RATE // 10 - len(samples)))
        if normalise:
            samples = (samples - samples.mean()) / np.sqrt(samples.var() + 1e-7)
        logits = model(torch.from_numpy(samples)[None]).logits[0]
        return estimate_from_labels(labels, logits.softmax(-1).tolist())

    return estimate_emotion


def _head_info(folder: Path, streaming: str) -> ModelInfo:
    config = json.loads((folder / "config.json").read_text())
    digest = short_sha256(folder / "model.safetensors")
    return ModelInfo(config["title"], str(folder), digest, config["licence"], streaming)


def checkpoint_info(checkpoint: Checkpoint, streaming: str) -> ModelInfo:
    name = str(getattr(checkpoint.config, "title", checkpoint.name))
    return ModelInfo(
        name, checkpoint.name, checkpoint.weights_digest(), checkpoint.licence, streaming
    )
