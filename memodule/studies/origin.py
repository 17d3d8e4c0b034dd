"""Where results come from: which code ran, on which machine."""

import functools
import os
import platform
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from memodule import __version__
from memodule.studies.own_code import parts_digest


@functools.cache
def code_version() -> str:
    """Version of the package, with the commit if it runs from its own checkout."""
    here = Path(__file__)
    queries = (["ls-files", "--error-unmatch", here.name], ["describe", "--always", "--dirty"])
    try:
        # the first query fails for an installation inside another repository, whose commit would mean nothing
        _, commit = (
            subprocess.run(["git", *query], cwd=here.parent, capture_output=True, text=True, timeout=10, check=True)
            for query in queries
        )
    except (OSError, subprocess.SubprocessError):
        return __version__
    return f"{__version__}+{commit.stdout.strip()}"


def maker(config: Mapping[str, Any], threads: int, scan: str = "auto") -> dict[str, str]:
    """What made a fold besides its settings: versions, scan and threads may change the last bits of a result.

    `parts` identifies your own code that the config names, and is only there where it names some.
    """
    import torch

    from memodule.networks.selective_scan import scan_in_use

    device = "cuda" if torch.cuda.is_available() else "cpu"
    parts = parts_digest(config)
    return {
        "code": code_version(),
        "torch": str(torch.__version__),
        "scan": scan_in_use(torch.device(device), scan),
        "threads": str(threads),
        **({"parts": parts} if parts else {}),
    }


def host() -> dict[str, Any]:
    """The machine that this process runs on."""
    import torch

    gpus = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
    return {"name": platform.node(), "system": platform.platform(), "cpus": os.cpu_count(), "gpus": gpus}
