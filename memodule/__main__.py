"""`python -m memodule` is the console script `memodule`."""

from memodule.cli import entry_point

if __name__ == "__main__":
    entry_point()
