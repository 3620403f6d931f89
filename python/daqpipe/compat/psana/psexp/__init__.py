"""Transition ids under the name that scripts know."""

from .TransitionId import TransitionId

__all__ = ["TransitionId"]
