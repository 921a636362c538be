"""What is due first is done first, failures stay with who caused them, words are never left out.

Company changes no bit of what is heard, and whatever was begun is over when nobody wants it.
Scripted ears and a clock that moves only when they work; real ears, of a few random weights, where
bits count.
"""

from __future__ import annotations

import json
import pickle
from dataclasses import dataclass, field
from datetime import date

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

from agent.core.effects import UnderstandTurn
from agent.inference.messages import (
    AudioChunk,
    CancelStream,
    EndSession,
    MeasureCosts,
    PartialText,
    RequestAnswered,
    RestoreCaller,
    StreamsFailed,
    TurnWritten,
    UnderstandRequest,
    WorkerLoad,
)
from agent.inference.scheduler import (
    ANSWER_DEADLINE_S,
    AUDIO_DEADLINE_S,
    BATCH_WAIT_S,
    FULL_BATCH_STREAMS,
    MAX_BATCH_S,
    NO_CUES_LATE_S,
    NO_PARTIALS_LATE_S,
    AnswerBatch,
    BatchScheduler,
    EncodeBatch,
)
from audio import torchaudio_guard  # noqa: F401

# isort: split
from transformers import HubertForCTC

from audio.encoder import small_config
from audio.model_info import ModelInfo
from audio.speech_analyser import SpeechAnalyser
from audio.types import FRAME, NO_TRANSCRIPT, RATE, Expectation, Spoken, Transcript
from dialogs.values import Understanding

TODAY = date(2026, 11, 24)
HOP = 1600
GOOD, BAD = np.ones(HOP, np.float32), np.full(HOP, np.nan, np.float32)


@pytest.fixture(scope="module", autouse=True)
def _one_thread():
    """As in the server. With more, a product's parts are shared out as the machine has time."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


# -- scripted models ---------------------------------------------------------------------------


@dataclass(eq=False)
class Counted:
    """A stream of scripted ears. `speaker` lists where this person's turns began."""

    start: int
    speaker: list[object] = field(default_factory=list)
    samples: int = 0

    def all_samples(self):
        return np.zeros(self.samples, np.float32)


class CountingEars:
    """They hear how many samples came, take `costs` seconds a stream, and choke on NaN."""

    models: dict[str, object] = {}
    hop, overhang = HOP, 0

    def __init__(self, house):
        self.house = house
        self.costs = 0.001
        self.closed, self.felt = [], []

    def open(self, start, feel):
        return Counted(start)

    def advance(self, packets):
        for stream, samples in packets:
            self.house.at += self.costs
            if np.isnan(samples).any():
                raise FloatingPointError("nan in sound")
            stream.samples += len(samples)
        return [str(stream.samples) for stream, _ in packets]

    def finish_all(self, turns, cues=True):
        for stream, _ in turns:
            self.felt.append(cues)
            stream.speaker.append(stream.start)
            yield Spoken(Transcript(str(stream.samples), 0.7), None)

    def close(self, stream):
        self.closed.append(stream.start)


class EchoingMind:
    """Means what it is told, and raises over "boom"."""

    models: dict[str, str] = {}

    def __init__(self):
        self.asked = []

    def understand(self, text, *question):
        self.asked.append(text)
        if text == "boom":
            raise ZeroDivisionError("boom")
        return Understanding(text, "inform", 1.0)


class Models:
    """An `Inference` and the time it lives in."""

    def __init__(self, ears=None):
        self.at = 0.0
        self.told = []
        self.ears = ears or CountingEars(self)
        self.mind = EchoingMind()
        self.inference = BatchScheduler(lambda: self.ears, self.mind, self.told.append)

    def now(self):
        self.at += 1e-6  # no clock stands still
        return self.at

    def take(self, *messages):
        for message in messages:
            self.inference.receive(message, self.at)

    def next(self):
        return self.inference.next_batch(self.at)

    def do(self, work):
        try:
            self.inference.run_batch(work, self.now)
        except (ArithmeticError, RuntimeError) as failure:
            self.inference.fail_batch(work, type(failure).__name__)

    def work(self):
        """Until nothing is left to do; the clock runs on to whatever has to be waited for."""
        while (work := self.next()) is not None:
            if isinstance(work, float):
                self.at += work
            else:
                self.do(work)

    def all(self, kind):
        return [message for message in self.told if isinstance(message, kind)]

    def answers(self):
        return {one.request_id: one.result for one in self.all(RequestAnswered)}


