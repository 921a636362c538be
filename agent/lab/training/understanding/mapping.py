"""Mapping of the public data sets' intents to the pack's intents.

The rule: a request that the bank's flows carry out has its own intent; anything else about banking
is a `question` (answered from the bank's documents); anything not about banking is `out_of_scope`.
A public intent whose sentences would belong to two of ours is None: left out of training and of
figures. A set's intents that are not listed take the set's default. Held by
tests/agent/lab/training/test_understanding.py: every target is an intent of the bank pack.
"""

from __future__ import annotations

from collections.abc import Mapping

IntentMap = Mapping[str, str | None]

BANKING77: IntentMap = {
    "lost_or_stolen_card": "report_lost_card",
    "card_swallowed": "report_lost_card",  # a card kept by a machine is blocked like a lost one
    "compromised_card": "report_fraud",  # somebody else uses the card
    "cash_withdrawal_not_recognised": "report_fraud",  # cash needs card and PIN: theft, no dispute
    "card_payment_not_recognised": "dispute_charge",
    "direct_debit_payment_not_recognised": "dispute_charge",
    "transaction_charged_twice": "dispute_charge",
    "extra_charge_on_statement": "dispute_charge",
    "passcode_forgotten": "reset_password",
    "card_about_to_expire": "replace_card",
    "request_refund": None,  # half are disputes, half ask how a merchant's refund works
    "Refund_not_showing_up": None,  # "the refund never came" is a dispute in our pack
    "wrong_amount_of_cash_received": None,  # dispute or question
    "card_payment_fee_charged": None,  # "why was I charged": dispute or question
    "cash_withdrawal_charge": None,
    "transfer_fee_charged": None,
    "card_not_working": None,  # a replacement, or how to mend it
    "pin_blocked": None,  # we reset passwords, not PINs
    "change_pin": None,
    "lost_or_stolen_phone": None,  # fraud prevention, but no card is lost
    "order_physical_card": None,  # a first card is no replacement
    "get_physical_card": None,
    "getting_spare_card": None,
    "terminate_account": None,  # "close my account, I'm unhappy" is a complaint as often as not
    "transfer_into_account": None,  # how to, or do it
    "cancel_transfer": None,  # cancel, or a question about a transfer already made
}

CLINC150: IntentMap = {
    "transfer": "transfer_money",
    "balance": "check_balance",
    "order_checks": "order_checks",
    "pay_bill": "pay_bill",
    "report_fraud": "report_fraud",
    "report_lost_card": "report_lost_card",
    "damaged_card": "replace_card",
    "goodbye": "goodbye",
    "thank_you": "thanks",
    "greeting": "greeting",  # those that ask how we are go to how_are_you, see examples.py
    "are_you_a_bot": "are_you_human",
    "what_can_i_ask_you": "help",
    "yes": "affirm",
    "no": "deny",
    "repeat": "repeat",
    "cancel": "cancel",
    "routing": "question",
    "bill_due": "question",
    "interest_rate": "question",
    "min_payment": "question",
    "replacement_card_duration": "question",
    "expiration_date": "question",
    "improve_credit_score": "question",
    "credit_limit_change": "question",
    "apr": "question",
    "redeem_rewards": "question",
    "credit_limit": "question",
    "rewards_balance": "question",
    "credit_score": "question",
    "international_fees": "question",
    "exchange_rate": "question",
    "travel_notification": "question",
    "direct_deposit": "question",
    "rollover_401k": "question",
    "new_card": None,  # applying for a first card is no replacement
    "pin_change": None,
    "freeze_account": None,  # after a loss or after fraud
    "account_blocked": None,  # a password matter or a question
    "bill_balance": None,  # what a bill amounts to: neither our balance nor a payment
    "spending_history": None,
    "transactions": None,
    "card_declined": None,
    "application_status": None,
    "maybe": None,  # neither yes nor no
    "schedule_meeting": None,  # a meeting room, yet worded like an appointment
    "meeting_schedule": None,
    "what_is_your_name": None,  # near are_you_human, answered otherwise
    "change_language": None,  # a wish we may have to meet, not idle talk
    "user_name": None,
    "reset_settings": None,  # near start_over
    "change_speed": None,  # "slower" is a wish to have it repeated
}

