"""Searching settings: Ray Tune runs trials fold by fold, Optuna proposes them, inner validation subjects judge them.

`space` + experiment -> `planning` -> `tuning` runs each `trial`, and `watching` keeps its `records` -> `leaderboard`.
`running` joins them.
"""