@pytest.fixture
def models():
    return Models()


def sound(session, samples=GOOD, first=True, isolated=False, start=0, feel=True, stream=1):
    return AudioChunk((session, stream), start, feel, samples, first, isolated)


def more(session, samples=GOOD):
    return sound(session, samples, first=False)


def asked(number, session="s", stream=None, text="", leg="customer", **told):
    ask = UnderstandTurn(number, number, leg, stream, text, Expectation())
    return UnderstandRequest(number, session, ask, TODAY, 0.0, **told)


def keys(step):
    return [one.key[0] for one in step.streams]


def ids(answering):
    return [question.id for _, question in answering.requests]


# -- what comes first --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("audio_at", "question_at", "first"),
    [
        (0.0, 5.0, EncodeBatch),
        (1.0, 1.0 + AUDIO_DEADLINE_S - ANSWER_DEADLINE_S + 0.01, EncodeBatch),
        (1.0, 1.0 + AUDIO_DEADLINE_S - ANSWER_DEADLINE_S - 0.01, AnswerBatch),
        (5.0, 0.0, AnswerBatch),
    ],
)
def test_what_is_due_first_is_done_first(models, audio_at, question_at, first):
    for at, message in sorted(
        [(audio_at, sound("a")), (question_at, asked(1, text="hello"))], key=lambda one: one[0]
    ):
        models.at = at
        models.take(message)
    models.at = 9.0
    assert isinstance(models.next(), first)


def test_a_stream_that_is_asked_about_is_finished_by_the_answer_and_not_before(models):
    models.take(sound("a"), asked(1, "a", 1))
    assert ids(models.next()) == [1]
    models.work()
    assert models.answers()[1].transcript.text == str(HOP)
    assert len(models.inference) == 0


def test_questions_are_answered_in_the_order_in_which_they_came(models):
    models.take(*(asked(number, text=f"text {number}") for number in range(1, 8)))
    models.work()
    assert list(models.answers()) == list(range(1, 8))


def test_nothing_waits_for_nothing(models):
    assert models.next() is None
    models.take(sound("a"))
    models.work()
    assert models.next() is None  # the turn goes on, and nothing has come of it


def test_audio_waits_for_company_and_no_longer_than_that(models):
    models.take(sound("a"), sound("b"))
    models.work()
    came = models.at
    models.take(more("a"))
    models.at = came + 0.4 * BATCH_WAIT_S
    assert models.next() == pytest.approx(0.6 * BATCH_WAIT_S)
    models.at = came + BATCH_WAIT_S + 0.001
    assert keys(models.next()) == ["a"]


def test_audio_waits_for_nobody_once_everybody_is_there(models):
    models.take(sound("a"), sound("b"))
    models.work()
    models.take(more("b"))
    models.at += 0.001
    models.take(more("a"))
    assert keys(models.next()) == ["b", "a"]  # and whoever came first is first


def test_a_question_does_not_wait_for_the_company_that_audio_waits_for(models):
    models.take(sound("a"), sound("b"))
    models.work()
    models.take(more("a"), asked(1, text="hello"))
    assert ids(models.next()) == [1]


def test_a_piece_of_each_is_a_step_and_a_question_takes_all_the_rest(models):
    models.take(sound("a"), sound("b"), more("a"), more("a"))
    steps = []
    for _ in range(2):
        models.at += BATCH_WAIT_S
        steps.append(keys(models.next()))
        models.do(models.next())
    assert steps == [["a", "b"], ["a"]]
    models.take(more("a"), asked(1, "a", 1))
    models.work()
    assert models.answers()[1].transcript.text == str(4 * HOP)


