"""Learning rate and gradient norm are logged, and nothing is trained differently for it."""

import pytest
import torch
from lightning.pytorch import LightningModule, Trainer
from torch.utils.data import DataLoader

from memodule.callbacks import OptimisationLog


class Line(LightningModule):
    """y = w x, trained with a halving rate; keeps the norm of each gradient."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.tensor([2.0]))
        self.norms: list[float] = []

    def training_step(self, batch):
        return (self.weight * batch).square().sum()

    def on_before_optimizer_step(self, optimizer):
        self.norms.append(abs(float(self.weight.grad)))

    def configure_optimizers(self):
        optimizer = torch.optim.SGD(self.parameters(), lr=0.01)
        halving = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.5)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": halving, "interval": "step"}}


def trained(tmp_path, callbacks):
    module = Line()
    trainer = Trainer(
        max_epochs=1,
        accelerator="cpu",
        callbacks=callbacks,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        default_root_dir=tmp_path,
    )
    trainer.fit(module, DataLoader(torch.arange(1.0, 5.0), batch_size=2))
    return module, trainer


def test_it_logs_the_means_of_an_epoch_and_changes_no_weight(tmp_path):
    module, trainer = trained(tmp_path, [OptimisationLog()])
    assert len(module.norms) == 2
    assert float(trainer.callback_metrics["train/gradient_norm"]) == pytest.approx(sum(module.norms) / 2)
    assert float(trainer.callback_metrics["train/learning_rate"]) == pytest.approx((0.01 + 0.005) / 2)
    assert torch.equal(module.weight, trained(tmp_path, [])[0].weight)
