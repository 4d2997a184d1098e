"""Where units of work run: in this process, or on Dask."""

from dicomlake.runner.protocol import Outcome, Runner
from dicomlake.runner.serial import SerialRunner

__all__ = ["Outcome", "Runner", "SerialRunner"]
