"""Speakers stay in one split; a killed training goes on; what it exports can be opened."""

import gzip
import io
import json
import zipfile
from itertools import count
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile
import torch

from agent.lab.training.ears import train
from agent.lab.training.ears.acted_recordings import ActedRecording, in_call_order
from agent.lab.training.ears.augmentation import (
    AugmentationSettings,
    augment,
    mulaw_round_trip,
    through_telephone,
    trim_silence,
)
from agent.lab.training.ears.batches import (
    LETTERS,
    SpeechExample,
    collate,
    letter_ids,
    shuffled_batches,
    word_sequences,
)
from agent.lab.training.ears.corpus import (
    SPEECH_SETS,
    Corpus,
    DataError,
    Utterance,
    cached_corpus,
    load_corpus,
    normalise_text,
    read_manifest,
)
from agent.lab.training.ears.ctc_model import flat_start_targets, time_masks
from agent.lab.training.ears.emotion_figures import recall_estimate
from agent.lab.training.ears.emotion_training import (
    EmotionTrainingSettings,
    emotion_predictions,
    split_by_actors,
    splits_by_sentence,
    train_head,
)
from agent.lab.training.ears.evaluate import (
    RecognitionResult,
    repeated_text_share,
    turns_right,
    words_wrong,
)
from agent.lab.training.ears.export import export_encoder
from agent.lab.training.ears.phrases import PHRASE_KINDS, number_in_words
from agent.lab.training.ears.run import FIRST_ACTORS
from agent.lab.training.ears.tasks import expectation_without
from agent.lab.training.ears.train import Recipe, train_ctc
from audio.codecs import decode, encode
from audio.encoder import frame_count
from audio.speaker_normalisation import MEL_BANDS, Contours
from audio.speech_analyser import SpeechAnalyser
from audio.types import RATE, Expectation

WORDS = ("yes", "no", "stop", "one", "two", "five")


def tone(seed, seconds=0.6, rate=RATE):
    random = np.random.default_rng(seed)
    time = np.arange(int(seconds * rate)) / rate
    return (np.sin(time * random.uniform(900, 3000)) * 0.2).astype(np.float32)


def row(source, index, speaker, split, **more):
    text = WORDS[index % len(WORDS)]
    made = {"path": f"{index}.ogg", "duration_s": 0.6, "sample_rate": RATE, "text": text}
    return {**made, "speaker": f"{source}_{speaker}", "split": split, **more}


def write_set(data, source, rows):
    (data / "speech").mkdir(exist_ok=True, parents=True)
    with gzip.open(data / "speech" / f"{source}.jsonl.gz", "wt") as lines:
        lines.write("\n".join(map(json.dumps, rows)))
    with zipfile.ZipFile(data / "speech" / f"{source}.zip", "w") as sounds:
        for index, one in enumerate(rows):
            sound = io.BytesIO()
            soundfile.write(sound, tone(index), RATE, format="OGG", subtype="VORBIS")
            sounds.writestr(one["path"], sound.getvalue())


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    for source in (*SPEECH_SETS, "noise"):
        splits = ["train"] * 6 + ["dev", "test"]
        rows = [row(source, i, split, split) for i, split in enumerate(splits)]
        write_set(folder, source, rows)
    return folder


def test_no_speaker_in_two_splits(data, tmp_path):
    found = read_manifest(data, SPEECH_SETS)
    where = {(u.speaker, u.split) for u in found}
    assert len(where) == len({speaker for speaker, _ in where})
    write_set(tmp_path, "wuw2", [row("w", 0, "ann", "train"), row("w", 1, "ann", "test")])
    with pytest.raises(DataError, match="w_ann"):
        read_manifest(tmp_path, ["wuw2"])


def test_doubtful_rows_are_dropped_and_the_wide_split_wins(tmp_path):
    doubtful = row("w", 0, "ann", "train", doubtful=True)
    wide = row("w", 1, "bob", "test", split_wide="train")
    write_set(tmp_path, "wuw2", [doubtful, wide])
    (only,) = read_manifest(tmp_path, ["wuw2"])
    assert (only.speaker, only.split) == ("w_bob", "train")


