"""Farneback's flow compiled with numba, an optional dependency: do not import from here at the top of a module."""
