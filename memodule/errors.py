"""The one exception that reaches users as a single line instead of a traceback."""


class UserError(Exception):
    """A mistake that the user can fix.

    The message is one line that names the file (and the row, if there is one), what is wrong, and how to fix it. The
    command line prints it without a traceback and exits with status 2.
    """
