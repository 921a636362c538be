"""Which transcript of a turn counts: that of the CTC encoder or that of a whole-turn transcriber.

The encoder is the better one for answers that were asked for, which it searches for, and for single
words; the transcriber for all that is said in one's own words
(tests/audio/test_transcript_choice.py).
"""

from __future__ import annotations

from audio.types import Expectation, Transcript

DOUBTED_BELOW = 0.5  # below this, a closed answer is less likely right than wrong
SURE_FROM = 0.9  # from here, no other transcript of an open turn is likely to be better


def is_free_answer(expectation: Expectation) -> bool:
    """Whether the question may be answered in any words."""
    return expectation.kind == "open" or (
        expectation.kind in ("name", "choice") and not expectation.choices
    )


def should_transcribe(ctc_transcript: Transcript, expectation: Expectation) -> bool:
    """Whether the whole-turn transcriber should transcribe this turn too.

    Yes for open answers: free text is where the CTC encoder is weakest, unless it is sure or found
    a likely phrase. A choice, digits, an amount or a date came from a constrained search,
    which free transcription does not beat, unless its confidence is low: then the customer
    probably said something else. No for a turn in which the encoder found no word.
    """
    if not ctc_transcript.text:
        return False
    is_closed = not is_free_answer(expectation) or ctc_transcript.text in expectation.choices
    return ctc_transcript.confidence < (DOUBTED_BELOW if is_closed else SURE_FROM)


def preferred_transcript(ctc_transcript: Transcript, written: Transcript) -> Transcript:
    """The surer one of the encoder's transcript and what a whole-turn transcriber wrote.

    Both say how likely they are right. Chosen on the development speakers of wuw2; on 160 telephone
    turns of its test speakers the word error rate is 21.5 %, of the encoder alone 55.0, of Whisper
    base alone 26.9, of the better one of each turn 20.1.
    """
    return written if written.confidence > ctc_transcript.confidence else ctc_transcript
