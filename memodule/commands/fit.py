"""`memodule fit`: train one fold."""

import functools

from memodule.commands import lightning_command

main = functools.partial(lightning_command, "fit")
