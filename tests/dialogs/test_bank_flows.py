"""Whole conversations of the built-in bank, as scripts.

A line "> words" is the customer, "< fragment" what the bot must say, "! action" what it must do
(the bank then answers as its seed has it), "? kind" what it expects next.
"""

from __future__ import annotations

import pytest

from agent.actions.bank import BankActions
from tests.support.scripted_mind import Bot, opening_time

KNOWN = "> 100421\n> 4471\n! verify_customer\n< Thank"

SCRIPTS = {
    "transfer, said in one go": f"""
        > transfer fifty dollars from checking to savings tomorrow
        < six-digit customer number
        ? digits
        {KNOWN}
        < move $50.00 from checking to savings tomorrow
        ? yes_no
        > yes
        ! transfer from_account=checking to_account=savings amount=50.00 date=2026-11-25
        < Done: $50.00
        > no
        < Valley Bank
    """,
    "transfer, step by step": f"""
        > i want to transfer some money
        {KNOWN}
        < come from
        ? choice
        > checking
        < go to
        > the savings account
        < amount|much
        ? amount
        > two hundred and fifty
        < $250.00 from checking to savings today
        > correct
        ! transfer amount=250.00 date=2026-11-24
    """,
    "a correction at the confirmation": f"""
        > transfer fifteen dollars from checking to savings
        {KNOWN}
        < $15.00
        > no, fifty not fifteen
        < $50.00 from checking to savings
        > yes
        ! transfer amount=50.00
    """,
    "the account is corrected": f"""
        > move 20 dollars from checking to money market
        {KNOWN}
        < $20.00 from checking to money market
        > no, to the savings account
        < $20.00 from checking to savings
        > yes
        ! transfer to_account=savings
    """,
    "a correction before it is asked for": f"""
        > transfer ten dollars from checking to savings
        > actually make it sixty dollars
        < customer number
        {KNOWN}
        < $60.00
    """,
    "no, and then which part": f"""
        > transfer ten dollars from checking to savings
        {KNOWN}
        > no
        < What should I change
        ? choice
        > the amount
        ? amount
        > thirty
        < $30.00
        > no
        > cancel
        < I've stopped your transfer
        < anything else|help you with
    """,
    "yes with a change is no yes": f"""
        > transfer ten dollars from checking to savings
        {KNOWN}
        > yes but make it sixty
        < $60.00
        ? yes_no
    """,
    "yes, and the same value once more": f"""
        > transfer ten dollars from checking to savings
        {KNOWN}
        > yes, ten dollars
        ! transfer amount=10.00
    """,
    "a task within a task is stopped": f"""
        > transfer ten dollars from checking to savings
        {KNOWN}
        > order checks
        < boxes
        > cancel
        < stopped your check order
        < Back to your transfer: I'll move $10.00 | Back to your transfer: $10.00
    """,
    "a question nobody can answer, within a task": f"""
        > transfer ten dollars from checking to savings
        {KNOWN}
        > what is the airspeed of a swallow
        < documents
        < Back to your transfer
    """,
    "the same account twice": f"""
        > transfer ten dollars from checking to checking
        {KNOWN}
        < Which account|come from
    """,
    "not enough money": f"""
        > transfer 9000 dollars from savings to checking
        {KNOWN}
        > yes
        ! transfer
        < isn't enough money
        ? amount
        > 100
        < $100.00 from savings to checking
        > yes
        ! transfer amount=100.00
        < Done
    """,
    "more than we do at a time, and less than nothing": f"""
        > transfer money from savings to checking
        {KNOWN}
        > 50000 dollars
        < $10,000.00 at a time
        > zero dollars
        < more than zero
        > ten
        < $10.00
    """,
    "a day that is over": f"""
        > transfer 5 dollars from savings to checking yesterday
        < already passed
        {KNOWN}
        < which day
        > today
        < $5.00 from savings to checking today
    """,
    "a question in the middle": f"""
        > transfer ten dollars from checking to savings
        {KNOWN}
        > what is the monthly maintenance fee of the blue account
        < Back to your transfer: I'll move $10.00 | Back to your transfer: $10.00
        ? yes_no
        > yes
        ! transfer
    """,
    "another task in the middle": f"""
        > transfer money from checking to savings
        {KNOWN}
        > what's my balance in savings
        ! balance account=savings
        < $5,200.00
        < Back to your transfer
        ? amount
        > ten
        < $10.00
    """,
    "start over, and back": f"""
        > transfer ten dollars from checking to savings
        {KNOWN}
        > start over
        < start over
        < come from
        > savings
        > checking
        > go back
        < go to
        > money market
        ? amount
    """,
    "say that again": f"""
        > transfer ten dollars from checking to savings
        {KNOWN}
        > repeat that
        < I'll move $10.00
        ? yes_no
    """,
    "balance": f"""
        > what's my balance
        {KNOWN}
        < Which account
        > checking
        ! balance
        < $1,842.17
        > and savings balance
        ! balance account=savings
        < $5,200.00
    """,
    "the same again, with another value": f"""
        > what's in my checking balance
        {KNOWN}
        ! balance account=checking
        > and savings?
        ! balance account=savings
        < $5,200.00
        > what are your hours downtown tomorrow
        ! branch_hours
        > and on sunday?
        ! branch_hours branch=Downtown date=2026-11-29
        < closed
    """,
    "three where a number of boxes was read back": f"""
        > order checks, two boxes
        {KNOWN}
        < 2 boxes
        > honestly three
        < 3 boxes
    """,
    "an answer to another question of the task": f"""
        > i want to dispute a charge
        {KNOWN}
        < store or company | charged you
        > 39 dollars
        < store or company | charged you
        > it was pulse gym
        > the debit one
        < $39.00 from pulse gym on your debit card
    """,
    "an account that is not there": f"""
        > balance of my money market
        {KNOWN}
        ! balance
        < don't see a money market
        ? choice
        > savings
        ! balance
        < $5,200.00
    """,
    "a bill": f"""
        > pay my electric bill
        {KNOWN}
        > forty five dollars and ten cents
        < $45.10 to Valley Power from your checking account today
        > make it friday
        < on Friday, November 27
        > go ahead
        ! pay_bill payee=Valley Power amount=45.10 date=2026-11-27
        < Your payment of $45.10
    """,
    "a company that is not on the list": f"""
        > pay my gas bill twenty dollars
        {KNOWN}
        > yes
        ! pay_bill
        < isn't on your list
        ? choice
        > city water
        < to City Water
    """,
    "a lost card": f"""
        > i lost my debit card
        < check who you are
        {KNOWN}
        < make your card safe
        < block your debit card
        > yes
        ! block_card card=debit
        < ending in 4021 is blocked
        ? yes_no
        > yes please
        ! replace_card card=debit
        < December 3
    """,
    "a lost card, without a new one": f"""
        > my credit card was stolen
        {KNOWN}
        > yes
        ! block_card card=credit
        > no thanks
        < anything else|help you with
    """,
    "a blocked card cannot become another": f"""
        > i lost my debit card
        {KNOWN}
        > yes
        ! block_card card=debit
        > i mean the credit card
        < already gone through
        < replacement
    """,
    "a worn card": f"""
        > i need a new card
        {KNOWN}
        < debit card or your credit card
        > debit
        < new debit card
        > yes
        ! replace_card
    """,
    "fraud: a person at once, and the account made safe meanwhile": f"""
        > i was scammed
        < security team
        < customer number
        {KNOWN}
        < what happened
        ? open
        > somebody called me and stole my password
        ! report_fraud description=somebody called me and stole my password
        < filed your report
        < colleague
    """,
    "a dispute": f"""
        > i want to dispute a charge
        {KNOWN}
        > pulse gym
        > thirty nine dollars
        > debit
        < $39.00 from pulse gym on your debit card
        > yes
        ! dispute
        < ten business days
        > dispute another charge
        > pulse gym
        > 39 dollars
        > debit
        > yes
        ! dispute
        < already being looked into
    """,
    "a charge nobody can find": f"""
        > dispute a charge
        {KNOWN}
        > the moon shop
        > eleven dollars
        > credit
        > yes
        ! dispute
        < can't find a charge
        < store or company | charged you
    """,
    "password": f"""
        > i forgot my password
        {KNOWN}
        < send a link
        > no
        < stopped your password reset
        > reset my password
        > yes
        ! reset_password
        < p***@example.com
    """,
    "checks": f"""
        > order checks
        {KNOWN}
        < boxes
        > two
        < 2 boxes of checks for your checking account
        > yes
        ! order_checks boxes=2
        < December 8
    """,
    "hours need no identity": """
        > what are your hours at the oak street branch on saturday
        ! branch_hours branch=Oak Street date=2026-11-28
        < 77 Oak Street, is open from 9:00 AM to 12:00 PM on Saturday
        > and your hours at riverside on sunday
        ! branch_hours
        < Riverside branch is closed on Sunday
    """,
    "an appointment, with a name given in passing": """
        > hello my name is ada lovelace
        > i need an appointment about a loan
        < Which branch
        > downtown
        ? date
        > december first at ten
        < Tuesday, December 1 at 10:00 AM, about a loan, under Ada Lovelace
        > yes
        ! book_appointment
        < already taken
        ? date
        > half past ten
        < 10:30 AM
        > yes
        ! book_appointment time=10:30 name=Ada Lovelace
        < booked
    """,
    "an appointment when the branch is closed": """
        > an appointment downtown on sunday at ten about a loan
        > charles babbage
        > yes
        ! book_appointment
        < isn't open then
        > monday at three
        < at 3:00 PM
    """,
    "identity: wrong twice, then right": """
        > balance of savings
        > 100421
        > 1111
        ! verify_customer
        < Those two don't match
        > 999999
        > 4471
        ! verify_customer
        < Those two don't match
        > 100421
        > 4471
        ! verify_customer
        < Thank
        ! balance
        < $5,200.00
    """,
    "both numbers at once": """
        > balance of savings
        > one zero zero four two one and the passcode is four four seven one
        ! verify_customer customer_number=100421 passcode=4471
    """,
    "too few digits": """
        > balance of savings
        > one zero zero
        < That's 3 digits, but I need 6
        ? digits
    """,
    "friendly talk keeps the thread": f"""
        > hello
        < What can I do|How can I help
        > are you a robot
        < automated assistant
        > transfer ten dollars from checking to savings
        {KNOWN}
        > thank you
        < Back to your transfer
        > i want a pizza
        < can't help with that|outside
        ? yes_no
    """,
    "a reference is no amount": f"""
        > pay 40 dollars to city water, reference 77
        {KNOWN}
        < pay $40.00 to City Water from your checking account today
    """,
    "two bills in one breath": f"""
        > pay 40 dollars to city water and 25 to valley power
        < right after
        {KNOWN}
        < pay $40.00 to City Water
        > yes
        ! pay_bill payee=City Water amount=40.00
        < pay $25.00 to Valley Power
        > yes
        ! pay_bill payee=Valley Power amount=25.00
    """,
    "a second amount without a company of its own is asked about": f"""
        > pay $20 to city water today and $30 tomorrow
        < one at a time
        {KNOWN}
        ? amount
        > 20
        < For which day
    """,
    "the number of boxes is kept until it is needed": """
        > order checks
        > 2 boxes
        > 100421
        > 4471
        ! verify_customer
        < 2 boxes of checks
    """,
    "two balances in one breath": f"""
        > what's my balance in checking and savings
        {KNOWN}
        ! balance account=checking
        ! balance account=savings
        < $5,200.00
    """,
    "two companies and one amount": f"""
        > pay city water and valley power 40 dollars
        < one at a time
        {KNOWN}
        < Who should I pay
        > city water
        < $40.00 to City Water
    """,
    "a share is asked about, never computed or guessed": f"""
        > transfer fifty percent of it from savings to checking
        < amount in dollars
        {KNOWN}
        ? amount
        > half
        < amount in dollars
        > 2 or 3 hundred
        < exactly one
        > minus fifty
        < less than zero
        > fifty euros
        < US dollars
        > two and a half thousand
        < $2,500.00 from savings to checking
        > no, make it 1500
        < $1,500.00
        > actually a few hundred
        < not sure which amount
        ? amount
        > 1.234,56
        < $1,234.56
    """,
    "a day that is not understood never becomes today": f"""
        > pay 40 dollars to city water the day after payday
        < not sure which day
        {KNOWN}
        < which day
        > november 31st
        < doesn't exist
        > every friday
        < not sure which day
        > the last friday of the month
        < $40.00 to City Water from your checking account on Friday, November 27
        > no, on december 32nd
        < doesn't exist
        ? date
        > a week from friday
        < on Friday, December 4
    """,
    "an identity given in the first turn": """
        > hi im patricia, customer 100421 passcode 4471, move $75 from savings to checking
        ! verify_customer customer_number=100421 passcode=4471
        < $75.00 from savings to checking
    """,
    "an identity given by halves, with a digression between": """
        > transfer ten dollars from checking to savings
        > 100421
        < passcode
        > what are your hours downtown
        ! branch_hours
        < passcode
        > 4471
        ! verify_customer customer_number=100421 passcode=4471
    """,
    "another sentence is no failed attempt": """
        > balance of savings
        > 100421
        < passcode
        > 5551234567
        < 10 digits
        > 4471
        ! verify_customer customer_number=100421 passcode=4471
        < Thank
    """,
    "a store that nobody remembers": f"""
        > dispute a charge
        {KNOWN}
        < store or company
        > why do you ask?
        < look by the amount alone
        ? open
        > i don't remember the name
        < How much was the charge
        > 39 dollars
        > debit
        < from an unknown store on your debit card
    """,
    "a name that is asked back": """
        > an appointment downtown on tuesday at eleven about a loan
        < What name
        > why do you need my name?
        < looks you up
        ? name
        > i'd rather not say
        < without that
        > Siobh\u00e1n O'Brien-McCarthy
        < under Siobh\u00e1n O'Brien-McCarthy
    """,
    "an appointment in the past, and outside the hours": """
        > an appointment downtown today at 7 am about a loan
        > An Li
        > yes
        ! book_appointment
        < already passed
        ? date
        > december 2nd
        > 9 pm
        < 9:00 PM
        > yes
        ! book_appointment
        < isn't open at 9:00 PM on Wednesday, December 2
        > half past nine
        < 9:30 AM
        > yes
        ! book_appointment time=09:30 name=An Li
        < booked
    """,
    "leaving in the middle": """
        > transfer ten dollars
        > bye
        < haven't finished your transfer
    """,
    "cancel": """
        > cancel
        < nothing to cancel
        > transfer ten dollars
        > never mind
        < stopped your transfer
    """,
}