def test_enough_streams_start_at_once(models):
    callers = [f"caller {number}" for number in range(FULL_BATCH_STREAMS + 4)]
    models.take(*map(sound, callers))
    models.work()
    models.take(*map(more, callers[: FULL_BATCH_STREAMS - 1]))
    assert isinstance(models.next(), float)
    models.take(more(callers[FULL_BATCH_STREAMS]))
    assert keys(models.next())[:2] == callers[:2]


@pytest.mark.parametrize("costs", [0.004, 0.03, 0.5])
def test_no_more_is_done_in_one_go_than_fits(models, costs):
    models.ears.costs = costs
    callers = [f"caller {number}" for number in range(40)]
    for _ in range(40):
        models.take(*(sound(one, start=0) for one in callers[:1]))
        models.work()  # until the running cost has come near the real one
    models.take(*map(sound, callers))
    assert len(models.next().streams) == pytest.approx(max(1, MAX_BATCH_S / costs), rel=0.1, abs=1)
    models.take(*(asked(number, one, 1) for number, one in enumerate(callers, 1)))
    models.work()
    assert sorted(models.answers()) == list(range(1, 41))


def test_whoever_waited_longest_is_among_those_who_fit(models):
    models.ears.costs = 0.05
    for number in range(30):
        models.take(sound(f"caller {number}"))
        models.at += 0.001
    served = []
    while isinstance(work := models.next(), EncodeBatch):
        served += keys(work)
        models.do(work)
    assert served == [f"caller {number}" for number in range(30)]


# -- failures ----------------------------------------------------------------------------------


def test_a_step_that_fails_is_told_again_alone_and_the_innocent_go_on(models):
    models.take(sound("c"))
    models.work()
    models.take(sound("a"), sound("b", BAD))
    models.at += BATCH_WAIT_S
    models.work()
    (lost,) = models.all(StreamsFailed)
    assert set(lost.keys) == {("a", 1), ("b", 1)}
    assert lost.failure == "FloatingPointError"
    assert len(models.ears.closed) == 2
    assert len(models.inference) == 1  # c
    models.take(sound("b", BAD, isolated=True), sound("a", isolated=True), more("c"))
    models.work()
    assert models.all(StreamsFailed)[1:] == [StreamsFailed((("b", 1),), (), "FloatingPointError")]
    assert sorted(one.key[0] for one in models.all(PartialText)) == ["a", "c", "c"]
    models.take(asked(1, "a", 1), asked(2, "c", 1))
    models.work()
    assert {n: one.transcript.text for n, one in models.answers().items()} == {
        1: str(HOP),
        2: str(2 * HOP),
    }


def test_who_is_alone_shares_nothing(models):
    models.take(sound("a", isolated=True), sound("b"), sound("c"))
    assert keys(models.next()) == ["a"]
    models.work()
    models.take(asked(1, text="one"), asked(2, text="two", isolated=True), asked(3, text="three"))
    assert ids(models.next()) == [1, 3]
    models.do(models.next())
    assert ids(models.next()) == [2]


def test_a_question_is_lost_with_its_stream(models):
    models.take(sound("a", BAD), sound("b"))
    work = models.next()
    models.take(asked(7, "a", 1))  # while the step is under way
    models.do(work)
    (lost,) = models.all(StreamsFailed)
    assert lost.request_ids == (7,)
    models.work()
    assert not models.answers()


def test_an_end_of_a_turn_that_fails_loses_the_turns_it_was_about_and_no_other(models):
    models.take(sound("a"), sound("b", BAD), sound("c"))
    models.take(asked(1, "a", 1), asked(2, "b", 1))
    models.work()
    (lost,) = models.all(StreamsFailed)
    assert (set(lost.keys), set(lost.request_ids)) == ({("a", 1), ("b", 1)}, {1, 2})
    assert len(models.ears.closed) == 2
    assert len(models.inference) == 1