def test_samples_come_back_from_the_cache(data, tmp_path):
    corpus = load_corpus(data, ["fsdd"], tmp_path / "cache")
    first = corpus.utterances[0]
    assert np.abs(corpus.samples(first) - tone(0)[: first.length]).max() < 0.05
    assert load_corpus(data, ["fsdd"], tmp_path / "cache").utterances == corpus.utterances


def test_written_text_can_be_spelled():
    assert normalise_text("Don't  pay $5, OK?") == "don't pay ok"
    assert [LETTERS[i] for i in letter_ids("don't pay")] == [*"don't", "|", *"pay"]


def test_the_simulated_line_is_g711():
    sound = tone(1)
    real = decode(encode(sound, "mulaw"), "mulaw", 1).ravel()
    # sounds between two 16-bit values may round to the neighbouring step
    assert (mulaw_round_trip(sound) == real).mean() > 0.99
    assert abs(len(through_telephone(sound, RATE)) - len(sound)) <= 2


def test_wear_keeps_the_sound_and_is_repeatable():
    first, again = (
        augment(tone(2), RATE, np.random.default_rng(5), [tone(3)], AugmentationSettings())
        for _ in range(2)
    )
    np.testing.assert_array_equal(first, again)
    assert 0.5 < len(trim_silence(first, RATE, 0.5)) / len(tone(2)) < 1.5


def test_an_epoch_holds_every_example_once_and_strings_one_speaker(data, tmp_path):
    corpus = load_corpus(data, ["fsdd"], tmp_path / "cache")
    random = np.random.default_rng(0)
    rows = list(word_sequences(corpus.select("train"), 5, random))
    assert all(len({part.speaker for part in row.parts}) == 1 for row in rows)
    examples = [*(SpeechExample((u,)) for u in corpus.select("train")), *rows]
    batches = shuffled_batches(examples, 6.0, random)
    assert sorted(map(id, sum(batches, []))) == sorted(map(id, examples))
    batch = collate(rows, {"fsdd": corpus}, random, [], AugmentationSettings())
    assert len(batch.labels) == batch.label_lengths.sum()
    assert max(batch.lengths) <= batch.samples.shape[1]


def test_a_flat_start_spells_in_order(data, tmp_path):
    corpus = load_corpus(data, ["fsdd"], tmp_path / "cache")
    rows = [SpeechExample((corpus.utterances[0],))]
    batch = collate(rows, {"fsdd": corpus}, np.random.default_rng(0), [], AugmentationSettings())
    frames = frame_count(batch.samples.shape[1])
    (wanted,) = flat_start_targets(batch, batch.labels, batch.label_lengths, frames)
    said = [LETTERS[i] for i in torch.unique_consecutive(wanted[wanted > 0]).tolist()]
    assert "".join(said) == rows[0].text
    masks = time_masks([frames], frames, np.random.default_rng(1))
    assert masks.float().mean() < 0.3


def test_synthetic_phrases_can_be_spelled():
    random = np.random.default_rng(0)
    for make, _ in PHRASE_KINDS:
        for _ in range(50):
            assert letter_ids(make(random))
    assert number_in_words(1985) == "one thousand nine hundred eighty five"


@pytest.mark.model
@pytest.mark.filterwarnings("ignore")  # torch's own, about lr_scheduler and fused steps
def test_a_killed_training_goes_on_and_exports(data, tmp_path, monkeypatch):
    # A second passes whenever the clock is read, so that a budget is a number of steps.
    monkeypatch.setattr(train, "time", SimpleNamespace(monotonic=count().__next__))
    for source in ("espeak", "flite"):  # the second for machines that have its voices
        robot = Utterance(source, "0", source, "train", "yes", RATE, 0.6)
        cached_corpus(tmp_path / source, lambda robot=robot: [(robot, np.ones(9600, np.int16))])
    short = {"processes": 1, "batch_s": 3.0, "word_sequences": 3}
    train_ctc(data, tmp_path, Recipe(minutes=4 / 60, **short))
    before = torch.load(tmp_path / "letters.pt", weights_only=True)["counters"]
    train_ctc(data, tmp_path, Recipe(minutes=7 / 60, **short))
    after = torch.load(tmp_path / "letters.pt", weights_only=True)["counters"]
    assert after[0] > before[0]
    assert after[1] > before[1] > 0
    export_encoder(tmp_path, tmp_path / "weights" / "ears")
    ears = SpeechAnalyser.load(tmp_path / "weights")
    stream = ears.open(0, infer_emotion=False)
    ears.advance([(stream, tone(0, 2.0))])
    assert ears.finish(stream, Expectation("digits")).cues is None


