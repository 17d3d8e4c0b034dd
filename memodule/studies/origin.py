"""Where results come from: which code ran, on which machine."""

import functools
import os
import platform
import subprocess
from pathlib import Path
from typing import Any

from memodule import __version__


@functools.cache
def code_version() -> str:
    """Version of the package, with the commit where it runs from a checkout of its own."""
    here = Path(__file__)
    words = (["ls-files", "--error-unmatch", here.name], ["describe", "--always", "--dirty"])
    try:
        # an installation inside somebody else's repository must not take that one's commit
        _, commit = (
            subprocess.run(["git", *line], cwd=here.parent, capture_output=True, text=True, timeout=10, check=True)
            for line in words
        )
    except (OSError, subprocess.SubprocessError):
        return __version__
    return f"{__version__}+{commit.stdout.strip()}"


def maker(threads: int, scan: str = "auto") -> dict[str, str]:
    """What made a fold, beside its settings: each part may move a result, be it by rounding.

    Args:
        threads: CPU threads of the fold.
        scan: Which selective scan its network asks for.

    Returns:
        Versions of the code and of PyTorch, which selective scan is used, threads.
    """
    import torch

    from memodule.networks.selective_scan import scan_in_use

    device = "cuda" if torch.cuda.is_available() else "cpu"
    return {
        "code": code_version(),
        "torch": str(torch.__version__),
        "scan": scan_in_use(torch.device(device), scan),
        "threads": str(threads),
    }


def host() -> dict[str, Any]:
    """The machine, for comparing runs of different ones."""
    import torch

    gpus = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
    return {"name": platform.node(), "system": platform.platform(), "cpus": os.cpu_count(), "gpus": gpus}
