"""What callers say: whole packets, alike for one seed; and the packet that ends a turn is known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from agent.lab.bench import BenchError
from agent.lab.bench.caller_voices import load_caller_voices, resampler_lookahead
from agent.lab.bench.load_plan import TELEPHONE_RATE
from audio import files
from audio.codecs import decode
from audio.turns import TurnDetector, TurnEndpoint
from audio.types import RATE
from audio.vad import VoiceActivityDetector
from audio.voice_input import VoiceInput
from tests.agent.lab.bench.loads import plan

RECORDINGS = Path("tests/recordings")


def test_turns_are_about_as_long_as_wanted():
    voices = load_caller_voices(RECORDINGS, turn_s=4.0, packet_ms=20, seed=1)
    lengths = [len(turn) * 0.02 for turn in voices.turns]
    assert 2.0 <= min(lengths) < 2.5
    assert 5.5 < max(lengths) <= 6.02
    assert {len(packet) for turn in voices.turns for packet in turn} == {TELEPHONE_RATE // 50}
    assert load_caller_voices(RECORDINGS, 4.0, 20, seed=1) == voices
    assert load_caller_voices(RECORDINGS, 4.0, 20, seed=2) != voices


def test_the_line_is_faint_but_not_dead():
    voices = load_caller_voices(RECORDINGS, 1.0, 20, seed=1)
    noise = decode(b"".join(voices.noise), "mulaw", 1)
    assert 20 * np.log10(np.sqrt(np.mean(noise**2))) == pytest.approx(-65, abs=2)


@pytest.mark.parametrize("packet_ms", [10, 20, 60, 100])
def test_a_turn_is_over_with_the_packet_that_completes_its_silence(packet_ms):
    voices = load_caller_voices(RECORDINGS, 2.0, packet_ms, seed=3)
    load = plan(voices=voices, packet_ms=packet_ms, ahead=resampler_lookahead())
    intake = VoiceInput(VoiceActivityDetector.load(), "mulaw", TELEPHONE_RATE, ["customer"])
    detector, ended = TurnDetector(), []
    packets = [*voices.turns[0], *voices.noise, *voices.turns[1], *voices.noise]
    for number, packet in enumerate(packets):
        for hops in intake.push(packet):
            for event in detector.push(hops.samples, hops.speech):
                if isinstance(event, TurnEndpoint):
                    ended.append((number, load.completing_packet(round(event.end / RATE, 3))))
    assert len(ended) >= 2
    assert all(was == predicted for was, predicted in ended)


def test_nothing_to_say_is_told(tmp_path):
    with pytest.raises(BenchError, match="there is no folder"):
        load_caller_voices(tmp_path / "nowhere", 4.0, 20, seed=0)
    files.write(tmp_path / "hum.wav", np.zeros(TELEPHONE_RATE, np.float32), TELEPHONE_RATE)
    with pytest.raises(BenchError, match="has speech in it"):
        load_caller_voices(tmp_path, 4.0, 20, seed=0)
