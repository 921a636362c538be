r"""Phrases of an answer to a yes/no question, by the kind of unit they are.

Each line holds phrases over plain words (dialogs/extraction/plain_words.py): "|" parts them, a
space is one space, "," any punctuation, {NAME} one of `_PARTS`; groups capture nothing. At each
word the longest phrase counts, and of equal ones the first kind below. Held by
tests/dialogs/extraction/test_yes_no.py.
"""

from __future__ import annotations

import re
from typing import Literal

UnitKind = Literal[
    "agree", "refuse", "cancel", "wait", "postpone", "unsure", "condition", "question", "steer",
    "closing", "filler", "value", "content",
]  # fmt: skip

_PARTS = {
    "THAT": "(it|that|this|them|those|these|everything|so|all|all of (it|that)|the one)",
    "OBJECT": "(it|that|this)",
    "VERY": "((all|just|quite|very|totally|absolutely|exactly|completely|perfectly|definitely|about"
    "|really|so|indeed|entirely|certainly|still|also|pretty|even|too|100 %) )*",
    "GOOD": "(right|correct|true|accurate|good|fine|ok|alright|all right|perfect|great|lovely"
    "|super|spot on|bang on|excellent|wonderful|brilliant|awesome|ideal|cool|acceptable|agreed|so"
    "|as it should be|good to go|the one|it|yes|the plan|{WANTED}"
    "|the (right|correct) (one|amount|account|card|day|date|company|information|details?))",
    "WANTED": "(exactly |just |all |precisely )?(what|how|as) i (want|wanted|said|asked for|meant"
    "|need|needed|had in mind|am after|was after|would like)( it)?",
    "FOR_ME": "( (to|with|by|for) me| with that| for now| here| then| indeed| thanks| nicely)*",
    "ACT": "(go( right| straight)? ahead|go for it|go on|go|let us (go|roll|do {THAT})|proceed"
    "|carry on|continue|do {THAT}|get (it|that|this) done|get on with it|make (it|that) (so|happen)"
    "|(send|confirm|process|approve|authori[sz]e|submit|execute|run|finali[sz]e|complete) {THAT}"
    "|hit it|hit me|fire away|be my guest|knock yourself out|please do|feel free|have at it)",
    "POLITELY": "((please|just|kindly|then|so|yes|you (can|may|should)|now|ok|do) )*",
    "ASKS": "(does|did|is|am|are|was|were|will|would|can|could|should|shall|have|has|had|may|might"
    "|must|need)",
    "PRONOUN": "(i|you|we|they|he|she|it|that|this|there|those|these)",
    "REST": "( [^,?]*)?",
    "MOMENT": "((a|an|one|two|three|five|ten|1|2|3|5|10|a couple of|a few|some|half a|another"
    "|one more|just a|just one) ((quick|little|brief|short) )?(seconds?|secs?|minutes?|mins?"
    "|moments?|mo|ticks?|jiffy|bit|while|mom)|sec|secs|moment|jiffy)",
    "LOOK": "(check|think|see|look|find|get|grab|make sure|verify|read|double check|have a look"
    "|have a think|fetch|pull|search|dig|count|calculate|consider|take a look"
    "|go (and )?(get|find|check|look|fetch|see|ask)"
    "|(ask|call|consult|talk to|speak to|confirm with|check with) (my|her|him|them))",
    "PROBLEM": "(problems?|probs?|worry|worries|issues?|objections?|complaints?|sweat|biggie"
    "|concerns?|question about it|questions?|doubts?|changes?|corrections?|mistakes?|errors?"
    "|trouble|hesitation|reason not to|harm)",
    "PART": "((the|my|your|this|that|these|those|both|first|second) ([^ ,?]+ ){1,4}?)",
    "NOW": "(now|today|tonight|here|at the moment|at this time|for now|this (time|week|month|minute"
    "|second)|straight away|immediately)",
    "DAY": "(mon|tues|wednes|thurs|fri|satur|sun)day",
}
_PHRASES: dict[UnitKind, str] = {
    "agree": """
    yes|yeah|yea|yep|yup|yah|ya|ye|yh|y|yas|yis|aye|affirmative|si|sí|oui|ja|indeed|y e s
    (uh|um|ah) huh|mm (hm|hmm|huh)|m (hm|hmm)|um hum|mhm|mmhmm|mmhm|mhmm|uhuh|uhhuh
    (yes|oh yes|yeah|hell|heck|damn|oh|why) (sir|madam|indeed|yes|yeah)|damn right|why yes of course
    ok|k|kk|ok then|alright|all right|right|right on|right then|righto|correct|true|accurate
    fine|sure|sure thing|sure (do|can|am|is)|cool|great|good|perfect|lovely|excellent|awesome
    brilliant|splendid|super|sweet|wonderful|fantastic|fab|bet|deal|done|gladly|fair enough
    roger|roger that|copy that|10 4|ten four|very well|(ok|okey|okie) dokey|works|word
    absolutely|definitely|certainly|exactly|precisely|totally|completely|surely|of course
    for sure|without (a )?doubt|by all means|naturally|obviously|positive|positively|amen
    very much( so)?|undoubtedly|most (definitely|certainly)|spot on|bang on|bingo|too right
    you bet|you betcha|betcha|all (good|set|correct)|with pleasure|my pleasure|green light
    (a )?(big|firm|solid|definite|hard|clear) yes|thumbs up|permission granted|as (planned|agreed)
    (100|hundred|one hundred|a hundred|1000|a thousand) (%|percent|per cent)
    (yes )?({THAT}|they|the (details?|information|data|whole thing)) {IS} {VERY}{GOOD}{FOR_ME}
    {IS} {VERY}{GOOD}{FOR_ME}
    (right|correct|fine|ok|good|great|perfect|alright|cool|happy|works)( (to|with|by|for) me)
    (that|it|this|which|all of that) (works|(will|would) (do|work)|suits me|does it){FOR_ME}
    works for me|suits me|sounds like a plan|you read my mind|makes sense to me
    ((yes )?i am )?({VERY}|more than )(happy|fine|ok|good|cool|down|on board) with {OBJECT}
    ((yes )?i am )?({VERY}|more than )(happy|glad) (to|for you to) {ACT}
    i ((do|fully|can|hereby|totally|completely) )?(agree|confirm|approve|accept|consent)
    i ((do|fully|can|hereby) )?(agree|confirm|approve|accept|consent|authori[sz]e) {AGREED}
    agreed|confirmed|confirm|approved|accepted|authori[sz]ed|granted|affirm
    you (are|have got|have|got|heard) ((it|that|me|this) )?((all|exactly) )?(right|correct(ly)?)
    you got it|you heard me|(as|like) (i )?said|i (already )?said (yes|so|go)|i am in
    you have (my|our) (permission|consent|blessing|approval|go ahead|word|ok)( to do {OBJECT})?
    (yes )?i (do|am|will|would|did)( (so|indeed|(want|like|love) (it|that|this|to)))?
    (yes )?i (want|would like|would love|need) (it|that|this|to|you to|one|it done)
    (yes )?i am {VERY}(sure|positive|certain|ready)( (of|about) (it|that))?
    (yes )?(it|that|they|you|this|we) (is|are|does|do|can|may|should|would|will)( indeed)?
    (that|this) is (a )?(yes|it|that)( from me)?|(it is )?a yes( from me)?
    {POLITELY}{ACT}( with {OBJECT})?
    (can|could|would|will) you (please {ACT}( please)?|{ACT} please)( \\?)?
    ((that|it) is |there (is|are) )?(absolutely )?(no|not any|not a|not an) {PROBLEM}{WITH_IT}
    i (have|see|got) (absolutely )?(no|not any) {PROBLEM}{WITH_IT}
    (i )?(do|can|could|would) not (see|think of|find) ((a|any|one) )?{PROBLEM}{WITH_IT}
    (i )?(do|can|could|would) not (see|think of|find) (any )?(reason )?why not
    (i )?(do|can|could) not (see|find) anything wrong{WITH_IT}
    ((and|well) )?why (ever )?not( \\?)?|no reason (why )?not( to)?|no harm in {OBJECT}
    i (do|would) not mind( ({OBJECT}|if you do|at all))?
    (there is )?nothing ((is )?wrong|to (change|correct|add|fix)|needs changing){WITH_IT}
    (do not|no need to|you need not|need not) change (a thing|anything|it)
    could not be (better|more (right|correct))|you are not wrong|not wrong
""",
    "refuse": """
    no|nope|nah|na|nay|naw|n|nop|negative|nein|non|never|noway|pass|denied|declined|disagree
    (i )?(already |just )?said (no|not)|(uh|nuh|mm|un|nah) (uh|mm|un|nah)|hell nah
    no (way|chance|thanks|sir|madam|deal)|no thank you( very much)?
    (that|this|it) is a no( from me)?
    (a )?(big|firm|hard|definite|clear) no|no i am good|over my dead body|thanks but no thanks
    (hell|heck|god|oh|damn|absolutely|definitely|certainly|of course|totally|obviously) (no|not)
    (most definitely|most certainly|clearly|surely|sure as hell) (no|not)
    not (really|at all|quite|right|correct|ok|good|exactly|true|that( one)?|happening|it)
    not (the right one|entirely|fine|interested|on your life|like that|by any means|needed|cool)
    not (necessary|acceptable|a chance|in a million years)|not {WANTED}
    ({THAT}|they|there) {ISNT} not( {VERY}({GOOD}|needed|necessary|happening|me|work))?
    {ISNT} not( {VERY}({GOOD}|(look|sound|seem) right|work|needed|necessary|happening|me))?
    hard pass|i will pass|not a fan|by no means|under no circumstances|on no account
    no need( to)?|no go|no good|no dice|no longer|(i would |i had )?(rather|better|prefer) not( to)?
    please refrain|i (refuse|decline|object|disagree)
    (({OBJECT}|they) (is|are|sounds|looks) )?{VERY}(wrong|incorrect|false|mistaken|inaccurate)
    (({OBJECT}|they) (is|are|sounds|looks) )?(a mistake|an error|not right|off)
    (i )?{ISNT} not( {WISH})?( (to|{THAT}|ahead|any of {OBJECT}|to do {OBJECT}))*
    (i )?(do|would) not (think|believe|suppose) so
    (probably|maybe|perhaps|i guess|i suppose|i hope|i think|i would say|preferably) not
    (ideally|hopefully|please|why|say) not|not|nothing|none|nobody|neither|nor|without
""",
    "cancel": """
    {STOP}( ({THAT}|the whole thing|the lot|right (now|there)|there|now|mission))?
    (forget|leave) (it|that|about it|about that|all that|the whole thing)( be| then)?
    never mind|call (it|the whole thing) off|skip (it|that)|do not bother|leave off
    (i (have )?)?changed my mind|change of mind|(on )?second thoughts?|i take it back
    not any ?more|let us not
""",
    "wait": """
    (please )?{HOLD}( (there|please|up|now|on|for me))?( (for )?{MOMENT})?( please)?
    (just )?({MAY_I}( please)? )?{TAKE}{MOMENT}{TO_LOOK}
    (just )?{MOMENT}{TO_LOOK}
    (can|could|would|will) you (please )?{HOLD}( please)?( (for )?{MOMENT})?( please)?( \\?)?
    {LET_ME} ((just|first|quickly|go|go and|please|really) )*{LOOK}{REST}
    (i am |just |still )+checking( (it|that|now|something))?
    (i am )?((just|still) )?(looking|thinking|searching|getting it)( (for|about) {OBJECT})?
    (i will )?(be )?right back|be back|hold your horses|not so fast|slow down|easy|easy there
    ((give me|i need) )?(some|more|a little) time|give me time|not (just |quite )?yet
    do not (do|send|start|go|proceed|submit) (({OBJECT}|anything|ahead) )?(just )?yet
    do not (book|order|pay|block|move|transfer|cancel) (({OBJECT}|anything) )?(just )?yet
""",
    "postpone": """
    ((maybe|perhaps|do {OBJECT}|we will|i will) )?(later( on)?|(some other|another) (time|day))
    next (time|week|month|year|day)|in the (morning|afternoon|evening)
    (but )?((only|just) )?not ((just|right) )?{NOW}|(but )?not until .*
    (do|i do|i can|i would|let us) not (want to |rather )?(do )?({OBJECT} )?((just|right) )?{NOW}
    (tomorrow|tonight|this (evening|afternoon|weekend)|some ?day|one day|eventually|soon)( instead)?
    (on )?{DAY}|sometime|in (an?|one|two|three|a few) (hours?|days?|weeks?|months?)|in {MOMENT}
    (i will|let me|can i|could i) (come|call|get|call you) (back|again)( to (you|{OBJECT}))?
    (can|could|shall|let) (we|us|you|i) do {OBJECT} (later|tomorrow|another (time|day)|next week)
    (remind|ask|call|text) me (again )?(later|tomorrow|next week|another time)
    (after(?! all( |$))|before|until|till) ([^ ,?]+ ?)*[^ ,?]+
""",
    "unsure": """
    ((i am|i|just) )?(not |un)((really|entirely|completely|quite|too|so|100 %|very|totally) )?{SURE}
    (i )?((really|honestly|actually) )?(do|can|could) not ((really|quite) )?{KNOW}
    (i )?(have )?no (idea|clue)|beats me|who knows|hard to (say|tell)|undecided|on the fence
    (i )?(would )?(guess|suppose|think|believe|assume|reckon|imagine|hope|figure|presume){SO}
    maybe|perhaps|possibly|probably|presumably|hopefully|unsure|allegedly|supposedly|likely
    (most|very) likely|might be|could be|may be|(i|it) might|it could|((it|that) )?should( be)?
    whatever( (you (say|think|want|like|prefer)|works|man))?|up to you|you decide|your call
    you choose|as you (like|wish|want|please)|if you (say so|like|want|insist|must|think so)
    (i )?(do|could) not (really )?(care( less)?|mind either way)|either way|same to me
    kind of|sort of|more or less|roughly|approximately|almost|nearly|ish|mostly|partly|partially
    in part|half|seems? (so|like it|right|correct|ok|fine)|looks like it|i was told so|meh|hmm
    so so|iffy|debatable|yeah right|oh really|as if|if only
    (i )?have (my |some )?doubts?|doubtful|doubt it|i doubt {OBJECT}
""",
    "condition": """
    (but )?(only )?(if|unless|as long as|so long as|provided|providing|assuming|given that){REST}
    (but )?(in case|on (the )?condition|whenever|once|depends|depending|it depends|while){REST}
    (but )?(only )?when (?!(will|is|does|do|did|would|can|are|was|should)( |$)){REST}
""",
    "question": """
    \\?
    ((and|but|so|ok|wait|sorry|hey|yes) )*{ASKS} ({PRONOUN}|the|all|everything|there)( not)?{REST}
    ((and|but|so|ok|wait|sorry|hey) )*do (i|you|we|they)( not)?{REST}
    ((and|but|so|ok|wait|sorry|hey) )*(what|why|how|where|who|which|whose|whom|wait what){REST}
    ((and|but|so|ok) )*when (will|is|does|do|did|would|can|are|was|should){REST}
    ((and|but|so|ok) )*when|(is|are|was) (my|your|the|{OBJECT}|they){REST}
    huh|pardon|come again|say (that |it )?again|excuse me|eh|sorry (what|\\?)|really|meaning
    how come|seriously|i (was |am )?wonder(ing)?{REST}
    (can|could|would|will) you (repeat|explain|tell|say|read){REST}
""",
    "steer": """
    but|except|however|though|although|instead|rather|other than|apart from|aside from|besides
    actually|i mean|i meant|i mean to say|correction|on the other hand|or|otherwise|nevertheless
    change|edit|modify|update|fix|switch|amend|make it|make that|go back|start (over|again)
    do not {STOP}( {THAT})?|never {STOP}( {THAT})?
    repeat|again|back|restart|adjust|alter|replace it with|add|remove|reduce|increase|swap
    correct (the|my|it|this)(?! (is|looks|sounds))|still|move it to|first|also|and also
    (one more|another) thing|{PART}{IS} {VERY}{GOOD}{FOR_ME}
""",
    "closing": """
    (no )?(that|this) (is|will be|would be|was) (all|it|everything)( {FOR_TODAY})*
    (no )?nothing (else|more)( {FOR_TODAY})*|i am (done|all set|good)|no more
""",
    "filler": """
    please|thanks|thank you|cheers|ta|kindly|much appreciated|appreciated|thanks a lot|many thanks
    thank you (so|very) much|thanks (so much|very much|a million|a bunch|again)
    i appreciate {OBJECT}
    if ((that|it) is |you are |at all )?(ok|fine|possible|all right|alright)( (with|for) you)?
    if you (can|could|would|please|do not mind|would not mind|will|may)|if i may|if convenient
    sir|madam|miss|mister|mate|man|dude|bro|bruh|buddy|pal|love|honey|hun|hon|dear|darling|babe
    friend|my friend|boss|chief|bot|robot|computer|hello|hi|hey|you guys|guys|folks|sweetie|sis
    after all|you know what
    oh|ah|uh|um|er|erm|hm|mm|mmm|m|well|so|now|then|and|just|like|you know|lol|haha|ha|hehe|wow
    omg|jeez|gosh|my goodness|look|listen|basically|honestly|simply|literally|as well|too|sorry
    by the way|o|ooh|there|here|once more|i see|(good|great) question|nicely
    right (now|away)|immediately|straight away|at once|asap|as soon as possible|quickly|already
    this (very )?(minute|second|instant)|for me|on my behalf|before i forget|without delay|today
    have a (nice|good|great) (day|one)|,
""",
}
_PARTS |= {
    "IS": "(is|are|looks?|sounds?|all looks|would be|will be|does (look|sound))",
    "ISNT": "(do|does|did|is|are|am|was|have|will|would|can|could|should)",
    "WISH": "(want|need|like|agree|approve|accept|do|go|send|proceed|authori[sz]e|consent|confirm"
    "|wish|intend|dare)",
    "STOP": "(cancel|stop|abort|quit|undo|revert|reverse|halt|drop|scrap|scratch|kill|ditch|end)",
    "HOLD": "(wait|hold on|hang on|hold up|hold it|hold|hang tight|bear with me|stand by|standby"
    "|sit tight|wait up|hold the line|pause)",
    "MAY_I": "((can|could) (you|i)|may i|would you|i will|i|will you)",
    "TAKE": "(give me|need|have|take|want|wait|hold on|hang on|hold|be|back in) ",
    "TO_LOOK": "( please| to (think|check|decide|look|find( it| that)?))*",
    "LET_ME": "(let me|i (need|have) to|i must|i will|i had better|allow me to|i should|need to"
    "|have to)",
    "SURE": "(sure|certain|clear)( ((about|of) (it|that|this)|yet|what that means|really))*",
    "KNOW": "(know|remember|recall|tell|say|decide|understand)"
    "( (yet|that|it|this|really|about (it|that)|man))*",
    "SO": "( (so|it is|that is|yes))?",
    "AGREED": "(it|that|this|to that|to this|with that|to it|the above)",
    "WITH_IT": "( (at all|here|from me|(with|about|in) (it|that|this)|whatsoever"
    "|needed|required))*",
    "FOR_TODAY": "(for (now|today|me)|i (need|needed|wanted)|thanks)",
}
# Words that say nothing by themselves beside an agreement: "yes to that", "yes for my account".
GLUE_WORDS = frozenset(
    ["the", "a", "an", "my", "your", "our", "to", "from", "in", "on", "into", "of", "for", "it"]
    + ["that", "this", "these", "those", "me", "you", "i", "we", "us", "them", "with", "at", "by"]
    + ["is", "are", "am", "be", "as", "will", "shall", "do", "does", "can", "so", "$", "%", "one"]
)


