"""Speech synthesis by espeak-ng, sentence by sentence, and the spoken form of written text.

Uses the shared library and voices of the espeakng-loader package. A reply is synthesised sentence
by sentence, so that the first can be sent before the rest exists; synthesis takes about a
thousandth of the playing time.

espeak-ng has global state in a process and one voice at a time. `_EspeakNg` holds a lock: any
thread may synthesise, and threads alternate by the sentence.

Its voices vary a little on purpose, with a phase that runs on through the process, so the same text
never gives the same samples twice: nothing may be decided by comparing synthesised audio.

Held by tests/audio/test_speak.py: threads that speak at once do not mix; a reply's first piece is
its first sentence; markup and control characters are not spoken; amounts are read as money and
account numbers digit by digit.
"""

from __future__ import annotations

import ctypes
import os
import re
import unicodedata
from calendar import month_name
from collections.abc import Iterator
from functools import cache
from threading import Lock

import espeakng_loader  # type: ignore[import-untyped]
import numpy as np

from audio.codecs import decode
from audio.resample import RATES, resample
from audio.types import AudioError, Samples

# From espeak-ng's speak_lib.h.
_SYNCHRONOUS, _DONT_EXIT, _RATE, _UTF8, _OK = 2, 0x8000, 1, 1, 0
_IPA = 0x02 | ord("_") << 8  # phonemes in IPA with an underscore between two
_PAUSE_S = 0.25  # seconds between sentences; espeak-ng ends each one abruptly
_SYNTH_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p)


class TtsVoice:
    """A language as espeak-ng names it, and a pace.

    "en-us" is American and "en" British English; "en-us+f3" is the same spoken by a woman.
    """

    def __init__(self, language: str = "en-us", words_per_minute: int = 165) -> None:
        self.language = language
        self.words_per_minute = words_per_minute
        _espeak_ng().synthesise("", self)  # raises for an unknown language now, not during a call

    def synthesise(self, text: str, rate_hz: int) -> Samples:
        """The whole text as samples at this rate; empty when nothing in it can be spoken."""
        return np.concatenate([np.zeros(0, np.float32), *self.synthesise_sentences(text, rate_hz)])

    def synthesise_sentences(self, text: str, rate_hz: int) -> Iterator[Samples]:
        """The text sentence by sentence, each synthesised when the iterator reaches it."""
        if rate_hz not in RATES:
            raise AudioError(f"cannot speak at {rate_hz} Hz; use one of {RATES}")
        return self._synthesise_sentences(text, rate_hz)

    def _synthesise_sentences(self, text: str, rate_hz: int) -> Iterator[Samples]:
        pause = np.zeros(0, np.float32)
        for sentence in _SENTENCE_END.split(spoken_form(text)):
            if any(character.isalnum() for character in sentence):
                samples, made_at = _espeak_ng().synthesise(sentence, self)
                yield np.concatenate([pause, resample(samples, made_at, rate_hz)])
                pause = np.zeros(int(_PAUSE_S * rate_hz), np.float32)


class _EspeakNg:
    """The library, its lock, and the samples of the text that is being synthesised."""

    def __init__(self, library: str, voices: str) -> None:
        try:
            self._library = ctypes.CDLL(library)
        except OSError as problem:
            raise AudioError(
                f"espeak-ng's library could not be loaded ({problem}); "
                "install it again: pip install --force-reinstall espeakng-loader"
            ) from problem
        self._lock = Lock()
        self._pcm = bytearray()
        self.rate: int = self._library.espeak_Initialize(
            _SYNCHRONOUS, 0, os.fsencode(voices), _DONT_EXIT
        )
        if self.rate <= 0:
            raise AudioError(f"espeak-ng finds no voices in {voices}; reinstall espeakng-loader")
        # a reference, because the library has only its address
        self._callback = _SYNTH_CALLBACK(self._on_samples)
        self._library.espeak_SetSynthCallback(self._callback)
        self._library.espeak_TextToPhonemes.restype = ctypes.c_char_p

    def _on_samples(self, wave: int | None, count: int, _events: int | None) -> int:
        if wave:
            self._pcm += ctypes.string_at(wave, 2 * count)
        return 0  # continue

    def synthesise(self, text: str, voice: TtsVoice) -> tuple[Samples, int]:
        with self._lock:
            if self._library.espeak_SetVoiceByName(voice.language.encode()) != _OK:
                raise AudioError(
                    f"espeak-ng has no voice {voice.language!r}; try en-us, en (British), de or es"
                )
            self._library.espeak_SetParameter(_RATE, voice.words_per_minute, 0)
            self._pcm.clear()
            encoded = text.encode()
            position = ctypes.c_uint(0)
            self._library.espeak_Synth(
                encoded, ctypes.c_size_t(len(encoded) + 1), position, 0, position, _UTF8, None, None
            )
            return decode(bytes(self._pcm), "pcm_s16le", 1)[:, 0], self.rate

    def phonemes(self, text: str, voice: TtsVoice) -> str:
        with self._lock:
            self._library.espeak_SetVoiceByName(voice.language.encode())
            buffer = ctypes.create_string_buffer(text.encode())
            left, clauses = ctypes.c_void_p(ctypes.addressof(buffer)), list[str]()
            while left.value:
                clause = self._library.espeak_TextToPhonemes(ctypes.byref(left), _UTF8, _IPA)
                clauses.append((clause or b"").decode())
            return " ".join(clauses)


