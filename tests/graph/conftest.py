"""Real data that several of the graph tests read."""

import pytest
import torch

from ne_interactive.data.datasets import digits, fashion_mnist


@pytest.fixture(scope="session")
def digit_values() -> torch.Tensor:
    """scikit-learn's digits (1797, 64)."""
    return torch.from_numpy(digits().X)


@pytest.fixture(scope="session")
def fashion_values() -> torch.Tensor:
    """Six thousand images of Fashion-MNIST (6000, 784)."""
    return torch.from_numpy(fashion_mnist(6000).X)
