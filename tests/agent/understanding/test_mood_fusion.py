from dataclasses import replace
from math import fsum

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from agent.understanding.calibration import probability
from agent.understanding.mood_fusion import FusionParameters, VoiceWeights, fuse, probability_spread
from agent.understanding.text_features import WeightsError
from agent.understanding.text_models import TextAffect
from audio.types import EMOTIONS, AcousticCues, Prosody

FUSION = FusionParameters(base_log_odds=-2.2)
PROSODY = Prosody(180.0, 4.0, -20.0, 4.0, 0.2, 2.0)

share = st.floats(0.0, 1.0)
words = st.builds(
    TextAffect,
    sentiment=st.floats(-1, 1),
    bias=st.floats(-4, 0),
    terms=st.lists(
        st.tuples(st.sampled_from(["ridiculous", "thanks", "card", "again"]), st.floats(-3, 3)),
        min_size=1,
        max_size=14,
    ).map(tuple),
    known=share,
)


def cues(emotion, reliability=0.8, valence=0.4, prosody=PROSODY):
    return AcousticCues(emotion, 0.5, valence, prosody, prosody.voiced_s, reliability)


@st.composite
def voices(draw):
    raw = draw(st.lists(st.floats(0.01, 1.0), min_size=len(EMOTIONS), max_size=len(EMOTIONS)))
    emotion = dict(zip(EMOTIONS, (r / sum(raw) for r in raw), strict=True))
    return cues(emotion, draw(share), draw(share))


@given(st.none() | words, share, st.none() | voices(), st.none() | st.just(PROSODY))
def test_evidence_adds_up_to_the_score(said, heard, voice, usual):
    mood = fuse(FUSION, said, heard, voice, 3, 1.5, usual)
    assert fsum(e.weight for e in mood.evidence) == pytest.approx(mood.score, abs=1e-9)
    assert mood.upset == pytest.approx(probability(mood.score))
    assert all((e.turn, e.at) == (3, 1.5) for e in mood.evidence)
    assert 0.0 <= mood.upset <= 1.0
    assert 0.0 < mood.spread < 1.0
    assert mood.sentiment is None or -1.0 <= mood.sentiment <= 1.0


@given(words, share, voices())
def test_less_of_a_modality_never_narrows_the_doubt(said, heard, voice):
    both = fuse(FUSION, said, heard, voice, 0, 0.0).doubt
    assert fuse(FUSION, None, heard, voice, 0, 0.0).doubt >= both
    assert fuse(FUSION, said, heard, None, 0, 0.0).doubt >= both
    assert fuse(FUSION, said, heard / 2, voice, 0, 0.0).doubt >= both
    weaker = replace(voice, reliability=voice.reliability / 2)
    assert fuse(FUSION, said, heard, weaker, 0, 0.0).doubt >= both
    silent = replace(voice, emotion={})
    assert fuse(FUSION, said, heard, silent, 0, 0.0).doubt >= both


@given(st.floats(-6, 6), st.floats(0.1, 3), st.floats(0.0, 3))
def test_more_doubt_is_a_wider_spread(score, doubt, more):
    assert probability_spread(score, doubt + more) >= probability_spread(score, doubt)
    assert probability_spread(score, doubt) >= probability(score + doubt) - probability(score)


@given(st.none() | words, voices(), st.floats(0.0, 0.5))
def test_an_angrier_voice_never_lowers_the_score(said, voice, more):
    calm = dict(voice.emotion)
    more = min(more, 1.0 - calm["angry"])
    left = (1.0 - calm["angry"] - more) / (1.0 - calm["angry"])
    angrier = {name: chance * left for name, chance in calm.items()} | {
        "angry": calm["angry"] + more
    }
    before = fuse(FUSION, said, 1.0, voice, 0, 0.0).score
    after = fuse(FUSION, said, 1.0, replace(voice, emotion=angrier), 0, 0.0).score
    assert after >= before - 1e-9


@given(words, voices())
def test_a_voice_that_cannot_be_relied_on_changes_nothing_but_the_doubt(said, voice):
    alone = fuse(FUSION, said, 1.0, None, 0, 0.0)
    unreliable = fuse(FUSION, said, 1.0, replace(voice, reliability=0.0), 0, 0.0)
    assert unreliable.score == pytest.approx(alone.score)
    assert unreliable.doubt == alone.doubt
    assert unreliable.sentiment == alone.sentiment


def test_nothing_at_all_is_not_calm():
    nothing = fuse(FUSION, None, 0.0, None, 0, 0.0)
    assert nothing.sentiment is None
    assert nothing.upset + nothing.spread > 0.4
    calm = TextAffect(0.2, -4.0, (("please", -0.5),), 0.8)
    assert fuse(FUSION, calm, 1.0, None, 0, 0.0).upset < nothing.upset


def test_a_call_without_transcript_is_judged_by_the_voice():
    angry = cues({"angry": 0.9, "neutral": 0.1}, reliability=0.9)
    mood = fuse(FUSION, None, 0.0, angry, 2, 9.0)
    assert mood.upset > 0.5
    assert mood.evidence[1].term == "voice: angry 0.90"


@given(voices(), st.floats(-40, 0), st.floats(-40, 0))
def test_louder_than_usual_is_never_calmer(voice, now, before):
    assume(now > before)
    sounds = replace(voice, prosody=replace(PROSODY, loudness_db=now))
    usual = replace(PROSODY, loudness_db=before)
    assert (
        fuse(FUSION, None, 1.0, sounds, 0, 0.0, usual).score
        >= fuse(FUSION, None, 1.0, sounds, 0, 0.0).score - 1e-9
    )


def test_voice_weights_that_cannot_be_read_are_named(tmp_path):
    path = tmp_path / "upset.json"
    path.write_text('{"emotions": {}}')
    with pytest.raises(WeightsError, match="upset.json"):
        VoiceWeights.load(path)