@pytest.mark.model
def test_an_emotion_head_learns_what_is_there():
    random = np.random.default_rng(0)
    kinds = ("neutral", "happy", "angry")
    some = []
    for index in range(96):
        speaker = f"ravdess_{index % 4:02}"
        said = Utterance("ravdess", "", speaker, "train", "", RATE, 1.0, emotion=kinds[index % 3])
        layers = random.standard_normal((2, 30, 16)) + 0.8 * np.eye(16)[index % 3]
        bands = random.standard_normal((120, MEL_BANDS)).astype(np.float32)
        contour = Contours(bands, np.full(120, 7.5, np.float32))
        some.append(ActedRecording(said, False, torch.tensor(layers).half(), contour))
    head = train_head(some, EmotionTrainingSettings(epochs=12, batch_size=16, learning_rate=5e-3))
    found = emotion_predictions(head, some)
    recall = recall_estimate(found)
    assert 0.8 < recall.low <= recall.value <= recall.high
    assert (recall.drawn, recall.clusters, recall.rows) == ("speakers", 4, 96)
    assert recall_estimate(found, lambda v: v.first_turn_logits).value > 0.7
    assert set(found[0].early_logits) == {0.5, 1.0, 2.0, 3.0}


def test_who_is_tested_was_not_heard_before():
    contour = Contours(np.zeros((50, MEL_BANDS), np.float32), np.zeros(50, np.float32))
    texts = ("kids", "dogs")
    some = [
        ActedRecording(
            Utterance("ravdess", "", f"ravdess_{n:02}", "train", text, RATE, 1.0, emotion="sad"),
            line,
            torch.zeros(1),
            contour,
        )
        for n in range(1, 25)
        for text in texts
        for line in (False, True)
    ]
    tested_in_all = set()
    for first in FIRST_ACTORS:
        taught, tested = split_by_actors(some, first)
        assert len(taught) + len(tested) == len(some)
        speakers = [{v.utterance.speaker for v in part} for part in (taught, tested)]
        assert not speakers[0] & speakers[1]
        tested_in_all |= speakers[1]
    assert len(tested_in_all) == 24
    for taught, tested in splits_by_sentence(some):
        assert {v.utterance.text for v in taught}.isdisjoint(v.utterance.text for v in tested)


def test_turns_of_a_call_come_after_each_other():
    bands = np.random.default_rng(0).standard_normal((50, MEL_BANDS)).astype(np.float32)
    contour = Contours(bands, np.zeros(50, np.float32))
    said = Utterance("ravdess", "", "ann", "test", "", RATE, 1.0, emotion="sad")
    some = [ActedRecording(said, line, torch.zeros(1), contour) for line in (False, False, True)]
    turns = in_call_order(some)
    assert [caller.step_count for _, caller in turns] == [0, 50, 0]


def test_figures_draw_speakers_together():
    results = [RecognitionResult(f"s{i % 4}", i % 2, 2, i % 2 == 0, 0.5) for i in range(40)]
    wrong, right = words_wrong("x", results).estimate, turns_right("x", results).estimate
    assert (wrong.value, right.value) == (0.25, 0.5)
    # two speakers are always right and two always wrong, so drawing speakers varies widely
    assert right.high - right.low > 0.8


def test_sentences_that_others_said_in_training_are_counted():
    said = [
        Utterance("wuw2", "", f"s{i}", split, text, RATE, 1.0)
        for i, (split, text) in enumerate(
            [("train", "hello there"), ("test", "hello there"), ("test", "good bye")]
        )
    ]
    assert repeated_text_share(Corpus(tuple(said), np.zeros(0, np.int16)), "wuw2") == 0.5


def test_an_absent_truth_is_absent():
    assert (
        "operator"
        not in expectation_without("operator", ["operator", "voyager", "pay bill"], 2).choices
    )
