"""Fixtures of real trainings."""

from __future__ import annotations

import pytest


@pytest.fixture
def one_thread():
    """As many trainings run beside each other as there are processors."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
