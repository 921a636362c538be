"""Silence, noise and misunderstanding: every one has an answer, and none goes on forever."""

from __future__ import annotations

from tests.support.scripted_mind import Bot


def test_first_other_words_then_a_closed_choice_then_a_person(pack):
    bot = Bot(pack, "call")
    bot.says("blub", 0.1)
    assert bot.last.expectation.kind == "open"
    assert "You can say: " in bot.says("blub", 0.1)
    assert bot.last.expectation.kind == "choice"
    assert "colleague" in bot.says("blub", 0.1)
    assert bot.last.expectation.kind == "yes_no"
    bot.says("no")
    assert bot.state.misses == 0
    assert bot.last.expectation.kind == "open"


def test_in_a_task_the_choices_of_the_question_are_read(pack):
    bot = Bot(pack, "call")
    bot.says("transfer money")
    bot.identifies()
    bot.says("blub", 0.1)
    assert bot.last.expectation.kind == "choice"
    assert "You can say: checking, savings or money market" in bot.says("blub", 0.1)
    bot.says("blub", 0.1)
    assert "Shall I get a colleague" in bot.text or "colleague" in bot.text
    assert "come from" in bot.says("no") or "You can say" in bot.text


def test_thinking_aloud_is_no_yes(pack):
    bot = Bot(pack, "call")
    bot.says("hm the agent thing", 0.4)
    bot.says("uh hmm", 0.9, intent="affirm")
    assert bot.escalations == []


def test_talk_does_not_make_us_patient_again_but_progress_does(pack):
    bot = Bot(pack)
    bot.says("blub", 0.1)
    bot.says("blub", 0.1)
    bot.says("hello")
    assert bot.state.misses == 2
    bot.says("balance of savings")
    assert bot.state.misses == 0


def test_words_that_were_hardly_heard_are_not_guessed(pack):
    bot = Bot(pack, "call")
    assert "repeat" in bot.says("transfer money", heard=0.2) or "once more" in bot.text
    assert bot.state.tasks == ()
    assert "Do you want to transfer money" in bot.says("transfer money", heard=0.45)
    bot.says("no")
    assert bot.last.expectation.kind == "choice"


def test_a_doubtful_yes_moves_no_money(pack):
    bot = Bot(pack, "call")
    bot.says("transfer ten dollars from checking to savings")
    bot.identifies()
    assert "was that a yes" in bot.says("yes", heard=0.4)
    assert bot.last.action_call is None
    bot.says("yes")
    assert bot.last.action_call.name == "transfer"


def test_an_intent_between_is_confirmed_and_keeps_its_values(pack):
    bot = Bot(pack)
    assert bot.says("transfer ten dollars from checking to savings", 0.45).startswith("Do you want")
    bot.says("yes")
    bot.identifies()
    assert "$10.00 from checking to savings" in bot.text


def test_silence_asks_then_offers_then_ends(pack):
    bot = Bot(pack, "call")
    assert bot.nothing()
    assert "You can say" in bot.nothing()
    assert "Goodbye" in bot.nothing()
    assert bot.last.ends_session
    assert bot.says("hello?") == ""
    assert bot.nothing() == bot.misses() == bot.returns() == bot.bank(key="s1:1") == ""


def test_silence_in_a_task_repeats_the_question(pack):
    bot = Bot(pack, "call")
    bot.says("balance of savings")
    assert "customer number" in bot.nothing()
    assert bot.last.expectation.kind == "digits"
    bot.says("100421")
    assert bot.state.silences == 0


def test_silence_at_each_kind_of_question_has_an_answer(pack):
    bot = Bot(pack, "call")
    bot.says("transfer ten dollars from checking to savings")
    bot.identifies()
    assert "$10.00" in bot.nothing() or "10 dollars" in bot.text
    bot.says("agent")
    for _ in range(5):
        assert "colleague" in bot.nothing()
    assert not bot.last.ends_session
    bot.returns()
    assert "go on" in bot.nothing()


def test_a_model_that_is_late_is_answered(pack):
    call, chat = Bot(pack, "call"), Bot(pack, "chat")
    call.says("balance of savings")
    assert "keys of your phone" in call.misses()
    chat.misses()
    assert "type it in other words" in chat.misses()
    assert "colleague" in chat.misses()
    chat.misses()
    assert chat.escalations[0].rule == "repeated_misunderstanding"


def test_nothing_heard_is_silence(pack):
    bot = Bot(pack, "call")
    bot.says("", intent="nothing_heard")
    assert bot.state.silences == 1


def test_no_at_the_menu_and_yes_to_more(pack):
    bot = Bot(pack)
    bot.says("balance of savings")
    bot.identifies()
    bot.bank(balance="1.00")
    assert "can I do for you" in bot.says("yes") or "help" in bot.text
    bot.says("blub", 0.1)
    assert "You can choose" in bot.says("blub", 0.1)
    assert "words" in bot.says("no")
    assert bot.last.expectation.kind == "choice"


def test_no_to_another_task_comes_back_to_this_one(pack):
    bot = Bot(pack)
    bot.says("transfer ten dollars from checking to savings")
    bot.identifies()
    assert "order checks?" in bot.says("perhaps order checks", 0.5)
    assert "$10.00" in bot.says("no")


def test_a_doubtful_question_without_an_answer_is_not_understood(pack):
    bot = Bot(pack)
    bot.says("how many swallows fly to africa", 0.45)
    assert bot.state.misses == 1


def test_a_person_may_be_offered_where_the_documents_end(pack):
    bot = Bot(pack)
    assert "colleague" in bot.says("how many swallows fly to africa")
    assert bot.last.expectation.kind == "yes_no"
    bot.nothing()
    assert bot.last.expectation.kind == "yes_no"
    bot.says("yes")
    assert bot.escalations[0].rule == "explicit_request"


def test_go_back_with_nothing_to_go_back_to(pack):
    bot = Bot(pack)
    assert bot.says("go back")
    bot.says("balance")
    assert "first question" in bot.says("go back")
    assert bot.last.expectation.kind == "digits"


def test_start_over_with_nothing_begun(pack):
    assert "start over" in Bot(pack).says("start over")
