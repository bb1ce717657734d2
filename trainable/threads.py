"""How many threads a process computes in."""

import cv2
import torch
from threadpoolctl import threadpool_limits


def use_threads(count: int) -> None:
    """This process computes in `count` threads: the network, numpy's BLAS; OpenCV in the one that calls it.

    Left alone each of them takes all cores, and trials that share a machine would fight for them.
    """
    torch.set_num_threads(count)
    threadpool_limits(count)
    cv2.setNumThreads(0)
