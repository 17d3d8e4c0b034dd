"""`memodule doctor`: what is installed here and what is in use."""

import dataclasses
import json
from collections.abc import Sequence

from memodule.commands import command_parser, parse

_EPILOG = "exit status: 0 everything works, 1 something that commands need is missing"


def main(argv: Sequence[str]) -> int:
    """Run the command."""
    parser = command_parser(
        "doctor", "Report what is installed on this machine, what is in use and what is missing.", _EPILOG
    )
    parser.add_argument("--json", action="store_true", help="print JSON and nothing else")
    arguments = parse(parser, argv)
    from memodule.doctor import examine

    findings = list(examine())
    if arguments.json:
        print(json.dumps([dataclasses.asdict(finding) for finding in findings], indent=2))
    else:
        for finding in findings:
            print(f"{finding.state:<8} {finding.name:<19} {finding.text}")
    return 1 if any(finding.state == "problem" for finding in findings) else 0
