"""The end of an answer, step by step: what the device says, and that it then says nothing for a while."""

import pytest

from devices.connectors.terminal.dialogue import Dialogue

ASKED, ENDED = "an empty command is typed", "the answer has ended"


def play(steps, *, command="show clock", prompt="rtr01#", host="rtr01"):
    """What each silence led to, and the answer. A None among the steps is a silence."""
    dialogue, outcomes = Dialogue(command, prompt, host), []
    for step in steps:
        if step is not None:
            dialogue.feed(step)
        elif dialogue.patience is None:
            outcomes.append("")
        else:
            outcomes.append(ASKED if dialogue.silence() else ENDED)
    return outcomes, dialogue.answer()


ECHO = "show clock\n"
PLAYS = {
    "the prompt, and it stays": ([ECHO, "a\nrtr01#", None, "\nrtr01#", None], [ASKED, ENDED], "a"),
    "the prompt, and it goes on": (
        [ECHO, "a\nrtr01#", None, "x\nb\nrtr01#", "\nrtr01#", None, "\nrtr01#", None],
        [ASKED, ASKED, ENDED], "a\nrtr01#x\nb",
    ),
    "the prompt as the last line of an answer": (
        [ECHO, "a\nrtr01#", None, "\nrtr01#", "\nrtr01#", None], [ASKED, ENDED], "a\nrtr01#",
    ),
    "an empty command is lost": (
        [ECHO, "a\nrtr01#", None, None, "\nrtr01#", None], [ASKED, ASKED, ENDED], "a",
    ),
    "an empty command is late": (
        [ECHO, "a\nrtr01#", None, None, "\nrtr01#", "\nrtr01#", None], [ASKED, ASKED, ENDED], "a",
    ),
    "half a prompt": ([ECHO, "a\nrtr0", None, "1#", None, "\nrtr", None, "01#", None], ["", ASKED, "", ENDED], "a"),
    "no prompt": ([ECHO, "a\n", None, "Password:", None, " --More-- ", None], ["", "", ""], "a\nPassword: --More--"),
    "the empty command is shown, and the answer goes on": (
        [ECHO, "a\nrtr01#", None, "\n", None, "b\nrtr01#", None, "\nrtr01#", None],
        [ASKED, "", ASKED, ENDED], "a\nrtr01#\nb",
    ),
    "a prompt that says more": (
        [ECHO, "a\nrtr01(config)#", None, "\nrtr01(config)#", None], [ASKED, ENDED], "a",
    ),
    "a prompt that tells the time": (
        [ECHO, "a\nrtr01 12:00:01 #", None, "\nrtr01 12:00:02 #", None], [ASKED, ENDED], "a",
    ),
    "a prompt that is painted over": ([ECHO, "a\nrtr01#", None, "\rrtr01#", None], [ASKED, ENDED], "a"),
    "a prompt without a line feed before it": ([ECHO, "a\nrtr01#", None, "rtr01#", None], [ASKED, ENDED], "a"),
    "a log message between": (
        [ECHO, "a\nrtr01#", None, "\n%LINK-3-UPDOWN: x\n", None, "rtr01#", None, "\nrtr01#", None],
        [ASKED, "", ASKED, ENDED], "a\nrtr01#\n%LINK-3-UPDOWN: x",
    ),
}  # fmt: skip


def test_an_answer_ends_when_an_empty_command_brings_a_prompt_and_nothing_else():
    played = {name: play(steps) for name, (steps, _, _) in PLAYS.items()}
    assert played == {name: (outcomes, answer) for name, (_, outcomes, answer) in PLAYS.items()}


@pytest.mark.parametrize("prompt", ["", "sw01#"])
def test_a_prompt_that_is_not_known_yet_ends_an_answer(prompt):
    steps = [ECHO, "a\nrtr01>", None, "\nrtr01>", None]
    assert play(steps, prompt=prompt, host="rtr01" if prompt else "") == ([ASKED, ENDED], "a")
