"""`memodule predict`: decode the held-out subject of one fold without scoring."""

import functools

from memodule.commands import lightning_command

main = functools.partial(lightning_command, "predict")