def test_a_mind_that_fails_loses_its_question_and_none_that_was_answered(models):
    models.take(*(asked(number, text="quick to answer") for number in range(10, 50)))
    models.work()
    models.told.clear()
    models.take(asked(1, text="one"), asked(2, text="boom"), asked(3, text="three"))
    models.work()
    assert list(models.answers()) == [1]
    (lost,) = models.all(StreamsFailed)
    assert set(lost.request_ids) == {2, 3}
    models.take(asked(2, text="boom", isolated=True), asked(3, text="three", isolated=True))
    models.work()
    assert list(models.answers()) == [1, 3]
    assert models.all(StreamsFailed)[-1].request_ids == (2,)


def test_a_mind_that_fails_over_a_spoken_turn_leaves_no_stream_behind(models):
    models.mind.understand = lambda *question: 1 / 0
    models.take(sound("a"), asked(1, "a", 1))
    models.work()
    assert models.all(StreamsFailed) == [StreamsFailed((("a", 1),), (1,), "ZeroDivisionError")]
    assert len(models.inference) == 0


def test_a_lost_stream_needs_its_start_again(models):
    models.take(sound("a", BAD))
    models.work()
    models.take(more("a"), asked(1, "a", 1))  # sent before the loss was known
    assert models.next() is None
    models.take(
        asked(1, "a", 1, last_audio=sound("a", np.ones(3 * HOP, np.float32), isolated=True))
    )
    models.work()
    assert models.answers()[1].transcript.text == str(3 * HOP)


# -- what nobody wants any more ----------------------------------------------------------------


def test_a_forgotten_stream_is_closed_and_never_spoken_of(models):
    models.take(sound("a", start=7), sound("b"))
    models.work()
    models.take(more("a"), asked(1, "a", 1), CancelStream(("a", 1)))
    models.told.clear()
    models.work()
    assert (models.ears.closed, models.told) == ([7], [])
    assert len(models.inference) == 1


def test_a_forgotten_question_is_not_answered_and_its_neighbours_are(models):
    models.take(sound("a"), asked(1, "a", 1), asked(2, text="two"), asked(3, text="three"))
    models.take(CancelStream(None, 2), CancelStream(("a", 1), 1))
    models.work()
    assert list(models.answers()) == [3]
    assert models.mind.asked == ["three"]
    assert len(models.inference) == 0


def test_a_turn_told_again_replaces_what_was_known_of_it(models):
    models.take(sound("a", start=7))
    models.work()
    models.take(sound("a", np.ones(3 * HOP, np.float32), start=7), asked(1, "a", 1))
    models.work()
    assert models.ears.closed == [7]
    assert models.answers()[1].transcript.text == str(3 * HOP)


def test_costs_are_for_whoever_has_a_clock(models):
    with pytest.raises(ValueError, match="clock"):
        models.take(MeasureCosts(GOOD))


# -- too much to do ----------------------------------------------------------------------------


def fall_behind(models, late_s, times):
    """Do a step, so many times, that ends so late."""
    for _ in range(times):
        models.take(more("a"))
        due = models.at + AUDIO_DEADLINE_S
        work = models.next()
        models.at = due + late_s
        models.do(work)


def left_out(models):
    return [(load.sends_partials, load.computes_cues) for load in models.all(WorkerLoad)]


def test_partials_are_left_out_first_then_cues_and_both_come_back(models):
    models.take(sound("a"))
    models.work()
    fall_behind(models, 1.0, 20)
    assert left_out(models) == [(False, True), (False, False)]
    fall_behind(models, 0.0, 20)
    assert left_out(models)[2:] == [(False, True), (True, True)]


def test_who_has_nothing_to_do_is_late_no_more(models):
    """Or those who were refused in a bad moment would be refused for ever."""
    models.take(sound("a"))
    models.work()
    fall_behind(models, 1.0, 20)
    models.take(CancelStream(("a", 1)))
    for _ in range(8):
        models.inference.heartbeat(0.0)
    assert models.all(WorkerLoad)[-1].late_s < 0.01
    assert left_out(models)[-1] == (True, True)


