"""The toy models of the runtime's tests, for the jobs that run models."""

from tests.runtime.conftest import fixed_model, toy_model

__all__ = ["fixed_model", "toy_model"]
