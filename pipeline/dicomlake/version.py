"""The version. `pyproject.toml` and `Cargo.toml` say the same, and a test compares them: reading a distribution's metadata takes 20 ms."""

VERSION = "0.1.0"
