"""`memodule init`: copy the included configs and experiments for editing."""

import shlex
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from memodule.commands import command_parser, parse
from memodule.errors import UserError
from memodule.runtime.packaged import FOLDERS, ROOT

_DESCRIPTION = """\
Copy the included configs and experiments to DIR, for editing. You can also use your own files together with the
included ones: a file that exists takes precedence."""

_EPILOG = """\
example:
  memodule init study
  memodule loso --config study/experiments/samm_lv.yaml --set data.catalog=data/samm_lv"""


def main(argv: Sequence[str]) -> int:
    """Run the command."""
    parser = command_parser("init", _DESCRIPTION, _EPILOG)
    parser.add_argument("folder", type=Path, metavar="DIR", help="gets the folders configs and experiments")
    folder = parse(parser, argv).folder
    for name in FOLDERS:
        if (folder / name).exists():
            raise UserError(f"{folder / name}: already exists, and init overwrites nothing; choose another folder")
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".memodule-tmp-", dir=folder) as aside:
        count = sum(_copy(ROOT / name, Path(aside, name)) for name in FOLDERS)
        for name in FOLDERS:
            Path(aside, name).rename(folder / name)
    print(f"{folder}: {count} files in {' and '.join(f'{name}/' for name in FOLDERS)}")
    experiment = shlex.quote(str(folder / "experiments" / "demo.yaml"))
    print(f"Next: edit {experiment} or copy it, then memodule loso --config {experiment}")
    return 0


def _copy(source: Path, target: Path) -> int:
    """Copy YAML files and job scripts; a checkout holds other files too."""
    files = [file for file in sorted(source.rglob("*")) if file.suffix in (".yaml", ".sh")]
    for file in files:
        copy = target / file.relative_to(source)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, copy)
    return len(files)
