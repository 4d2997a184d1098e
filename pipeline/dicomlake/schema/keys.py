"""The keys by which tables join: `patient_key`, `study_key` and `series_key`.

A key is XXH3 of 128 bits with seed 0, as 32 lower-case hex digits in canonical (big-endian) order. It covers the attributes of its level,
in order, with the values that the columns of `instances` have:

* patient: IssuerOfPatientID, PatientID;
* study: StudyInstanceUID;
* series: StudyInstanceUID, SeriesInstanceUID.

The digest covers, for each attribute, one byte 0 where the value is null; or one byte 1, the length of its UTF-8 text as 8 bytes in little
endian, and the text. So a key is never null, and no two lists of values give the same bytes. `core/src/table/keys.rs` computes the same.
"""

from __future__ import annotations

from xxhash import xxh3_128_hexdigest


def entity_key(*values: str | None) -> str:
    """The key of a patient, study or series by the values of its key attributes, in order."""
    parts: list[bytes] = []
    for value in values:
        if value is None:
            parts.append(b"\0")
        else:
            text = value.encode()
            parts += [b"\1", len(text).to_bytes(8, "little"), text]
    return xxh3_128_hexdigest(b"".join(parts))