def test_being_late_now_and_then_leaves_nothing_out(models):
    models.take(sound("a"))
    models.work()
    for _ in range(10):
        fall_behind(models, 1.0, 1)
        fall_behind(models, 0.0, 9)
    assert left_out(models) == []


@pytest.mark.parametrize("limit", [NO_PARTIALS_LATE_S, NO_CUES_LATE_S])
def test_what_was_left_out_does_not_come_and_go(models, limit):
    models.take(sound("a"))
    models.work()
    nearly = 0.8 * limit
    fall_behind(models, nearly, 30)
    before = left_out(models)
    fall_behind(models, 1.2 * limit, 30)
    worse = left_out(models)
    assert len(worse) == len(before) + 1
    fall_behind(models, nearly, 30)
    assert left_out(models) == worse


def test_words_so_far_rest_while_there_is_too_much_to_do_and_words_do_not(models):
    models.take(sound("a"))
    models.work()
    fall_behind(models, 1.0, 20)
    models.told.clear()
    fall_behind(models, 1.0, 5)
    assert not models.all(PartialText)
    models.take(asked(1, "a", 1))
    models.work()
    assert models.answers()[1].transcript.text == str(26 * HOP)
    assert models.ears.felt == [False]


def test_words_so_far_are_told_when_they_change(models):
    models.take(sound("a"))
    models.work()
    models.take(more("a"))
    models.work()
    models.inference.analyser.advance = lambda packets: [str(2 * HOP)]
    models.take(more("a"))
    models.work()
    assert [one.text for one in models.all(PartialText)] == [str(HOP), str(2 * HOP)]


def test_the_load_is_told_with_what_is_left_out(models):
    models.take(sound("a"))
    models.work()
    fall_behind(models, 1.0, 20)
    models.take(more("a"))  # there is still something to do
    models.inference.heartbeat(0.75)
    load = models.told[-1]
    assert (load.busy_share, load.sends_partials, load.computes_cues) == (0.75, False, False)
    assert load.late_s == pytest.approx(1.0, abs=0.02)


# -- whose voice it is -------------------------------------------------------------------------


def callers(models):
    return [pickle.loads(one.caller) for one in models.all(RequestAnswered) if one.caller]


def test_two_turns_in_one_go_teach_their_caller_in_order(models):
    models.take(sound("a", start=10, stream=1), sound("a", start=20, stream=2))
    models.take(asked(1, "a", 1), asked(2, "a", 2))
    assert ids(models.next()) == [1, 2]
    models.work()
    assert callers(models)[-1] == [10, 20]
    models.take(sound("a", start=30, stream=3), asked(3, "a", 3))
    models.work()
    assert callers(models)[-1] == [10, 20, 30]


def test_callers_of_one_batch_do_not_become_each_other(models):
    models.take(sound("a", start=10), sound("b", start=20))
    models.take(asked(1, "a", 1), asked(2, "b", 1))
    models.work()
    assert callers(models) == [[10], [20]]


def test_a_known_caller_is_known_again(models):
    models.take(
        RestoreCaller("a", pickle.dumps(["before"])), sound("a", start=10), asked(1, "a", 1)
    )
    models.work()
    assert callers(models) == [["before", 10]]


def test_who_has_gone_is_forgotten(models):
    models.take(RestoreCaller("a", pickle.dumps(["before"])), EndSession("a"), sound("a", start=10))
    models.take(asked(1, "a", 1))
    models.work()
    assert callers(models) == [[10]]


def test_a_voice_without_consent_teaches_nothing(models):
    models.take(sound("a", feel=False), asked(1, "a", 1))
    models.work()
    assert callers(models) == []
    assert models.answers()[1].transcript.text == str(HOP)


def test_an_employee_is_transcribed_and_never_judged(models):
    models.take(sound("a", feel=False), asked(1, "a", 1, leg="agent"))
    models.work()
    answer = models.answers()[1]
    assert answer.transcript.text == answer.understanding.text == str(HOP)
    assert (answer.understanding.intent, models.mind.asked) == ("", [])


