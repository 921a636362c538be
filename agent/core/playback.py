"""Playback of replies to one customer, and how long to wait in silence for them.

A state machine of its own: replies are being spoken, were interrupted by a voice that may turn out
to be noise, or are over; the customer's connection may be lost meanwhile. It decides when silence
becomes ours to break. Held by tests/agent/core/test_session.py.
"""

from __future__ import annotations

import math

from agent.core.effects import Effect, SayReplies, StopSpeech
from agent.core.inputs import SpeechPlayed, SpeechSent
from dialogs.values import Reply


class Playback:
    """What the customer hears of us now. Times are in session seconds."""

    def __init__(self) -> None:
        self.speaks = False  # replies are spoken, not only shown
        self.customer_away = False  # the connection is lost for now
        self.silence_deadline = math.inf  # when the customer has been silent for too long
        self._patience_s = math.inf
        self._speaking_turn: int | None = None
        self._last_replies: tuple[Reply, ...] = ()
        self._interrupted = False  # a barge-in stopped speech, and may turn out to be noise

    def open(self, speaks: bool, patience_s: float) -> None:
        """The session begins. `patience_s` is how long the customer may be silent."""
        self.speaks, self._patience_s = speaks, patience_s

    def restart_silence_timer(self, at: float) -> None:
        """From `at` on the customer may be silent for as long as their patience lasts."""
        if not self.customer_away:  # the silence of a lost connection means nothing
            self.silence_deadline = at + self._patience_s

    def say(self, turn: int, replies: tuple[Reply, ...]) -> list[Effect]:
        """The replies of a decision: none when there are none."""
        if not replies:
            return []
        self._last_replies, self._interrupted = replies, False
        return [SayReplies(turn, replies, self.speaks)]

    def on_sent(self, event: SpeechSent) -> None:
        """Audio of a turn has been sent: silence counts from its end."""
        self._speaking_turn = event.turn
        self.restart_silence_timer(event.at + event.sent_ms / 1000)

    def on_played(self, event: SpeechPlayed) -> None:
        """The client has played a turn to its end."""
        if event.turn == self._speaking_turn:
            self._speaking_turn = None
            self.restart_silence_timer(event.at)

    def barge_in(self) -> list[Effect]:
        """The customer begins to speak or has typed: speech stops, silence is over."""
        self.silence_deadline = math.inf
        if self._speaking_turn is None:
            return []
        stopped_turn, self._speaking_turn, self._interrupted = self._speaking_turn, None, True
        return [StopSpeech(stopped_turn)]

    @property
    def was_interrupted(self) -> bool:
        """Whether a barge-in stopped replies that no other replies have followed."""
        return self._interrupted

    def repeat_interrupted(self, turn: int) -> list[Effect]:
        """What interrupted the replies was noise: speak them again, as this turn."""
        self._interrupted = False
        return self.repeat(turn)

    def repeat(self, turn: int) -> list[Effect]:
        """Speak the last replies again, as this turn."""
        return [SayReplies(turn, self._last_replies, self.speaks, is_repeat=True)]

    @property
    def can_repeat(self) -> bool:
        """Whether there are replies to be spoken again to a customer who comes back."""
        return self.speaks and bool(self._last_replies)

    def on_connection_lost(self) -> None:
        """Nothing is heard any more, and silence does not count."""
        self.customer_away, self._speaking_turn, self._interrupted = True, None, False
        self.silence_deadline = math.inf

    def on_connection_resumed(self) -> None:
        """The customer hears us again; what was being spoken has not been heard out."""
        self.customer_away, self._speaking_turn = False, None