_loading = Lock()


@cache
def _load_library() -> _EspeakNg:
    return _EspeakNg(espeakng_loader.get_library_path(), espeakng_loader.get_data_path())


def _espeak_ng() -> _EspeakNg:
    with _loading:  # two first calls at once must not initialise the library twice
        return _load_library()


def phonemes(text: str, language: str = "en-us") -> str:
    """espeak-ng's phonemes of `text`: IPA with stress, `_` between phonemes, a space between words.

    espeak-ng joins some words, such as "of the", into one.
    """
    return _espeak_ng().phonemes(text, TtsVoice(language))


_SENTENCE_END = re.compile(r"\n+|(?<!\bMr\.)(?<!\bMrs\.)(?<!\bMs\.)(?<!\bDr\.)(?<=[.!?…])\s+")
_TAG = re.compile(r"</?[A-Za-z!][^<>]*>")
_MASKED = re.compile(r"(?:\*{3,}|•{2,}|\b[xX]{2,})[\s-]?(\d+)")
_EMPHASIS = re.compile(r"[*_`#~•]+|^\s*[-–]\s+", re.MULTILINE)
_MONEY = re.compile(
    r"((?<!\w)-)?([$£€])\s?(\d{1,3}(?:,\d{3})+|\d+)(?:\.(\d\d?)\b)?(?: (thousand|million|billion))?"
)
_DATE = re.compile(r"\b(\d{4})-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])\b")
_NUMBER_GROUPS = re.compile(
    r"(?<![\d.,])(?:\+\d{1,3}[-\s])?\(?\d{2,}\)?(?:[-\s]\s?\d{2,})+(?![.,]?\d)"
)
_LONG_NUMBER = re.compile(r"(?<![\d.,])(?:\d{5,}|0\d+)(?![.,]?\d)")
_LABELLED_NUMBER = re.compile(
    r"\b((?:ending(?: in| with)?|account|card|code|pin|reference|number|case|ticket)"
    r"(?: number| no\.?| is| in)*[\s:]*)(\d{3,4})\b(?![.,]\d)",
    re.IGNORECASE,
)
_COINS = {"$": ("dollar", "cent"), "£": ("pound", "penny"), "€": ("euro", "cent")}
_PLURALS = {
    "dollar": ("dollar", "dollars"),
    "pound": ("pound", "pounds"),
    "euro": ("euro", "euros"),
    "cent": ("cent", "cents"),
    "penny": ("penny", "pence"),
}


def spoken_form(text: str) -> str:
    """The text as a person would read it out: no markup, amounts as money, account numbers as
    digits."""
    text = _TAG.sub(" ", unicodedata.normalize("NFC", text))
    text = _MASKED.sub(lambda m: _digits(m[1]), text)
    text = _MONEY.sub(_money, text)
    text = _DATE.sub(lambda m: f"{month_name[int(m[2])]} {int(m[3])}, {m[1]}", text)
    text = _NUMBER_GROUPS.sub(_groups, text)
    text = _LABELLED_NUMBER.sub(lambda m: m[1] + " ".join(m[2]), text)
    text = _LONG_NUMBER.sub(lambda m: _digits(m[0]), text)
    text = re.sub(r"(?<=\w)/(?=\w)", " ", _EMPHASIS.sub("", text))
    # Drop control, unassigned and private characters, and pictures: espeak reads their names.
    speakable = (
        character if character == "\n" or unicodedata.category(character)[0] != "C" else " "
        for character in text
        if unicodedata.category(character) != "So" and character != "\ufe0f"
    )
    return re.sub(r"[^\S\n]+", " ", "".join(speakable)).strip()


def _money(match: re.Match[str]) -> str:
    minus, sign, whole, part, scale = match.groups()
    unit, coin = _COINS[sign]
    if scale:
        words = f"{whole}{'.' + part if part else ''} {scale} {unit}s"
    else:
        units, coins = int(whole.replace(",", "")), int((part or "0").ljust(2, "0"))
        words = " and ".join(
            # The commas prevent that a large amount is read as an account number.
            f"{count:,} {_PLURALS[name][count != 1]}"
            for count, name in ((units, unit), (coins, coin))
            if count or (name == unit and not coins)
        )
    return f"minus {words}" if minus else words


def _groups(match: re.Match[str]) -> str:
    groups = re.findall(r"\d+", match[0])
    if sum(map(len, groups)) < 7:  # a range such as 10-12, not a telephone or card number
        return match[0]
    return ", ".join(" ".join(group) for group in groups)


def _digits(run: str) -> str:
    """Digits in groups of four if that leaves no rest, else of three, as people say them."""
    size = 4 if len(run) % 4 == 0 else 3
    starts = list(range(0, len(run), size))
    if len(starts) > 1 and len(run) % size == 1:
        starts.pop()  # no single digit at the end
    ends = [*starts[1:], len(run)]
    return ", ".join(" ".join(run[a:b]) for a, b in zip(starts, ends, strict=True))