# -- real ears ---------------------------------------------------------------------------------

SPOKEN = (np.random.default_rng(5).standard_normal(3 * RATE) * 0.1).astype(np.float32)
LETTERS = ("<pad>", "|", "'", *"abcdefghijklmnopqrstuvwxyz")
# With a few columns only, a product takes another road through the processor.
SHAPE = {
    "hidden_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 128,
    "num_conv_pos_embeddings": 8,
    "num_conv_pos_embedding_groups": 4,
    "conv_dim": (64, 64),
    "chunk_frames": 16,
    "left_frames": 32,
}


@pytest.fixture(scope="module")
def ears(tmp_path_factory):
    torch.manual_seed(0)
    weights = tmp_path_factory.mktemp("weights")
    HubertForCTC(small_config(**SHAPE)).save_pretrained(weights / "ears")
    vocabulary = {letter: place for place, letter in enumerate(LETTERS)}
    (weights / "ears" / "vocab.json").write_text(json.dumps(vocabulary))
    told = {"feature_extractor_type": "Wav2Vec2FeatureExtractor", "do_normalize": False}
    (weights / "ears" / "preprocessor_config.json").write_text(json.dumps(told))
    return SpeechAnalyser.load(weights)


@st.composite
def talks(draw):
    """What each session says, in which pieces; who comes when; and when there is time to work."""
    said = []
    for _ in range(draw(st.integers(2, 5))):
        begins, length = draw(st.integers(0, RATE)), draw(st.integers(0, 2 * RATE))
        cuts = draw(st.lists(st.integers(0, length), max_size=6).map(sorted))
        said.append(np.split(SPOKEN[begins : begins + length], cuts))
    order = [caller for caller, pieces in enumerate(said) for _ in pieces]
    order = draw(st.permutations(order))
    return said, order, draw(st.lists(st.booleans(), min_size=len(order), max_size=len(order)))


def words(models, number):
    """What was told of session `number`: its words so far at the end, and all of its answer."""
    so_far = [one.text for one in models.all(PartialText) if one.key == (str(number), 1)]
    return so_far[-1:], models.answers()[number].transcript


def alone(ears, number, pieces):
    models = Models(ears)
    models.take(sound(str(number), np.concatenate(pieces)))
    models.work()
    models.take(asked(number, str(number), 1))
    models.work()
    return words(models, number)


# Chunks at the end of a turn that are two frames long.
SHORT = ([[SPOKEN[at : at + 18 * FRAME + 80]] for at in (0, 100, 200)], (0, 1, 2), (False,) * 3)


@settings(deadline=None, max_examples=15)
@given(talk=talks())
@example(talk=SHORT)
def test_company_changes_no_bit_of_what_is_heard(ears, talk):
    said, order, times = talk
    models, left = Models(ears), [iter(pieces) for pieces in said]
    begun = set()
    for caller, time in zip(order, times, strict=True):
        first = caller not in begun
        begun.add(caller)
        models.take(sound(str(caller), next(left[caller]), first=first))
        work = models.next()
        if time and isinstance(work, EncodeBatch):
            models.do(work)
    models.work()
    models.take(*(asked(caller, str(caller), 1) for caller in begun))
    models.work()
    for caller, pieces in enumerate(said):
        assert words(models, caller) == alone(ears, caller, pieces)
    assert len(models.inference) == 0


def test_a_mind_that_fails_in_company_leaves_nothing_behind(ears):
    models = Models(ears)
    models.mind.understand = lambda *question: 1 / 0
    for _ in range(3):
        models.take(*(sound(name, SPOKEN[:6000]) for name in "abcde"))
        models.take(*(asked(n, name, 1) for n, name in enumerate("abcde", 1)))
        models.work()
    assert not models.answers()
    assert len(models.inference) == 0
    assert ears.recogniser.encoder.open_streams == 0


