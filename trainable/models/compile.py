"""torch.compile, and forgetting what it made; its machinery takes seconds to import, so only who compiles does."""

import sys
from typing import Any

import torch
from torch import nn


def compiled(model: nn.Module) -> nn.Module:
    """The network through torch.compile, once for batches of any size; parameters and state stay those of `model`.

    A network of the same kind finds the graph again (the next fold's); `forget_compiled` drops it.
    """
    from torch._dynamo import maybe_mark_dynamic
    from torch._inductor import config as inductor

    inductor.compile_threads = torch.get_num_threads()  # a process each; its own choice is all cores for every trial
    faster: Any = torch.compile(model)  # an nn.Module, whatever its annotation says
    # Batches differ in size by one, and each size would be compiled anew.
    faster.register_forward_pre_hook(lambda _, inputs: maybe_mark_dynamic(inputs[0], 0))
    return faster


def forget_compiled() -> None:
    """Drop the graphs of a trial that ran before in the same process."""
    if "torch._dynamo" in sys.modules:
        torch.compiler.reset()
