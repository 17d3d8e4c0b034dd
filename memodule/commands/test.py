"""`memodule test`: score the held-out subject of one fold."""

import functools

from memodule.commands import lightning_command

main = functools.partial(lightning_command, "test")