NATCS: IntentMap = {
    "DisputeCharge": "dispute_charge",
    "CheckAccountBalance": "check_balance",
    "InternalFundsTransfer": "transfer_money",
    "MakeTransfer": "transfer_money",
    "GetBranchHours": "branch_hours",
    "ReportLostStolenCard": "report_lost_card",
    "RequestNewCard": "replace_card",
    "ScheduleAppointment": "schedule_appointment",
    "OrderCheck": "order_checks",
    "PayBill": "pay_bill",
    "MakeCreditCardPayment": "pay_bill",
    "PayLoan": "pay_bill",
    "ResetPassword": "reset_password",
    "ExternalWireTransfer": None,  # we move money between one's own accounts only
    "ChangePin": None,
    "SetAutoPayment": None,  # a bill to pay, or a setting
    "CheckCreditCardBalance": None,
    "CheckLoanBalance": None,
    "CloseBankAccount": None,
    "CloseAccount": None,
    "ReportBillingIssue": None,  # complaint or dispute
    "FindBranch": None,  # where, not when
    "SetUpOnlineBanking": None,  # near reset_password
    "OnlineBankingInfo": None,
    "CreateAccount": None,  # an online login: near reset_password
    "CheckPaymentStatus": None,
    "GetQuote": "out_of_scope",  # insurance
    "FileClaim": "out_of_scope",
    "AddDependent": "out_of_scope",
    "EnrollInPlan": "out_of_scope",
    "RequestProofOfInsurance": "out_of_scope",
    "RemoveDependent": "out_of_scope",
    "GetPolicyNumber": "out_of_scope",
    "CancelPlan": "out_of_scope",
    "ChangePlan": "out_of_scope",
    "ReportAutomobileAccident": "out_of_scope",
    "AskConsumerPriceIndex": "out_of_scope",
    "GetTreasuryBondYield": "out_of_scope",
    "NetIncome": "out_of_scope",
    "AskLiquidityRatio": "out_of_scope",
    "UpdatePaymentPreference": None,
    "CancelAutomaticBilling": None,
    "UpdateBillingFrequency": None,
    "FindAgent": None,  # an insurance agent, worded like talk_to_person
    "ChangeSecurityQuestion": None,
}

# Conversational acts are the same in all six domains; the tasks of other trades are out of scope.
MULTIDOGO: IntentMap = {
    "openinggreeting": "greeting",
    "closinggreeting": "goodbye",
    "thankyou": "thanks",
    "confirmation": "affirm",
    "rejection": "deny",
    "contentonly": "inform",
    "outofdomain": None,  # much of it is banking all the same
}
MULTIDOGO_FINANCE: IntentMap = {
    **MULTIDOGO,
    "reportlostcard": "report_lost_card",
    "checkbalance": "check_balance",
    "transfermoney": "transfer_money",
    "disputecharge": "dispute_charge",
    "replacecard": "replace_card",
    "orderchecks": "order_checks",
    "closeaccount": None,
}

# NLU++ gives a sentence several labels; the first rule whose labels are all present decides, and a
# sentence that fits no rule is left out.
NLUPP_RULES: tuple[tuple[frozenset[str], str], ...] = (
    (frozenset({"handoff"}), "talk_to_person"),
    (frozenset({"lost_stolen", "card"}), "report_lost_card"),
)
NLUPP_SINGLE_LABELS: IntentMap = {
    "affirm": "affirm",
    "acknowledge": "affirm",
    "deny": "deny",
    "thank": "thanks",
    "greet": "greeting",
    "end_call": "goodbye",
    "repeat": "repeat",
}

SGD: IntentMap = {  # the intent a user turn opens with
    "CheckBalance": "check_balance",
    "TransferMoney": "transfer_money",
    "MakePayment": None,  # to friends by app: neither between own accounts nor a bill
    "RequestPayment": None,
}
SGD_ACTS: IntentMap = {
    "AFFIRM": "affirm",
    "NEGATE": "deny",
    "THANK_YOU": "thanks",
    "GOODBYE": "goodbye",
    "INFORM": "inform",
}

INTENT_MAPS: Mapping[
    str, tuple[IntentMap, str | None]
] = {  # the mapping, and the intent of those not listed
    "banking77": (BANKING77, "question"),
    "clinc150": (CLINC150, "out_of_scope"),
    "natcs": (NATCS, "question"),
    "multidogo": (MULTIDOGO, "out_of_scope"),
    "multidogo_finance": (MULTIDOGO_FINANCE, "question"),
    "sgd": (SGD, "out_of_scope"),
}


def pack_intent(source: str, intent: str) -> str | None:
    """Our intent for `intent` of the set `source`; None: leave it out."""
    mapped, otherwise = INTENT_MAPS[source]
    return mapped.get(intent, otherwise)
