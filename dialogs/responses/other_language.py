"""Answers to a customer who writes in another language than the pack's own.

They are told in that language what is possible, and a person is called for a yes in that language
or in ours. Values in the turn are not used, and nothing is started by it. Held by
tests/dialogs/responses/test_other_language.py.
"""

from __future__ import annotations

from dataclasses import replace

from dialogs.escalation.callback import can_person_come
from dialogs.extraction.yes_no import read_answer
from dialogs.interpretation.dialogue_acts import is_free_text_asked
from dialogs.pack.language_rules import LanguageRules, OtherLanguage, plain_answer
from dialogs.pack.reserved_names import EXPLICIT_REQUEST_RULE
from dialogs.responses.commands import remember_request, request_person
from dialogs.responses.fallback import YES_NO_EXPECTATION
from dialogs.state import Question
from dialogs.turn_draft import TurnDraft
from dialogs.values import Understanding


def respond_in_language(draft: TurnDraft, understanding: Understanding) -> bool:
    """Answer the turn in its language, or the yes and no to that answer; whether it is done."""
    rules = draft.context.pack.languages
    if rules is None or draft.state.pending_action is not None:
        return False
    if _answer_offer(draft, rules, understanding):
        return True
    code = understanding.language
    if not code or code == rules.own or is_free_text_asked(draft.context.pack, draft.state):
        return False
    draft.update_tone(understanding)
    draft.state = replace(draft.state, other_language=code, silences=0, misses=0)
    remember_request(draft, understanding)
    language = rules.find(code)
    if draft.state.waiting_for_person:
        _say_called(draft, language)
    elif can_person_come(draft):
        reply = language.reply("offer")
        draft.ask(Question("person", EXPLICIT_REQUEST_RULE, reply, YES_NO_EXPECTATION))
    else:
        draft.say(language.reply("alone"))
    return True


def _answer_offer(draft: TurnDraft, rules: LanguageRules, understanding: Understanding) -> bool:
    """Take "s\u00ed" or "nein" as the answer to the offer of a person that is open."""
    state = draft.state
    if state.question.kind != "person" or not state.other_language:
        return False
    language, answer = rules.find(state.other_language), plain_answer(understanding.text)
    if answer in language.yes_words:
        draft.state = replace(state, accepted_person_offer=True)
        request_person(draft, understanding)
        if draft.forced_rule:
            _say_called(draft, language)
        return True
    if answer in language.no_words:
        draft.state = replace(state, question=draft.open_question())
        draft.say("open")
        return True
    reply = read_answer(understanding.text)
    if reply.leading == "no" and reply.leftover != (0, 0) and can_person_come(draft):
        draft.ask(state.question)  # "no english": what they cannot do, no answer to the offer
        return True
    return False


def _say_called(draft: TurnDraft, language: OtherLanguage) -> None:
    if language.name:
        draft.says_in_language = True
        draft.say(language.reply("called"))
    else:
        draft.say("waiting")
