"""`memodule validate`: score the validation subjects of one fold."""

import functools

from memodule.commands import lightning_command

main = functools.partial(lightning_command, "validate")
