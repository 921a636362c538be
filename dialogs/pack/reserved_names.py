"""Names with a meaning of their own for the engine: rules, replies, intents, slots and values.

All other names of a pack are its own. A pack must define each rule of `ENGINE_RULES` and each reply
of `ENGINE_REPLIES`; the engine uses them without asking (tests/dialogs/pack/test_loader.py). An
intent of this file means what its constant says, and a pack may lack it.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

# Escalation rules.
EXPLICIT_REQUEST_RULE = "explicit_request"  # the customer asked for a person
FAILED_VERIFICATION_RULE = "failed_verification"  # the identity could not be confirmed
REPEATED_MISUNDERSTANDING_RULE = "repeated_misunderstanding"
RISKY_INTENT_RULE = "risky_intent"  # its task goes on while a person is called
ENGINE_RULES = (
    EXPLICIT_REQUEST_RULE,
    FAILED_VERIFICATION_RULE,
    REPEATED_MISUNDERSTANDING_RULE,
    RISKY_INTENT_RULE,
)

CARE_PREFIX = "care."  # begins the name of each rule and term of evidence that care.yaml makes

# Intents.
PERSON_INTENT = "talk_to_person"
COMPLAINT_INTENT = "complaint"
ENDING_INTENTS = frozenset({"cancel", "goodbye"})

# Actions that the server carries out itself (agent/handoff/callbacks.py).
CHECK_CONTACT_ACTION = "check_contact"  # whether somebody can be reached at this contact
ARRANGE_CALLBACK_ACTION = "arrange_callback"  # promises a call back, and gives its ticket
DATA_REQUESTS: Mapping[str, str] = MappingProxyType(  # actions that note a request, and its kind
    {
        "request_erasure": "erasure",
        "request_copy": "copy",
        "request_objection": "objection",
    }
)
SERVER_ACTIONS = frozenset({CHECK_CONTACT_ACTION, ARRANGE_CALLBACK_ACTION, *DATA_REQUESTS})
ABOUT_ARGUMENT = "about"  # of ARRANGE_CALLBACK_ACTION: the summary; no private value is revealed

# Slots of values without a role in the pack: a bare number, a number of things ("2 boxes"), a run
# of digits, a yes or no.
NUMBER_SLOT = "number"
COUNT_SLOT = "count"
DIGITS_SLOT = "digits"
YES_NO_SLOT = "yes_no"

# Values of the identified customer, among the results of the action that verifies the identity.
CUSTOMER_NAME_VALUE = "customer_name"
TIER_VALUE = "tier"
PREFERRED_TIER = "preferred"

_REPLIES = """
greeting open more back_to one_moment too_late goodbye goodbye_unfinished cancelled consent
unsure on_hold postponed
final stop_working stop_checking undo.asked undo.already undo.impossible offer_colleague undo.kept
scope.negated existing.cancel existing.change
nothing_to_cancel start_over nothing_to_go_back unclear unheard missed keypad typed menu choices
offer_person did_you_mean sure change out_of_scope still_there still_there_menu silent_end answer
no_answer no_answer_offer verify.begin verify.locked wrong.length wrong.zero wrong.too_much
wrong.past wrong.future wrong.same wrong.unclear_amount wrong.range wrong.relative wrong.negative
wrong.currency wrong.no_such_day wrong.unclear_day wrong.no_such_time wrong.unclear_time
wrong.several no_value waiting waiting_money handed_back go_on noted next_task
next_question next_maybe dropped goodbye_rest too_many which which_to_do which_again
unreached.closed unreached.closed_now unreached.nobody unreached.too_long unreached.ticket
unreached.noted unreached.still unreached.offer callback.offer callback.phone callback.address
callback.soon callback.opening callback.other_ways person.search
so_far yes_or_no few_words verify.other_way person.joined
person.supervisor person.left
"""
_VALUES = """
bank agent menu comma_name task intent answer count length limit on_date rest because person ticket
when  known reach call_time
"""
ENGINE_REPLIES = tuple(_REPLIES.split())  # the engine says these by itself
BUILT_IN_VALUES = tuple(_VALUES.split())  # placeholders that the engine fills by itself
