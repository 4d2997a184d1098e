"""Where units of work run: in this process, or on Dask."""

from dicomlake.runner.protocol import Outcome, Runner
from dicomlake.runner.serial import SerialRunner
from dicomlake.runner.starting import runner_starter

__all__ = ["Outcome", "Runner", "SerialRunner", "runner_starter"]
