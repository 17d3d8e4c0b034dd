"""Interval selection at validation, the guard against choosing on held-out subjects, and training curves."""

from memodule.callbacks.history import History
from memodule.callbacks.interval_selection import IntervalSelection
from memodule.callbacks.leakage_guard import LeakageGuard
from memodule.callbacks.optimisation_log import OptimisationLog

__all__ = ["History", "IntervalSelection", "LeakageGuard", "OptimisationLog"]
