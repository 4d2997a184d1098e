"""Where units of work run: in this process and its threads, or on Dask."""

from dicomlake.runner.protocol import Outcome, Runner
from dicomlake.runner.requirements import Requirements
from dicomlake.runner.serial import SerialRunner
from dicomlake.runner.starting import runner_starter
from dicomlake.runner.threads import ThreadRunner

__all__ = ["Outcome", "Requirements", "Runner", "SerialRunner", "ThreadRunner", "runner_starter"]
