"""Commands from the browser are checked before anything is looked up."""

from __future__ import annotations

from typing import get_args

import pytest

from ortviz.errors import ProtocolError
from ortviz.protocol.messages import CommandAnswers, CommandName, CommandParams
from ortviz.protocol.validate import check_name, check_params, read_command


def test_every_command_has_params_and_an_answer():
    assert set(CommandParams.__annotations__) == set(get_args(CommandName))
    assert set(CommandAnswers.__annotations__) == set(get_args(CommandName))


@pytest.mark.parametrize(
    ("command", "params"),
    [
        ("run", {}),
        ("losses", {}),
        ("losses", {"first_step": 3, "last_step": 3, "max_points": 20_000}),
        ("mask_map", {"loss": "smape", "max_columns": 1}),
        ("masked_elements", {"loss": "mape", "step": 0}),
        ("traces", {"step": 2**31 - 1}),
        ("graph_model", {"mode": "training", "stage": "execution_model"}),
        ("tensor_values", {"step": 1, "site_id": "forward/#out0", "side": "candidate"}),
        ("control", {"action": "pause"}),
    ],
)
def test_good_commands_pass_unchanged(command, params):
    message = {"type": "command", "id": 7, "command": command, "params": params}
    assert read_command(message) == message


@pytest.mark.parametrize(
    ("command", "params", "words"),
    [
        ("run", {"step": 1}, "'run' has no parameter 'step'. It takes rank."),
        ("traces", {"stepp": 1}, "'traces' has no parameter 'stepp'. It takes rank, step."),
        ("traces", {}, "'traces' needs the parameter 'step'. It is a whole number from 0 to"),
        ("traces", {"step": -1}, "The parameter 'step' of 'traces' is -1."),
        ("traces", {"step": 1.0}, "is 1.0. It is a whole number"),
        ("traces", {"step": True}, "is True. It is a whole number"),
        ("traces", {"step": "1"}, "is '1'. It is a whole number"),
        ("traces", {"step": None}, "is None. It is a whole number"),
        ("traces", [], "The parameters of 'traces' are [], not an object."),
        ("losses", {"max_points": 0}, "from 1 to 20000"),
        ("losses", {"max_points": 10**9}, "from 1 to 20000"),
        ("losses", {"first_step": 5, "last_step": 4}, "asked for the steps 5 to 4"),
        ("mask_map", {"loss": "mae"}, "It is one of mape, smape."),
        ("mask_map", {"loss": ["mape"]}, "It is one of mape, smape."),
        ("graph_nodes", {"mode": "training"}, "needs the parameter 'stage'. It is one of torch_"),
        ("tensor_values", {"step": 1, "site_id": "", "side": "candidate"}, "a text of 1 to"),
        ("tensor_values", {"step": 1, "site_id": 3, "side": "candidate"}, "is 3. It is a text"),
        ("tensor_values", {"step": 1, "site_id": "x" * 20_001, "side": "candidate"}, "xxx…. It"),
        ("tensor_values", {"step": 1, "site_id": "x", "side": "ort"}, "one of reference, cand"),
        ("control", {"action": "stop"}, "It is one of pause, resume, sample_next."),
    ],
)
def test_bad_params_say_what_and_what_to_do(command, params, words):
    with pytest.raises(ProtocolError) as caught:
        check_params(command, params)
    assert words in str(caught.value)


@pytest.mark.parametrize("command", ["trace", "", None, 3, ["run"]])
def test_unknown_commands_list_the_known_ones(command):
    with pytest.raises(ProtocolError, match="The commands are run, summary, losses"):
        check_name(command)


@pytest.mark.parametrize(
    ("message", "words"),
    [
        (None, "not a command"),
        ({"type": "reply"}, "not a command"),
        ({"type": "command", "id": "1", "command": "run"}, "id is '1'"),
        ({"type": "command", "id": True, "command": "run"}, "id is True"),
    ],
)
def test_other_messages_are_refused(message, words):
    with pytest.raises(ProtocolError, match=words):
        read_command(message)
