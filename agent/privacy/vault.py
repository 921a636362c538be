"""Where are a session's private values, so that nothing else needs to hold them?

Before an input is kept or given to the session, `hide` puts surrogates of the same shape in the
place of what is private in it. The session, its recording, notes, logs and the people who take
over see surrogates only; `call` and `message` put the real values back at the two edges that need
them, the bank and the customer's own connection. On disk a vault exists only sealed with a key made
from the client's token (tests/agent/test_vault.py).
"""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import asdict, dataclass, replace
from typing import Any

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from agent.core import events as e
from agent.privacy import redaction_record as redactions
from agent.privacy.detection import spans
from agent.privacy.pseudonymise_result import CoveredAnswers
from agent.privacy.pseudonymise_text import OPEN, Cover
from agent.privacy.redaction_record import Redaction
from agent.privacy.surrogate_format import Disguise, Swap, changed
from agent.privacy.surrogates import Surrogates
from agent.privacy.timed_words import joined, swapped, words_of
from audio.types import Expectation
from dialogs.pack.model import Pack
from dialogs.values import ActionCall

# Messages in which codes are put back too: the customer's own words, and a person's to them.
OWN_WORDS = frozenset({"transcript", "partial", "agent"})


class SealError(ValueError):
    """A sealed vault that this token does not open."""


@dataclass(frozen=True, slots=True)
class Hidden:
    """An input without anything private, and what was replaced in it."""

    event: e.Input
    redactions: tuple[Redaction, ...] = ()


class Vault:
    """The private values of one session."""

    def __init__(self, pack: Pack, key: bytes) -> None:
        """`key` is 32 random bytes of this session's own."""
        self._pack = pack
        self._key = key
        self._kept = Surrogates(key)
        self._disguise = Disguise(self._kept)
        self._passing = Disguise(Surrogates(key))  # of words that are not final yet
        self._cover = Cover(pack, self._disguise)
        self._answers = CoveredAnswers(pack, self._cover)
        secret = {name for name, spec in pack.slots.items() if spec.secret}
        self._told = {  # arguments that are secrets, by action
            (step.name, argument)
            for flow in pack.flows.values()
            for step in flow.steps
            for argument, slot in step.arguments
            if slot in secret
        }
        self._sealed_at = 0

    @property
    def changed(self) -> bool:
        """Whether something private came that the last seal does not hold."""
        return self._disguise.changes != self._sealed_at

    # -- in ------------------------------------------------------------------------------------

    def hide(self, event: e.Input, asked: Expectation) -> Hidden:
        """The input with surrogates. `asked` is what had been asked for when it was said. What is
        already a surrogate, because it comes from words hidden before, stays one."""
        found: list[Redaction] = []
        match event:
            case e.Typed() | e.Said():
                own = isinstance(event, e.Typed)
                text = self._cover.text(event.text, asked if own else OPEN, "text", found, own)
                return Hidden(replace(event, text=text) if found else event, tuple(found))
            case e.Finished(outcome=said):
                told = self._cover.text(said, OPEN, "text", found, new=False)
                return Hidden(replace(event, outcome=told) if found else event, tuple(found))
            case e.Digits(digits=digits):
                text = self._cover.keys(digits, asked, found)
                return Hidden(replace(event, digits=text) if found else event, tuple(found))
            case e.Partial(text=words):
                text = self._growing(words, asked, found)
                return Hidden(replace(event, text=text) if found else event, tuple(found))
            case e.Understood():
                return Hidden(self._answers.understood(event, asked, found), tuple(found))
            case e.Acted(outcome=outcome) if outcome.values:
                known = self._cover.outcome(outcome, found)
                return Hidden(replace(event, outcome=known) if found else event, tuple(found))
        return Hidden(event)

    def _growing(self, text: str, asked: Expectation, found: list[Redaction]) -> str:
        """Words that may change yet: what stands for them is forgotten with the next ones."""
        self._passing = Disguise(Surrogates(self._key))
        out, done = "", 0
        for span in spans(text, asked, self._pack, growing=True):
            out += text[done : span.start]
            known = self._kept.known(span.value) is not None
            disguise = self._disguise if known else self._passing
            hidden = disguise.of(text[span.start : span.end], span.value)
            found.append(redactions.of(span, "text", len(out), len(out) + len(hidden)))
            out, done = out + hidden, span.end
        return out + text[done:]

    # -- out -----------------------------------------------------------------------------------

    def call(self, call: ActionCall) -> ActionCall:
        """With the real values, for the bank. A code is put back where the pack passes a secret."""
        arguments = {
            name: self._disguise.revealed(value, short=(call.name, name) in self._told)
            for name, value in call.arguments.items()
        }
        return replace(call, arguments=arguments)

    def message(self, message: str) -> str:
        """With the real values: one JSON message to the customer's own connection."""
        if not len(self._kept) and not len(self._passing):
            return message
        fields = json.loads(message)
        short = fields.get("type") in OWN_WORDS
        passing = self._passing if fields.get("type") == "partial" else None
        shown = self._shown(fields, short, passing)
        return message if shown == fields else json.dumps(shown)

    def _shown(self, value: Any, short: bool, passing: Disguise | None) -> Any:
        match value:
            case str():
                return changed(value, self._revealing(value, short, passing))
            case {"words": list(said), **rest} if (words := words_of(said)) is not None:
                shown = swapped(words, self._disguise.revealing(joined(words), short))
                return self._shown(rest, short, passing) | {"words": [asdict(w) for w in shown]}
            case dict():
                return {name: self._shown(one, short, passing) for name, one in value.items()}
            case list():
                return [self._shown(one, short, passing) for one in value]
        return value

    def _revealing(self, text: str, short: bool, passing: Disguise | None) -> list[Swap]:
        swaps = self._disguise.revealing(text, short)
        if passing is None:
            return swaps
        first = passing.revealing(text, short=True)
        kept = [s for s in swaps if all(s.end <= f.start or f.end <= s.start for f in first)]
        return sorted([*first, *kept])

    # -- at rest -------------------------------------------------------------------------------

    def sealed(self, token: str) -> str:
        """Everything in it, readable only with the client's token."""
        self._sealed_at = self._disguise.changes
        held = {
            "key": self._key.hex(),
            "pairs": self._kept.pairs(),
            "said": list(self._disguise.said.items()),
        }
        return _lock(token).encrypt(json.dumps(held).encode()).decode()

    @classmethod
    def opened(cls, pack: Pack, sealed: str, token: str) -> Vault:
        """A vault as it was when it was sealed. SealError when the token is another."""
        try:
            held = json.loads(_lock(token).decrypt(sealed.encode()))
        except (InvalidToken, binascii.Error, ValueError) as wrong:
            raise SealError("this token does not open the vault") from wrong
        vault = cls(pack, bytes.fromhex(held["key"]))
        for value, surrogate in held["pairs"]:
            vault._kept.put(value, surrogate)
        vault._disguise.said.update(held["said"])
        return vault


def _lock(token: str) -> Fernet:
    """A token is random enough to make a key of it without work (RFC 5869)."""
    made = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"hearken vault 1")
    return Fernet(base64.urlsafe_b64encode(made.derive(token.encode())))