def _expand(pattern: str) -> str:
    while part := re.search(r"\{([A-Z_]+)\}", pattern):
        pattern = pattern.replace(part.group(), _PARTS[part.group(1)])
    return re.sub(r"\((?!\?)", "(?:", pattern)


def _alternatives(pattern: str) -> list[str]:
    """The alternatives of a pattern one by one: a regular expression takes the first that fits,
    and a phrase has to be the longest."""
    parts, depth, start = [], 0, 0
    for i, character in enumerate(pattern):
        depth += (character == "(") - (character == ")")
        if character == "|" and not depth:
            parts.append(pattern[start:i])
            start = i + 1
    return [*parts, pattern[start:]]


def _first_letters(pattern: str) -> set[str]:
    """The letters that what fits `pattern` can begin with; "" stands for any other sign."""
    if not pattern.startswith("(?:"):
        first = pattern[:1]
        rest = _first_letters(pattern[2:]) if pattern[1:2] == "?" else set()
        return rest | {first if first.isalnum() else ""}
    depth, end = 0, 0
    for end, character in enumerate(pattern):
        depth += (character == "(") - (character == ")")
        if not depth and end:
            break
    letters = {one for part in _alternatives(pattern[3:end]) for one in _first_letters(part)}
    is_optional = pattern[end + 1 : end + 2] in {"?", "*"}
    if is_optional or "" in letters:
        letters |= _first_letters(pattern[end + 1 + is_optional :])
    return letters


def _patterns_by_letter() -> dict[str, tuple[tuple[UnitKind, re.Pattern[str]], ...]]:
    table: dict[str, list[tuple[UnitKind, re.Pattern[str]]]] = {}
    for kind, lines in _PHRASES.items():
        for line in lines.strip().splitlines():
            for phrase in _alternatives(_expand(line.strip())):
                compiled = re.compile(rf"(?:{phrase})(?= |$)")
                for letter in _first_letters(phrase):
                    table.setdefault(letter, []).append((kind, compiled))
    return {letter: tuple(found) for letter, found in table.items()}


_BY_LETTER = _patterns_by_letter()


def patterns_for(word: str) -> tuple[tuple[UnitKind, re.Pattern[str]], ...]:
    """The patterns of the phrases that may begin with `word`."""
    first = word[:1]
    return _BY_LETTER.get(first if first.isalnum() else "", ())
