import subprocess

from memodule import __version__
from memodule.studies import origin


def test_only_a_checkout_of_its_own_gives_the_version_a_commit(tmp_path, monkeypatch):
    assert origin.code_version().startswith(f"{__version__}+")
    installed = tmp_path / "lib" / "memodule" / "origin.py"
    installed.parent.mkdir(parents=True)
    installed.write_text("")
    for words in (
        ["init", "-q"],
        ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-q", "--allow-empty", "-mx"],
    ):
        subprocess.run(["git", *words], cwd=tmp_path, check=True)
    origin.code_version.cache_clear()
    monkeypatch.setattr(origin, "__file__", str(installed))
    assert origin.code_version() == __version__
    origin.code_version.cache_clear()
