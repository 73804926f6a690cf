"""Which module calls which autograd Function."""

from __future__ import annotations

import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

from ortviz.capture.functions import FunctionFinder
from ortviz.record import FunctionCall


class Twice(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return 2 * x

    @staticmethod
    def backward(ctx, gradient):
        return 2 * gradient


class Thrice(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return 3 * x

    @staticmethod
    def backward(ctx, gradient):
        return 3 * gradient


class Calls(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function.apply(x)


class Outer(nn.Module):
    """Calls one Function itself, between children that call others or none."""

    def __init__(self):
        super().__init__()
        self.first = nn.Linear(2, 2)
        self.inner = nn.Sequential(nn.Linear(2, 2), Calls(Twice))
        self.last = nn.Linear(2, 2)

    def forward(self, x, scale):
        return self.last(input=Thrice.apply(self.inner(self.first(x)) * scale))


def found(module, *args, **kwargs):
    with FunctionFinder(module) as finder:
        module(*args, **kwargs)
    assert not any(each._forward_hooks or each._forward_pre_hooks for each in module.modules())
    return list(finder.calls)


def test_each_function_belongs_to_the_innermost_module_that_calls_it():
    calls = found(Outer(), torch.ones(1, 2), scale=torch.ones(1))
    assert calls == [FunctionCall("Twice", "inner.1"), FunctionCall("Thrice", "")]


def test_what_came_in_from_outside_is_not_the_modules():
    given = Twice.apply(torch.ones(1, 2, requires_grad=True))
    assert found(nn.Linear(2, 2), given) == []
    assert found(Calls(Thrice), given) == [FunctionCall("Thrice", "")]


def test_a_module_used_twice_is_named_once():
    shared = Calls(Twice)
    model = nn.Sequential(nn.Linear(2, 2), shared, nn.Linear(2, 2), shared)
    assert found(model, torch.ones(1, 2)) == [FunctionCall("Twice", "1")]


def test_checkpointing_is_no_function_of_the_users():
    class Checkpointed(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = nn.Linear(2, 2)

        def forward(self, x):
            return checkpoint(self.inner, x, use_reentrant=True)

    assert found(Checkpointed(), torch.ones(1, 2, requires_grad=True)) == []


def test_without_gradients_there_is_nothing_to_lose():
    with torch.no_grad():
        assert found(Calls(Twice), torch.ones(1, 2)) == []
