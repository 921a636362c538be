"""Token vault of a session: the only place that holds its private values.

Before an input is stored or given to the session, `pseudonymise` replaces its private values by
surrogates of the same shape. The session, its recording, notes, logs and the people who take over
see surrogates only. `reveal_in_call` and `reveal_in_message` restore the values at the two edges
that need them: the back end and the customer's own connection. On disk a vault exists only sealed,
with a key derived from the client's token (tests/agent/privacy/test_vault.py).
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any, TypeVar, cast

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from agent.core import customer_messages as m
from agent.core.inputs import (
    ActionCompleted,
    DigitsReceived,
    Input,
    PartialTextReceived,
    PersonEndedSession,
    PersonTextReceived,
    TextReceived,
    TurnUnderstood,
)
from agent.privacy.detection import PrivateSpan, detect
from agent.privacy.pseudonymise_result import UnderstandingPseudonymiser
from agent.privacy.pseudonymise_text import NO_EXPECTATION, TextPseudonymiser, substitute_spans
from agent.privacy.redaction_record import Redaction
from agent.privacy.surrogate_format import Substitution, SurrogateFormat, apply_substitutions
from agent.privacy.surrogates import Surrogates
from agent.privacy.timed_words import join_words, substitute_in_words
from audio.types import Expectation, Transcript
from dialogs.pack.model import Pack
from dialogs.pack.reserved_names import ABOUT_ARGUMENT, ARRANGE_CALLBACK_ACTION
from dialogs.values import ActionCall

# Messages in which codes are revealed, too: the customer's own words and those of a person to them.
CODE_REVEALING_MESSAGES = (m.FinalTranscript, m.InterimTranscript, m.PersonText)

V = TypeVar("V")


class SealError(ValueError):
    """A sealed vault that cannot be opened with this token."""


@dataclass(frozen=True, slots=True)
class PseudonymisedInput:
    """An input whose private values are replaced, and the record of the replacements."""

    event: Input
    redactions: tuple[Redaction, ...] = ()


class Vault:
    """The private values of one session."""

    def __init__(self, pack: Pack, key: bytes) -> None:
        """`key` is 32 random bytes of this session's own."""
        self._pack = pack
        self._key = key
        self._surrogates = Surrogates(key)
        self._surrogate_format = SurrogateFormat(self._surrogates)
        self._partial_format = SurrogateFormat(Surrogates(key))  # of the latest partial transcript
        self._text_pseudonymiser = TextPseudonymiser(pack, self._surrogate_format)
        self._understanding_pseudonymiser = UnderstandingPseudonymiser(
            pack, self._text_pseudonymiser
        )
        secret = {name for name, spec in pack.slots.items() if spec.is_secret}
        self._secret_arguments = {  # (action, argument) that a secret slot fills
            (step.name, argument)
            for flow in pack.flows.values()
            for step in flow.steps
            for argument, slot in step.arguments
            if slot in secret
        }
        self._sealed_change_count = 0

    @property
    def has_unsealed_changes(self) -> bool:
        """Whether there are private values or fragments that the last `seal` did not include."""
        return self._surrogate_format.change_count != self._sealed_change_count

    # -- pseudonymise --------------------------------------------------------------------------

    def pseudonymise(
        self,
        event: Input,
        expectation: Expectation,
        spans: Sequence[PrivateSpan] | None = None,
    ) -> PseudonymisedInput:
        """The input with surrogates, and their record. `expectation` is the question that was open
        when the input was said; `spans` are what `detect` found in a typed text, if it was asked
        already. Surrogates in words that were pseudonymised before stay."""
        redaction_log: list[Redaction] = []
        match event:
            case TextReceived() if spans is not None:
                text = self._text_pseudonymiser.substitute_spans(
                    event.text, spans, "text", redaction_log
                )
                return PseudonymisedInput(
                    replace(event, text=text) if redaction_log else event, tuple(redaction_log)
                )
            case TextReceived() | PersonTextReceived():
                is_typed = isinstance(event, TextReceived)
                text = self._text_pseudonymiser.pseudonymise(
                    event.text,
                    expectation if is_typed else NO_EXPECTATION,
                    "text",
                    redaction_log,
                    is_typed,
                )
                return PseudonymisedInput(
                    replace(event, text=text) if redaction_log else event, tuple(redaction_log)
                )
            case PersonEndedSession(outcome=original):
                pseudonymised = self._text_pseudonymiser.pseudonymise(
                    original, NO_EXPECTATION, "text", redaction_log, is_raw=False
                )
                return PseudonymisedInput(
                    replace(event, outcome=pseudonymised) if redaction_log else event,
                    tuple(redaction_log),
                )
            case DigitsReceived(digits=digits):
                text = self._text_pseudonymiser.pseudonymise_keys(
                    digits, expectation, redaction_log
                )
                return PseudonymisedInput(
                    replace(event, digits=text) if redaction_log else event, tuple(redaction_log)
                )
            case PartialTextReceived(text=words):
                text = self._pseudonymise_partial(words, expectation, redaction_log)
                return PseudonymisedInput(
                    replace(event, text=text) if redaction_log else event, tuple(redaction_log)
                )
            case TurnUnderstood():
                return PseudonymisedInput(
                    self._understanding_pseudonymiser.pseudonymise(
                        event, expectation, redaction_log
                    ),
                    tuple(redaction_log),
                )
            case ActionCompleted(outcome=outcome) if outcome.values:
                pseudonymised_outcome = self._text_pseudonymiser.pseudonymise_outcome(
                    outcome, redaction_log
                )
                return PseudonymisedInput(
                    replace(event, outcome=pseudonymised_outcome) if redaction_log else event,
                    tuple(redaction_log),
                )
        return PseudonymisedInput(event)

    def _pseudonymise_partial(
        self, text: str, expectation: Expectation, redaction_log: list[Redaction]
    ) -> str:
        """A partial transcript with surrogates. Values that are not known yet get temporary
        surrogates, which are forgotten with the next partial: the words may still change."""
        self._partial_format = SurrogateFormat(Surrogates(self._key))

        def substitute(fragment: str, value: str) -> str:
            is_known = self._surrogates.find_surrogate(value) is not None
            surrogate_format = self._surrogate_format if is_known else self._partial_format
            return surrogate_format.substitute(fragment, value)

        spans = detect(text, expectation, self._pack, is_partial=True)
        return substitute_spans(text, spans, "text", redaction_log, substitute)

    # -- reveal --------------------------------------------------------------------------------

    def reveal_in_call(self, call: ActionCall) -> ActionCall:
        """The call with the original values, for the back end. Codes are revealed only in arguments
        that the pack fills from a secret slot. The summary for who calls back stays as it is."""
        arguments = {
            name: value
            if (call.name, name) == (ARRANGE_CALLBACK_ACTION, ABOUT_ARGUMENT)
            else self._surrogate_format.reveal(
                value, include_codes=(call.name, name) in self._secret_arguments
            )
            for name, value in call.arguments.items()
        }
        return replace(call, arguments=arguments)

    def reveal_in_message(self, message: m.CustomerMessage) -> m.CustomerMessage:
        """The message with the original values, for the customer's own connection."""
        if not len(self._surrogates) and not len(self._partial_format):
            return message
        include_codes = isinstance(message, CODE_REVEALING_MESSAGES)
        partial_format = self._partial_format if isinstance(message, m.InterimTranscript) else None
        return self._reveal(message, include_codes, partial_format)

    def _reveal(self, value: V, include_codes: bool, partial_format: SurrogateFormat | None) -> V:
        """The value with all texts in it revealed, whatever its type; it itself if none has
        surrogates."""
        match value:
            case str():
                return cast(V, self._reveal_text(value, include_codes, partial_format))
            case Transcript():
                return cast(V, self._reveal_transcript(value, include_codes))
            case Mapping():
                revealed: Any = {
                    name: self._reveal(one, include_codes, partial_format)
                    for name, one in value.items()
                }
            case tuple():
                revealed = tuple(self._reveal(one, include_codes, partial_format) for one in value)
            case _ if is_dataclass(value) and not isinstance(value, type):
                before = {field.name: getattr(value, field.name) for field in fields(value)}
                after = self._reveal(before, include_codes, partial_format)
                revealed = value if after is before else replace(value, **after)
            case _:
                return value
        return value if revealed == value else cast(V, revealed)

    def _reveal_text(
        self, text: str, include_codes: bool, partial_format: SurrogateFormat | None
    ) -> str:
        substitutions = self._find_surrogates(text, include_codes, partial_format)
        return apply_substitutions(text, substitutions)

    def _reveal_transcript(self, transcript: Transcript, include_codes: bool) -> Transcript:
        """Words with timestamps are revealed as one text: a surrogate may take several of them."""
        joined = join_words(transcript.words)
        substitutions = self._surrogate_format.find_surrogates(joined, include_codes)
        return replace(
            transcript,
            text=self._reveal_text(transcript.text, include_codes, None),
            words=substitute_in_words(transcript.words, substitutions),
        )

    def _find_surrogates(
        self, text: str, include_codes: bool, partial_format: SurrogateFormat | None
    ) -> list[Substitution]:
        substitutions = self._surrogate_format.find_surrogates(text, include_codes)
        if partial_format is None:
            return substitutions
        partial_substitutions = partial_format.find_surrogates(text, include_codes=True)
        others = [
            s
            for s in substitutions
            if all(s.end <= f.start or f.end <= s.start for f in partial_substitutions)
        ]
        return sorted([*partial_substitutions, *others])

    # -- at rest -------------------------------------------------------------------------------

    def seal(self, token: str) -> str:
        """The vault's contents as text, encrypted with a key derived from the client's token."""
        self._sealed_change_count = self._surrogate_format.change_count
        contents = {
            "key": self._key.hex(),
            "pairs": self._surrogates.pairs(),
            "said": list(self._surrogate_format.original_fragments.items()),
        }
        return _fernet(token).encrypt(json.dumps(contents).encode()).decode()

    @classmethod
    def unseal(cls, pack: Pack, sealed: str, token: str) -> Vault:
        """The vault that `seal` encrypted. SealError when the token is another."""
        try:
            contents = json.loads(_fernet(token).decrypt(sealed.encode()))
        except (InvalidToken, binascii.Error, ValueError) as wrong:
            raise SealError("this token does not open the vault") from wrong
        vault = cls(pack, bytes.fromhex(contents["key"]))
        for value, surrogate in contents["pairs"]:
            vault._surrogates.add(value, surrogate)
        vault._surrogate_format.original_fragments.update(contents["said"])
        return vault


def _fernet(token: str) -> Fernet:
    """The cipher for a token. Tokens are random, so HKDF (RFC 5869) suffices to derive its key."""
    key_derivation = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"hearken vault 1")
    return Fernet(base64.urlsafe_b64encode(key_derivation.derive(token.encode())))
