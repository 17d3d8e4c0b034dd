"""Farneback's flow compiled with numba, an optional dependency: import nothing from here at the top of a module."""
