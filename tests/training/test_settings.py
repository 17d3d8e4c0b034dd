"""No misspelt setting trains: unknown keys, values of another type and repeated keys are refused in one line."""

import re
from pathlib import Path

import pytest
from tiny import experiment

from memodule.cli import main
from memodule.errors import UserError
from memodule.training.config_files import check_arguments
from memodule.training.settings import parse_config


@pytest.fixture(scope="module")
def tiny(planted, tmp_path_factory):
    return experiment(planted, tmp_path_factory.mktemp("tiny"), epochs=1, logger=False)


def refusal(configs, overrides):
    with pytest.raises(UserError) as refused:
        parse_config(configs, overrides)
    message = str(refused.value)
    assert "\n" not in message
    return message


SETTINGS = {
    # key that is not there, nor any beginning of one that is -> what names the remedy
    "model.learning_rat=1": "model.learning_rat is not a setting (did you mean model.learning_rate?)",
    "model.optimizers=adam": "did you mean model.optimizer?",
    "model.optim=adam": "model.optim is not a setting",
    "trainer.max_epoc=1": "did you mean trainer.max_epochs?",
    "trainer.max_epoch=1": "did you mean trainer.max_epochs?",
    "data.inner_validation_subject=2": "did you mean data.inner_validation_subjects?",
    "protocol.iuo=.3": "did you mean protocol.iou?",
    "modl.learning_rate=1": "did you mean model.learning_rate?",
    "interval_selection.ot=x": "did you mean interval_selection.out?",
    "seed_everythin=1": "did you mean seed_everything?",
    "data={windw: 10}": "data.windw is not a setting (did you mean data.window?)",
    "trainer={max_epoc: 3}": "did you mean trainer.max_epochs?",
    "model.network.init_args.fast_widht=3": "SlowFastMamba has no argument fast_widht (did you mean fast_width?)",
    "model.network.fast_widht=3": "did you mean fast_width?",
    "intervals.init_args.treshold=.3": "PriorGuided has no argument treshold (did you mean threshold?)",
    "trainer.callbacks=[{class_path: EarlyStoping}]": "EarlyStoping is not a known class (did you mean EarlyStopping?)",
    "trainer.callbacks=[{class_path: EarlyStopping, init_args: {moniter: x}}]": "did you mean monitor?",
    "trainer.callbacks+={class_path: ModelChekpoint}": "did you mean ModelCheckpoint?",
    # values
    "trainer.max_epochs=abc": "trainer.max_epochs: 'abc' is not an int or null",
    "trainer.max_epochs=1.5": "trainer.max_epochs: '1.5' is not an int or null",
    "trainer.max_epochs=[1]": "trainer.max_epochs: [1] is not an int or null",
    "trainer.max_epochs=": "trainer.max_epochs: '' is not an int or null",
    "trainer.precision=33": "trainer.precision: '33' is not one of 64, 32, 16",
    "model.learning_rate=fast": "model.learning_rate: 'fast' is not a float",
    "model.optimizer=adm": "model.optimizer: 'adm' is not one of adam, adamw (did you mean adam?)",
    "model.compile=maybe": "model.compile: 'maybe' is not a bool",
    "model.network.init_args.depth=abc": "model.network.init_args.depth: 'abc' is not an int",
    "data.window=[1, 2]": "data.window: [1, 2] is not an int",
    "protocol.emotions=negative": "protocol.emotions: 'negative' is not a tuple",
    "seed_everything=-1": "seed_everything: -1",
    "model=nothing.yaml": "nothing.yaml: no such file",
    "trainer={max_epochs: 1, max_epochs: 2}": "cannot be read as YAML (line 1: the key max_epochs appears twice",
    # classes
    "intervals=memodule.intervals.PriorGided": "did you mean PriorGuided?",
    "intervals={class_path: PriorGided}": "PriorGided is not a known class (did you mean PriorGuided?)",
    "intervals={class_path: my_rules.MyRule}": "my_rules.MyRule: no module my_rules was found; add --import my_ru",
    "model.network=my_lab.networks.Net": "add --import my_lab.networks",
}


@pytest.mark.parametrize("setting", SETTINGS)
def test_a_setting_that_cannot_be_meant_is_refused(setting, tiny):
    key, _, value = setting.partition("=")
    message = refusal([tiny], {key: value})
    assert SETTINGS[setting] in message
    assert not message.startswith(str(tiny))  # the argument is wrong, not the file that it replaces


FILES = {
    "modl:\n  learning_rate: 1\n": "modl.learning_rate is not a setting (did you mean model.learning_rate?)",
    "model:\n  learning_rat: 1\n": "did you mean model.learning_rate?",
    "trainer:\n  max_epoc: 3\n": "did you mean trainer.max_epochs?",
    "trainer:\n  max_epochs: many\n": "trainer.max_epochs: 'many' is not an int or null",
    "trainer: 3\n": "trainer: 3 is not a section",
    "data: []\n": "data: [] is not a section",
    "- 3\n": "does not hold a mapping",
    "model:\n  network:\n    class_path: memodule.networks.METST\n    init_args: {widht: 3}\n": "did you mean width?",
    "model:\n  network:\n    class_pth: memodule.networks.METST\n": "class_pth",
    "trainer:\n  callbacks:\n  - class_path: EarlyStopping\n    init_args: {monitor: x, moniter: y}\n": "moniter",
    "trainer:\n  max_epochs: 1\ntrainer:\n  precision: 32\n": "line 3: the key trainer appears twice",
    "trainer:\n  max_epochs: 1\n  max_epochs: 2\n": "line 3: the key max_epochs appears twice",
    "trainer: [\n": "cannot be read as YAML",
}


