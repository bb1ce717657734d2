"""Where trials run. An executor hands jobs from a driver to workers and messages back; it decides nothing.

ray: processes on this machine or a cluster, by Ray Tune. inline: this very process, one job after another, for a
debugger, a notebook or a test. simulated: nothing is trained, for benchmarks.
"""

from contextlib import AbstractContextManager
from typing import Protocol, Self

from search.jobs import Driver
from trainable.run import Run


class Executor(AbstractContextManager["Executor"], Protocol):
    in_process: bool  # whether trials train in this very process

    def __enter__(self) -> Self:
        """Find the workers; InputError when the machine or cluster cannot give what was asked for."""

    def slots(self) -> int:
        """Jobs at a time, as things are now."""

    def execute(self, driver: Driver, run: Run) -> None:
        """Work until the driver has finished. Raises what its driver raises, KeyboardInterrupt among it."""


def open_executor(
    name: str, *, address: str | None, cpus: float | None, gpus: float | str | None, hang_minutes: float
) -> Executor:
    """An executor by its name. cpus, gpus: of one trial; None takes what suits the machine, gpus "auto"
    what epochs are seen to need (search.packing)."""
    if name == "inline":
        from search.executors.inline import Inline

        return Inline()
    from search.executors.ray_tune import RayTune  # Ray takes seconds to import

    return RayTune(address, cpus, gpus, hang_minutes)
