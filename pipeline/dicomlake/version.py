"""The version, as the distribution's metadata has it."""

from importlib.metadata import PackageNotFoundError, version

try:
    VERSION = version("dicomlake")
except PackageNotFoundError:  # a checkout that was never installed
    VERSION = "0"
