"""A fold built once before a study starts, so that a mistake in a setting is found before any fold is trained."""

import copy
from collections.abc import Mapping
from typing import Any, cast

from lightning.pytorch import Trainer
from typing_extensions import override

from memodule.module import SpotRecognizeModule
from memodule.runtime.tidying import tidied
from memodule.training.fold_cli import FoldCLI, quiet_lightning


class _TrialCLI(FoldCLI):
    """Builds everything but the trainer, which asks the machine about devices, ranks and schedulers."""

    @override
    def instantiate_trainer(self, **kwargs: Any) -> Trainer:
        return cast(Trainer, None)


def try_out(config: Mapping[str, Any], subject: str) -> SpotRecognizeModule:
    """Build module, data, rule and protocol of a fold once, and return the untrained module.

    The trainer is left out: its options may be meant for other machines than the one on which a study is planned.

    Args:
        config: What `parse_config` gave.

    Raises:
        UserError: If a setting has an impossible value.
    """
    sections = copy.deepcopy({name: config[name] for name in ("model", "data", "intervals", "protocol")})
    sections["data"]["fold"] = subject
    with quiet_lightning(), tidied():
        module: SpotRecognizeModule = _TrialCLI(sections, run=False).model
    return module
