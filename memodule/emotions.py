"""The emotion classes of the task, in the order of the network's logits."""

from typing import Final

EMOTIONS: Final = ("negative", "positive", "surprise", "others")
"""Classes an expression can be labelled with."""

NEUTRAL: Final = len(EMOTIONS)
"""Class index of a frame without an expression."""

FRAME_CLASSES: Final = (*EMOTIONS, "neutral")
"""Classes a frame can have: the network's logits are in this order."""

SCORED_EMOTIONS: Final = ("negative", "positive", "surprise")
"""Classes that count in recognition scores; `others` counts in spotting only."""