def test_a_thousand_streams_leave_nothing_behind(ears):
    models = Models(ears)
    for batch in range(50):
        names = [f"{batch}.{number}" for number in range(20)]
        models.take(*(sound(name, SPOKEN[:6000]) for name in names))
        models.work()
        models.take(*(asked(20 * batch + n, name, 1) for n, name in enumerate(names[:10], 1)))
        models.take(*(CancelStream((name, 1)) for name in names[10:]), *map(EndSession, names))
        models.work()
    assert len(models.answers()) == 500
    assert len(models.inference) == 0
    assert ears.recogniser.encoder.open_streams == 0


# -- whole turns -------------------------------------------------------------------------------


class SlowWriter:
    """Takes turns, at most `room` at a time, and says nothing of them by itself."""

    model = ModelInfo("slow", "a test", "0" * 12, "none")

    def __init__(self, room=9):
        self.room, self.taken, self.cancelled = room, {}, []

    def submit(self, request_id, samples, start):
        if len(self.taken) >= self.room:
            return False
        self.taken[request_id] = (len(samples), start)
        return True

    def cancel(self, request_id):
        self.cancelled.append(request_id)


@pytest.fixture
def writing(models):
    models.inference.writer = SlowWriter()
    return models


def run_at_once(models):
    """Everything that needs no waiting."""
    while (work := models.next()) is not None and not isinstance(work, float):
        models.do(work)
    return work


def test_an_open_turn_is_answered_with_what_was_written(writing):
    writing.take(sound("a"), asked(1, "a", 1))
    run_at_once(writing)
    assert not writing.answers()
    assert writing.inference.writer.taken == {1: (HOP, 0)}
    writing.take(TurnWritten(1, Transcript("i lost my card", 0.8)))
    run_at_once(writing)
    assert writing.answers()[1].transcript.text == "i lost my card"
    assert writing.mind.asked == ["i lost my card"]


def test_others_go_on_while_a_turn_is_written(writing):
    writing.take(sound("a"), asked(1, "a", 1))
    run_at_once(writing)
    writing.take(sound("b"), asked(2, text="hello"))
    run_at_once(writing)
    assert list(writing.answers()) == [2]


def test_what_takes_too_long_keeps_the_transcript_of_the_encoder(writing):
    writing.take(sound("a"), asked(1, "a", 1))
    waits = run_at_once(writing)
    writing.at += waits
    run_at_once(writing)
    assert writing.answers()[1].transcript.text == str(HOP)
    assert writing.inference.writer.cancelled == [1]
    writing.take(TurnWritten(1, Transcript("too late", 0.8)))
    assert run_at_once(writing) is None
    writing.inference.heartbeat(0.5)
    assert writing.all(WorkerLoad)[-1].unwritten_turns == 1


def test_what_the_writer_has_no_time_for_is_answered_at_once(writing):
    writing.inference.writer = SlowWriter(room=0)
    writing.take(sound("a"), asked(1, "a", 1))
    run_at_once(writing)
    assert writing.answers()[1].transcript.text == str(HOP)
    writing.inference.heartbeat(0.5)
    assert writing.all(WorkerLoad)[-1].unwritten_turns == 1


def test_what_nobody_wants_any_more_is_not_written(writing):
    writing.take(sound("a"), asked(1, "a", 1))
    run_at_once(writing)
    writing.take(CancelStream(None, 1))
    assert writing.inference.writer.cancelled == [1]
    assert run_at_once(writing) is None
    assert not writing.answers()


def test_nothing_readable_keeps_the_transcript_of_the_encoder(writing):
    writing.take(sound("a"), asked(1, "a", 1))
    run_at_once(writing)
    writing.take(TurnWritten(1, NO_TRANSCRIPT))
    run_at_once(writing)
    assert writing.answers()[1].transcript.text == str(HOP)


def test_a_turn_that_breaks_the_mind_after_it_was_written_is_reported(writing):
    writing.take(sound("a"), asked(1, "a", 1))
    run_at_once(writing)
    writing.take(TurnWritten(1, Transcript("boom", 0.8)))
    run_at_once(writing)
    (lost,) = writing.all(StreamsFailed)
    assert lost.request_ids == (1,)
