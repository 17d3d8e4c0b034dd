"""The one build step that pyproject.toml cannot express: wheels include the YAML of configs/ and experiments/."""

from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py


class BuildWithConfigs(build_py):
    """Copies the configs and experiments into the package, where `memodule.runtime.packaged` finds them."""

    def run(self) -> None:
        """Build the modules, then copy."""
        super().run()
        if self.editable_mode:  # a checkout uses the top-level folders
            return
        for folder in ("configs", "experiments"):
            for source in sorted(Path(folder).rglob("*")):
                if source.suffix in (".yaml", ".sh"):
                    target = Path(self.build_lib, "memodule", source)
                    self.mkpath(str(target.parent))
                    self.copy_file(str(source), str(target))


setup(cmdclass={"build_py": BuildWithConfigs})
