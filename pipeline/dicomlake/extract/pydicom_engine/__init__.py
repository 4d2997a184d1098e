"""The trusted engine: every header read by plain Python, on pydicom's knowledge of DICOM."""

from dicomlake.extract.pydicom_engine.engine import PydicomEngine

__all__ = ["PydicomEngine"]
