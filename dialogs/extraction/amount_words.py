"""Words that make a number an amount, or keep it from being one.

Without a currency a number is an amount only between words of closed classes: verbs that move
money, prepositions, names of payees and accounts. Any other word behind it is a noun that it
counts ("2 kids", "3 months"), any other word before it names what it numbers ("reference 77").
Held by tests/dialogs/extraction/test_amounts.py.
"""

from __future__ import annotations

from dialogs.extraction.tokens import word_set

CURRENCY_AFTER = frozenset({"dollar", "dollars", "buck", "bucks", "usd", "dollars'", "$", "dlrs"})
CURRENCY_BEFORE = frozenset({"$", "usd", "dollars"})
CENTS = frozenset({"cent", "cents", "penny", "pennies", "c", "\u00a2", "cts"})
NATIONS = frozenset({"us", "american"})
FOREIGN = word_set(
    "€ £ ¥ ₹ ₽ ₩ eur euro euros gbp quid sterling pound pounds pence yen jpy yuan renminbi "
    "rmb cny cad aud nzd chf franc francs peso pesos mxn rupee rupees inr krona kronor krone "
    "kroner sek nok dkk zloty pln ruble rubles real reais brl won rand zar lira shekel "
    "shekels dirham dirhams bitcoin bitcoins btc eth ethereum crypto"
)
FOREIGN_NATIONS = word_set(
    "canadian australian zealand hongkong singapore mexican jamaican bahamian barbadian"
)
PERCENT = frozenset({"%", "percent", "pct"})
# A part or a multiple of the amount behind it: never that amount.
SHARES = word_set("half twice thrice double triple quadruple doubling halving")
SHARES_OF = word_set(
    "third thirds quarter quarters fourth fourths fifth fifths sixth eighth tenth tenths hundredth "
    "part fraction share portion most percentage times"
)
EACH = frozenset({"each", "apiece", "respectively"})
SUMS = word_set("amount sum total payment transfer balance value price maximum limit up bill")
SIGNS = frozenset({"minus", "negative"})
BOUNDS = (
    ("more", "than"), ("less", "than"), ("at", "least"), ("at", "most"), ("up", "to"),
    ("no", "more"), ("over",), ("under",), ("below",), ("above",), ("maximum",), ("minimum",),
    ("max",), ("min",), ("nearly",), ("almost",), ("not", "exceeding"), ("and", "up"),
)  # fmt: skip
CHANGES = word_set("change changed raise lower increase reduce correct go down up move edit")
_MOVING = (
    "pay paying transfer transferring move moving send sending wire wiring put take give deposit "
    "withdraw change correct increase raise reduce lower set make need want wanted like say said "
    "meant mean spend spent charged charge paid sent moved transferred cost costs took was were be "
    "is it's its that's thats just only exactly about around roughly maybe perhaps approximately "
    "actually rather instead no not yes yeah yep ok okay another additional extra total amount sum "
    "value price payment transfer bill rent fee balance of for by to at with than the and or but "
    "then so please an also plus me him her them us you it this that my your from into in on "
    "correction sorry i'd think guess uh um er hm well dispute disputing disputed even let's lets "
    "do try here's here each sharp pls between either minus negative a half then oh"
)
_AFTER = (
    "to from into out in on at by for and or but so please pls now thanks thank today tomorrow "
    "tonight not no yes instead rather more less only then when if as because since off over total "
    "altogether is was would should will that this it i you we via using with per each even "
    "exactly "
    "flat ok okay right should back next again towards toward until before after around per or-so "
    "ish right correct though maybe there here all my the too also max only thx cheers sharp even "
    "asap immediately straight a"
)
WORDS_BEFORE = frozenset(_MOVING.split())
NUMBERING = frozenset({"number", "nr", "#"})
LINKS = frozenset({"is", "was", "it's", "that's", ":", "=", "no"}) | NUMBERING
OWED = word_set("due owe owed owing rest remainder share deposit premium invoice statement cost")
# What is numbered with a point, too: "version 2.50".
LABELS = word_set(
    "version section chapter release article paragraph page room clause item line form grade score "
    "rating gpa size model step level floor gate channel episode release"
)
WORDS_AFTER = frozenset(_AFTER.split())
