"""Adam as an update rule."""

import pytest
import torch

from ne_interactive.engine.adam import Adam
from ne_interactive.engine.optimizers import TorchRule
from ne_interactive.engine.rules import MAX_STEP, RULES


def gradients(steps, n=50, c=2):
    draw = torch.Generator().manual_seed(0)
    return [torch.randn((n, c), generator=draw) * 10.0 ** (t % 3 - 2) for t in range(steps)]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("c", [1, 2, 3])
def test_it_moves_as_torch_moves(dtype, c):
    ours, theirs = Adam(), TorchRule(torch.optim.Adam, {"eps": 1e-7})
    start = torch.randn((50, c), generator=torch.Generator().manual_seed(1)).to(dtype)
    Z, Y = start.clone(), start.clone()
    slots, kept = ours.slots(Z), theirs.slots(Y)
    for gradient in gradients(30, c=c):
        before = Z.clone()
        moved = ours.move(Z, slots, gradient.to(dtype), 0.5, 0.0)
        theirs.move(Y, kept, gradient.to(dtype), 0.5, 0.0)
        assert moved == pytest.approx(float((Z - before).double().square().sum()), rel=1e-3)
    torch.testing.assert_close(Z, Y, rtol=1e-4, atol=1e-4)
    assert float((Z - start).abs().min()) > 0


def test_the_first_step_has_the_length_of_the_rate_whatever_the_gradient():
    for size in (1e-2, 1.0, 1e6):
        Z = torch.zeros(4, 2)
        rule = RULES["adam"]
        rule.move(Z, rule.slots(Z), torch.full((4, 2), -size), 0.25, 0.0)
        torch.testing.assert_close(Z, torch.full((4, 2), 0.25), rtol=1e-4, atol=0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_no_point_is_torn_away(dtype):
    Z = torch.zeros((4, 2), dtype=dtype)
    rule = Adam()
    moved = rule.move(Z, rule.slots(Z), torch.ones((4, 2), dtype=dtype), 1000.0, 0.0)
    torch.testing.assert_close(Z.norm(dim=1), torch.full((4,), MAX_STEP, dtype=dtype))
    assert moved == pytest.approx(4 * MAX_STEP**2)


def test_a_gradient_of_nothing_leaves_everything():
    Z = torch.ones(4, 2)
    rule = Adam()
    assert rule.move(Z, rule.slots(Z), torch.zeros(4, 2), 1.0, 0.0) == 0
    assert torch.equal(Z, torch.ones(4, 2))
