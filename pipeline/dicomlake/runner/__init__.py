"""Runners of units of work: on Dask, or one after the other in this process."""

from dicomlake.runner.protocol import Outcome, Runner
from dicomlake.runner.requirements import Requirements
from dicomlake.runner.serial import SerialRunner
from dicomlake.runner.starting import RunnerStarter, runner_starter

__all__ = ["Outcome", "Requirements", "Runner", "RunnerStarter", "SerialRunner", "runner_starter"]
