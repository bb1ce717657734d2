"""Summaries that SummaryWriter has no method for."""

from tensorboard.compat.proto.summary_pb2 import Summary
from torch.utils.tensorboard import SummaryWriter


def add_summary(writer: SummaryWriter, summary: Summary, step: int | None = None) -> None:
    writer._get_file_writer().add_summary(summary, step)