@pytest.mark.parametrize("text", FILES)
def test_a_config_file_that_cannot_be_meant_is_refused(text, tiny, tmp_path):
    path = tmp_path / "changes.yaml"
    path.write_text(text)
    message = refusal([tiny, path], {})
    assert message.startswith(f"{path}: ")
    assert FILES[text] in message


def test_files_that_a_config_names_are_checked_too(tiny, tmp_path):
    (tmp_path / "parts").mkdir()
    model, rule = tmp_path / "parts" / "trainer.yaml", tmp_path / "parts" / "rule.yaml"
    model.write_text("max_epochs: 1\nprecision: 32-true\nmax_epochs: 2\n")
    outer = tmp_path / "outer.yaml"
    outer.write_text("trainer: parts/trainer.yaml\n")
    repeated = f"{model}: cannot be read as YAML (line 3: the key max_epochs appears twice"
    assert repeated in refusal([tiny, outer], {})
    assert repeated in refusal([tiny], {"trainer": str(model)})
    model.write_text("max_epochs: few\n")
    assert "trainer.max_epochs: 'few' is not an int or null" in refusal([tiny, outer], {})
    rule.write_text("class_path: memodule.intervals.Calibrated\ninit_args:\n  rules: []\n  rules: []\n")
    outer.write_text("intervals: parts/rule.yaml\n")
    assert f"{rule}: cannot be read as YAML (line 4: the key rules appears twice" in refusal([tiny, outer], {})


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("intervals: circle.yaml\n", "leads back to itself"),
        ("intervals: {init_args: {rules: [other.yaml]}}\n", "leads back to itself"),
        ("data: &all\n  more: [*all]\n", "contains itself"),
    ],
)
def test_circles_are_refused(text, named, tiny, tmp_path):
    circle = tmp_path / "circle.yaml"
    circle.write_text(text)
    (tmp_path / "other.yaml").write_text("intervals: circle.yaml\n")
    assert named in refusal([tiny, circle], {})


def test_the_file_that_counts_is_named(tiny, tmp_path):
    first, second = tmp_path / "first.yaml", tmp_path / "second.yaml"
    first.write_text("trainer:\n  max_epochs: many\n")
    second.write_text("model:\n  learning_rate: 0.1\n")
    assert refusal([tiny, first, second], {}).startswith(f"{first}: trainer.max_epochs: 'many'")
    sources = check_arguments(["--config", str(tiny), f"--config={first}", "--trainer.max_epochs=3"])
    assert sources.files == [tiny, first]
    assert sources.file_of("trainer.max_epochs") is None
    assert sources.file_of("model.learning_rate") == tiny
    assert sources.file_of("model.no_such_key") is None


@pytest.mark.parametrize(
    ("argument", "named"),
    [
        ("--model.learning_rat=1", "did you mean model.learning_rate?"),
        ("--trainer.max_epoc=1", "did you mean trainer.max_epochs?"),
        ("--trainer.max_epochs=abc", "trainer.max_epochs: 'abc' is not an int or null"),
        ("--ckpt_pat=x.ckpt", "did you mean ckpt_path?"),
        ("--confg=x.yaml", "did you mean config?"),
        ("--quie", "quie is not a setting"),
    ],
)
def test_misspelt_arguments_of_lightning_commands_are_refused(argument, named, tiny, capsys):
    assert main(["fit", "-q", "--config", str(tiny), "--data.fold=001", argument]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert named in line


@pytest.mark.parametrize("setting", ["model.learning_rat=1", "trainer.max_epochs=abc"])
def test_loso_refuses_before_anything_is_written(setting, tiny, tmp_path, capsys):
    runs = tmp_path / "runs"
    assert main(["loso", "-q", "--config", str(tiny), "--runs", str(runs), "--set", setting]) == 2
    assert re.search(r"^memodule: error: (model|trainer)\.\w+", capsys.readouterr().err)
    assert not runs.exists()


def test_keys_of_a_search_space_are_refused_too(tiny, tmp_path, capsys):
    space = tmp_path / "space.yaml"
    space.write_text("model.learning_rat: {loguniform: [0.001, 0.01]}\n")
    argv = ["--config", str(tiny), "--space", str(space), "--runs", str(tmp_path / "runs"), "--trials", "1"]
    assert main(["search", "-q", *argv, "--set", "data.inner_validation_subjects=1"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "space.yaml" in line
    assert "did you mean model.learning_rate?" in line


def test_correct_settings_still_arrive(tiny, tmp_path):
    (tmp_path / "data.yaml").write_text("window: 12\n")
    resolved = parse_config(
        [tiny],
        {
            "data": str(tmp_path / "data.yaml"),
            "model.learning_rate": "1e-3",
            "trainer.callbacks+": "{class_path: EarlyStopping, init_args: {monitor: train/loss}}",
            "intervals.init_args.threshold": ".3",
            "model.network.init_args.depth": "2",
        },
    )
    assert (resolved["data"]["window"], resolved["model"]["learning_rate"]) == (12, 1e-3)
    assert resolved["trainer"]["callbacks"][0]["init_args"]["monitor"] == "train/loss"
    assert resolved["intervals"]["init_args"]["threshold"] == 0.3
    assert resolved["model"]["network"]["init_args"]["depth"] == 2
    assert Path(resolved["data"]["catalog"]).is_dir()