@pytest.mark.parametrize("title", SCRIPTS)
def test_script(pack, title):
    bot, bank = Bot(pack), BankActions(":memory:", pack, opening_time)
    heard: list[str] = []
    for line in filter(None, map(str.strip, SCRIPTS[title].splitlines())):
        mark, _, words = line.partition(" ")
        match mark:
            case ">":
                assert bot.last.action_call is None, f"{line}: the bank was expected to act"
                heard = [bot.says(words)]
            case "<":
                found = any(part.lower() in heard[-1].lower() for part in words.split("|"))
                assert found, f"{line!r} not in {heard[-1]!r}"
            case "?":
                assert bot.last.expectation.kind == words
            case "!":
                name, _, rest = words.partition(" ")
                call = bot.last.action_call
                assert call is not None, f"{line}: nothing done, but said {heard[-1]!r}"
                assert call.name == name
                assert rest in _said(call.arguments, rest)
                outcome = bank.perform(call)
                heard = [bot.bank(outcome.ok, outcome.reason, **outcome.values)]
    bank.close()


def _said(arguments, rest: str) -> str:
    """The arguments as the script writes them, in the script's order."""
    places = {name: rest.find(f"{name}=") for name in arguments if f"{name}=" in rest}
    return " ".join(f"{n}={arguments[n]}" for n in sorted(places, key=lambda n: places[n]))
