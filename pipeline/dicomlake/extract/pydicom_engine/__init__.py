"""The engine `pydicom`: headers as pydicom reads them."""

from dicomlake.extract.pydicom_engine.engine import PydicomEngine

__all__ = ["PydicomEngine"]
