"""A header of 12,000 frames into rows: frames, references and their like, on one core, beside pydicom.

The header is that of an enhanced MR with a dozen functional groups in each frame, some 7 MB. Sequences have known lengths, then none.
The best of several scans counts, in seconds of CPU of one thread. Rows are held against what was written.

Checked target: the rows of the header take at most 250 ms. Beside it stand the scan with ``frames: off``, which skips the per-frame
sequence where its length is known, and the walk of pydicom over the same items.

    python benchmarks/frames.py [--frames 12000] [--runs 7] [--folder FOLDER]

It takes a minute. It leaves a dated record in ``benchmarks/records/``.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

os.environ["POLARS_MAX_THREADS"] = "1"

import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian

from dicomlake.extract.engine import Scanned, ScanRequest
from dicomlake.extract.native_engine import NativeEngine
from dicomlake.limits import FrameLimits
from dicomlake.scanning import _as_listed
from dicomlake.schema import LakeSchema
from measure import arguments_parser, finish, parsed, print_targets, record_head, working_folder

LIMIT_SECONDS = 0.25
_ENHANCED_MR = "1.2.840.10008.5.1.4.1.1.4.1"
_SPACING_MM = 2.5


def main() -> int:
    """Run the benchmark, print its figures, leave a record; exit status 1 if a target is missed."""
    parser = arguments_parser(__doc__)
    parser.add_argument("--frames", type=int, default=12_000)
    parser.add_argument("--runs", type=int, default=7, help="the fastest of so many runs counts")
    arguments = parsed(parser, frames=300, runs=1)
    request = ScanRequest(LakeSchema.build())
    figures: dict[str, dict[str, float]] = {}
    targets = []
    with working_folder(arguments.folder) as folder:
        for lengths in ("known lengths", "undefined lengths"):
            path = _written(folder / lengths.split()[0], arguments.frames, undefined=lengths.startswith("undefined"))
            rows, scanned = _best(lambda path=path: _scan(path, request), arguments.runs)  # type: ignore[misc]
            _hold(scanned, arguments.frames)
            off, _ = _best(lambda path=path: _scan(path, replace(request, frames=FrameLimits(read=False))), arguments.runs)  # type: ignore[misc]
            walked, _ = _best(lambda path=path: _walk(path), 1)  # type: ignore[misc]
            figures[lengths] = {"megabytes": path.stat().st_size / 1e6, "rows": rows, "frames off": off, "pydicom": walked}
            what = f"seconds for the rows of {arguments.frames:,} frames, {lengths}"
            targets.append({"what": what, "figure": rows, "at_most": LIMIT_SECONDS, "passed": rows <= LIMIT_SECONDS})
    for lengths, seconds in figures.items():
        print(f"{lengths}: " + ", ".join(f"{name} {figure:.3f}" for name, figure in seconds.items()))
    print_targets(targets)
    head = record_head("frames", f"python benchmarks/frames.py --frames {arguments.frames}", ("pydicom", "polars", "pyarrow"))
    return finish({**head, "seconds": figures, "targets": targets}, arguments, passed=all(target["passed"] for target in targets))


def _best(measured: Callable[[], Any], runs: int) -> tuple[float, Any]:
    """The least CPU seconds of several runs, and what the last one answered."""
    seconds = []
    answer = None
    for _ in range(runs):
        started = time.process_time()
        answer = measured()
        seconds.append(time.process_time() - started)
    return min(seconds), answer


def _scan(path: Path, request: ScanRequest) -> Scanned:
    return NativeEngine().scan(_as_listed([str(path)]), request)


def _walk(path: Path) -> int:
    """Have pydicom parse every item."""
    return sum(1 for _ in pydicom.dcmread(path, stop_before_pixels=True).iterall())


def _hold(scanned: Scanned, frames: int) -> None:
    """The rows are those that were written."""
    rows = scanned.frames
    if rows["frame_number"].to_pylist() != list(range(1, frames + 1)):
        raise SystemExit(f"{rows.num_rows} frames, not {frames}")
    positions = [[0.0, 0.0, number * _SPACING_MM] for number in range(frames)]
    if rows["ImagePositionPatient"].to_pylist() != positions or set(rows["SliceThickness"].to_pylist()) != {_SPACING_MM}:
        raise SystemExit("the positions or the thickness of frames are not those that were written")
    if scanned.instance_references.num_rows != frames:
        raise SystemExit(f"{scanned.instance_references.num_rows} references, not {frames}")


def _written(path: Path, frames: int, *, undefined: bool) -> Path:
    """Write the header."""
    dataset = _item(
        SOPClassUID=_ENHANCED_MR,
        SOPInstanceUID="1.2.3",
        StudyInstanceUID="1.2",
        SeriesInstanceUID="1.2.9",
        PatientID="P",
        Modality="MR",
        NumberOfFrames=frames,
        SharedFunctionalGroupsSequence=[
            _item(
                PixelMeasuresSequence=[_item(PixelSpacing=[1, 1], SliceThickness=_SPACING_MM)],
                PlaneOrientationSequence=[_item(ImageOrientationPatient=[1, 0, 0, 0, 1, 0])],
                MRTimingAndRelatedParametersSequence=[_item(RepetitionTime=2000, FlipAngle=90)],
            )
        ],
        PerFrameFunctionalGroupsSequence=[_frame(number) for number in range(frames)],
    )
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.MediaStorageSOPClassUID, dataset.file_meta.MediaStorageSOPInstanceUID = UID(_ENHANCED_MR), UID("1.2.3")
    if undefined:
        for element in dataset.iterall():
            element.is_undefined_length = element.VR == "SQ"
    dataset.save_as(path, enforce_file_format=True)
    return path


def _frame(number: int) -> Dataset:
    content = _item(StackID="1", InStackPositionNumber=number + 1, TemporalPositionIndex=1, DimensionIndexValues=[1, number + 1])
    content.FrameAcquisitionDateTime = "20200101120000.5"
    gradient = [_item(DiffusionGradientOrientation=[0.0, 0.0, 1.0])]
    source = _item(ReferencedSOPClassUID="1.2.840.10008.5.1.4.1.1.4", ReferencedSOPInstanceUID=f"1.2.3.4.{number}")
    return _item(
        FrameContentSequence=[content],
        PlanePositionSequence=[_item(ImagePositionPatient=[0, 0, number * _SPACING_MM])],
        MREchoSequence=[_item(EffectiveEchoTime=30.0)],
        MRDiffusionSequence=[
            _item(DiffusionBValue=1000.0, DiffusionDirectionality="DIRECTIONAL", DiffusionGradientDirectionSequence=gradient)
        ],
        FrameVOILUTSequence=[_item(WindowCenter=100, WindowWidth=200)],
        PixelValueTransformationSequence=[_item(RescaleIntercept=0, RescaleSlope=1, RescaleType="US")],
        MRImageFrameTypeSequence=[_item(FrameType=["ORIGINAL", "PRIMARY", "M", "NONE"])],
        DerivationImageSequence=[_item(SourceImageSequence=[source])],
    )


def _item(**attributes: object) -> Dataset:
    dataset = Dataset()
    for keyword, value in attributes.items():
        setattr(dataset, keyword, value)
    return dataset


if __name__ == "__main__":
    raise SystemExit(main())
