//! The takers of references, segments and content items: their rows of small files, in every transfer syntax.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unreachable,
    clippy::unwrap_used,
    reason = "a test says loudly what went wrong, in its helpers too"
)]

mod files;
mod scanned;

use std::time::Duration;

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{Array, RecordBatch};
use arrow_schema::DataType;
use dicomlake_core::drive::ReadingLimits;
use dicomlake_core::scan::ScanPlan;
use dicomlake_core::table::Batches;
use dicomlake_core::taker::standard_takers;
use dicomlake_core::vr::Vr;
use dicomlake_core::wanted::Step;
use files::{B, BIG_ENDIAN, DEFLATED, E, EXPLICIT, I, IMPLICIT, Random, Writer, damaged, deflated, part10};
use scanned::{Folder, batches_of};

const TABLES: [&str; 3] = ["instance_references", "segments", "content_items"];

const REFERENCED_SERIES: u32 = 0x0008_1115;
const REFERENCED_IMAGES: u32 = 0x0008_1140;
const REFERENCED_INSTANCES: u32 = 0x0008_114A;
const REFERENCED_STUDIES: u32 = 0x0008_1110;
const CLASS: u32 = 0x0008_1150;
const INSTANCE: u32 = 0x0008_1155;
const STUDY: u32 = 0x0020_000D;
const SERIES: u32 = 0x0020_000E;
const CONTENT: u32 = 0x0040_A730;
const VALUE_TYPE: u32 = 0x0040_A040;
const CONCEPT: u32 = 0x0040_A043;

fn plan(tables: &[&str]) -> ScanPlan {
    let names = [("SOPInstanceUID", 0x0008_0018, Vr::UI), ("PatientID", 0x0010_0020, Vr::LO)];
    let column = |(name, tag, vr): (&str, u32, Vr)| {
        (scanned::column(name, tag, vr), vec![Step { tag, creator: None, item: None }])
    };
    let limits = ReadingLimits { first_read: 256, header_limit: 64 << 20, file_time_limit: Duration::from_secs(600) };
    let tables: Vec<String> = tables.iter().map(|table| (*table).to_owned()).collect();
    ScanPlan::new(names.into_iter().map(column).collect(), limits, false).with_takers(standard_takers(&tables))
}

/// A cell as text; of null nothing.
fn cell(column: &dyn Array, row: usize) -> String {
    if column.is_null(row) {
        return String::new();
    }
    match column.data_type() {
        DataType::Utf8 => column.as_string::<i32>().value(row).to_owned(),
        DataType::Int64 => column.as_primitive::<Int64Type>().value(row).to_string(),
        DataType::List(_) => {
            let list = column.as_list::<i32>().value(row);
            (0..list.len()).map(|at| cell(&list, at)).collect::<Vec<_>>().join(",")
        }
        DataType::Float64 => column.as_primitive::<arrow_array::types::Float64Type>().value(row).to_string(),
        DataType::Timestamp(..) => {
            column.as_primitive::<arrow_array::types::TimestampMicrosecondType>().value(row).to_string()
        }
        other => panic!("{other:?}"),
    }
}

/// Some columns of the rows of a table, with `|` between them.
fn rows(found: &Batches, table: &str, columns: &[&str]) -> Vec<String> {
    lines(batches_of(found, table), columns)
}

fn lines(batches: &[RecordBatch], columns: &[&str]) -> Vec<String> {
    let of_batch = |batch: &RecordBatch| {
        let columns: Vec<_> = columns.iter().map(|name| batch.column_by_name(name).unwrap().clone()).collect();
        let row = |row: usize| columns.iter().map(|column| cell(column, row)).collect::<Vec<_>>().join("|");
        (0..batch.num_rows()).map(row).collect::<Vec<_>>()
    };
    batches.iter().flat_map(of_batch).collect()
}

/// A data set in every transfer syntax.
fn in_every_syntax(data_set: impl Fn(Writer) -> Vec<u8>) -> Vec<Vec<u8>> {
    let with_key = |writer: Writer| [writer.element(0x0008_0018, "UI", "1.2.3"), data_set(writer)].concat();
    vec![
        part10(EXPLICIT, &with_key(E)),
        part10(IMPLICIT, &with_key(I)),
        part10(BIG_ENDIAN, &with_key(B)),
        part10(DEFLATED, &deflated(&with_key(E))),
    ]
}

/// Holds a table to these rows, in every transfer syntax.
fn check(table: &str, columns: &[&str], data_set: impl Fn(Writer) -> Vec<u8>, wanted: &[&str]) {
    let folder = Folder::new(&format!("{table}-{}-{}", columns.join("-"), wanted.len()));
    for file in in_every_syntax(data_set) {
        assert_eq!(rows(&folder.scan(&[file], &plan(&TABLES)), table, columns), wanted);
    }
}

fn uid(writer: Writer, tag: u32, text: &str) -> Vec<u8> {
    writer.element(tag, "UI", text)
}

fn code(writer: Writer, sequence: u32, value: &str, meaning: &str) -> Vec<u8> {
    let elements = [
        writer.element(0x0008_0100, "SH", value),
        writer.element(0x0008_0102, "SH", "DCM"),
        writer.element(0x0008_0104, "LO", meaning),
    ];
    writer.sequence(sequence, &[writer.item(&elements.concat())])
}

#[test]
fn references_have_what_stands_around_them() {
    let columns =
        ["element_path", "ReferencedSOPClassUID", "ReferencedSOPInstanceUID", "ReferencedSeriesInstanceUID", "times"];
    let data_set = |writer: Writer| {
        let image =
            |instance: &str| writer.item(&[uid(writer, CLASS, "1.9"), uid(writer, INSTANCE, instance)].concat());
        let images = writer.sequence(REFERENCED_INSTANCES, &[image("2.1"), image("2.2"), image("2.1")]);
        // The series stands behind its instances.
        let series = writer.open_item(&[images, uid(writer, SERIES, "1.5")].concat());
        let alone = writer.item(&uid(writer, SERIES, "1.6"));
        let empty = writer.item(&uid(writer, INSTANCE, ""));
        let direct = writer.sequence(REFERENCED_IMAGES, &[image("2.1"), empty]);
        [writer.open_sequence(REFERENCED_SERIES, &[series, alone]), direct].concat()
    };
    let wanted = [
        "ReferencedSeriesSequence.ReferencedInstanceSequence|1.9|2.1|1.5|2",
        "ReferencedSeriesSequence.ReferencedInstanceSequence|1.9|2.2|1.5|1",
        "ReferencedSeriesSequence|||1.6|1",
        "ReferencedImageSequence|1.9|2.1||1",
    ];
    check("instance_references", &columns, data_set, &wanted);
}

#[test]
fn the_nearest_item_around_tells_study_and_frame_of_reference() {
    let columns = ["element_path", "ReferencedStudyInstanceUID", "ReferencedFrameOfReferenceUID"];
    let data_set = |writer: Writer| {
        let image = writer.item(&uid(writer, INSTANCE, "2.1"));
        let inner = [writer.sequence(REFERENCED_IMAGES, &[image]), uid(writer, 0x3006_0024, "1.7")].concat();
        let outer = [writer.sequence(REFERENCED_SERIES, &[writer.item(&inner)]), uid(writer, STUDY, "1.4")].concat();
        let study = writer.item(&[uid(writer, STUDY, "1.3"), uid(writer, 0x0020_0052, "1.8")].concat());
        let top = uid(writer, STUDY, "1.1");
        [writer.sequence(REFERENCED_STUDIES, &[writer.item(&outer), study]), top].concat()
    };
    let wanted = [
        "ReferencedStudySequence.ReferencedSeriesSequence.ReferencedImageSequence|1.4|1.7",
        "ReferencedStudySequence|1.3|1.8",
    ];
    check("instance_references", &columns, data_set, &wanted);
}

#[test]
fn of_a_sequence_that_comes_twice_the_last_one_counts() {
    let image = |instance: &str| E.item(&uid(E, INSTANCE, instance));
    let sequence = |instances: &[&str]| {
        E.sequence(REFERENCED_IMAGES, &instances.iter().map(|instance| image(instance)).collect::<Vec<_>>())
    };
    let inner = [sequence(&["2.1"]), sequence(&["2.2", "2.3"])].concat();
    let data_set = [E.keys(), E.sequence(REFERENCED_SERIES, &[E.item(&inner)]), sequence(&["2.4"])].concat();
    let found = Folder::new("twice").scan(&[part10(EXPLICIT, &data_set)], &plan(&TABLES));
    assert_eq!(rows(&found, "instance_references", &["ReferencedSOPInstanceUID"]), ["2.2", "2.3", "2.4"]);
}

#[test]
fn private_sequences_refer_too() {
    let image = E.item(&[uid(E, INSTANCE, "2.1"), uid(E, INSTANCE, "")].concat());
    let private = [E.element(0x0029_0010, "LO", "ME"), E.sequence(0x0029_1001, &[image])].concat();
    let found = Folder::new("private").scan(&[part10(EXPLICIT, &[E.keys(), private].concat())], &plan(&TABLES));
    assert_eq!(rows(&found, "instance_references", &["element_path", "ReferencedSOPInstanceUID"]), ["(0029,1001)|2.1"]);
}

#[test]
fn segments_have_their_codes_and_frames() {
    let columns = [
        "segment_number",
        "kind",
        "label",
        "algorithm_name",
        "category_code",
        "type_meaning",
        "recommended_cielab",
        "frames",
        "FrameOfReferenceUID",
        "source_series",
    ];
    let data_set = |writer: Writer| {
        let short = |tag: u32, number: u16| {
            let bytes = if writer.little { number.to_le_bytes() } else { number.to_be_bytes() };
            writer.element(tag, "US", bytes)
        };
        let color = [1_u16, 2, 3].map(|number| if writer.little { number.to_le_bytes() } else { number.to_be_bytes() });
        let algorithm = writer.item(&writer.element(0x0066_0036, "LO", "net"));
        let first = [
            code(writer, 0x0062_0003, "T-1", "Tissue"),
            short(0x0062_0004, 1),
            writer.element(0x0062_0005, "LO", "liver"),
            writer.sequence(0x0062_0007, &[algorithm]),
            writer.element(0x0062_000D, "US", color.concat()),
            code(writer, 0x0062_000F, "T-2", "Liver"),
        ];
        let second = [short(0x0062_0004, 2), writer.element(0x0062_0009, "LO", "hand")];
        let segments = writer.sequence(0x0062_0002, &[writer.item(&first.concat()), writer.item(&second.concat())]);
        let frame = |segment: u16| {
            let identification = writer.item(&short(0x0062_000B, segment));
            writer.item(&writer.sequence(0x0062_000A, &[identification]))
        };
        let groups = writer.sequence(0x5200_9230, &[frame(1), frame(1), frame(2), writer.item(&[])]);
        let series = |uid_text: &str| writer.item(&uid(writer, SERIES, uid_text));
        let sources = writer.sequence(REFERENCED_SERIES, &[series("1.6"), series("1.5"), series("1.6")]);
        [sources, uid(writer, 0x0020_0052, "1.7"), segments, groups].concat()
    };
    let wanted = ["1|segment|liver|net|T-1|Liver|1,2,3|2|1.7|1.5,1.6", "2|segment||hand||||1|1.7|1.5,1.6"];
    check("segments", &columns, data_set, &wanted);
}

#[test]
fn frames_that_name_no_segment_have_the_shared_one() {
    let number = E.element(0x0062_0004, "US", [3, 0]);
    let identification = E.item(&E.element(0x0062_000B, "US", [3, 0]));
    let shared = E.sequence(0x5200_9229, &[E.item(&E.sequence(0x0062_000A, &[identification]))]);
    let frames = E.sequence(0x5200_9230, &[E.item(&[]), E.item(&[])]);
    let segments = E.sequence(0x0062_0002, &[E.item(&number)]);
    let with = part10(EXPLICIT, &[E.keys(), segments.clone(), shared.clone(), frames].concat());
    let without = part10(EXPLICIT, &[E.keys(), segments, shared].concat());
    let found = Folder::new("shared").scan(&[with, without], &plan(&TABLES));
    assert_eq!(rows(&found, "segments", &["segment_number", "frames"]), ["3|2", "3|"]);
}

#[test]
fn regions_have_what_other_sequences_say_of_them() {
    let columns = [
        "segment_number",
        "kind",
        "label",
        "interpreted_type",
        "type_code",
        "recommended_cielab",
        "contours",
        "FrameOfReferenceUID",
        "source_series",
    ];
    let data_set = |writer: Writer| {
        let is = |tag: u32, number: &str| writer.element(tag, "IS", number);
        let region = |number: &str, name: &str, frame: &str| {
            let name = writer.element(0x3006_0026, "LO", name);
            writer.item(&[is(0x3006_0022, number), uid(writer, 0x3006_0024, frame), name].concat())
        };
        let frame_of = |frame: &str, series: &str| {
            let series = writer.sequence(0x3006_0014, &[writer.item(&uid(writer, SERIES, series))]);
            let study = writer.sequence(0x3006_0012, &[writer.item(&series)]);
            writer.item(&[uid(writer, 0x0020_0052, frame), study].concat())
        };
        let regions = [region("1", "PTV", "1.7"), region("2", "Heart", "1.9"), region("3", "Lung", "1.8")];
        let contour = writer.item(&writer.element(0x3006_0050, "DS", "1\\2\\3"));
        let contours = writer.sequence(0x3006_0040, &[contour.clone(), contour]);
        let drawn = [is(0x3006_002A, "255\\0\\9"), contours, is(0x3006_0084, "2")].concat();
        let observation = [
            is(0x3006_0084, "2"),
            code(writer, 0x3006_0086, "T-9", "Heart"),
            writer.element(0x3006_00A4, "CS", "ORGAN"),
        ];
        [
            writer.sequence(0x3006_0010, &[frame_of("1.7", "1.5"), frame_of("1.8", "1.6")]),
            writer.sequence(0x3006_0020, &regions),
            writer.sequence(0x3006_0039, &[writer.item(&drawn), writer.item(&is(0x3006_0084, "3"))]),
            writer.sequence(0x3006_0080, &[writer.item(&observation.concat())]),
        ]
        .concat()
    };
    let wanted = ["1|roi|PTV|||||1.7|1.5", "2|roi|Heart|ORGAN|T-9|255,0,9|2|1.9|1.5,1.6", "3|roi|Lung||||0|1.8|1.6"];
    check("segments", &columns, data_set, &wanted);
}

#[test]
fn groups_of_annotations_are_segments() {
    let columns = ["segment_number", "kind", "label", "tracking_uid", "contours", "graphic_type"];
    let data_set = |writer: Writer| {
        let long = |number: u32| if writer.little { number.to_le_bytes() } else { number.to_be_bytes() };
        let short = if writer.little { [4, 0] } else { [0, 4] };
        let group = [
            writer.element(0x0040_A180, "US", short),
            uid(writer, 0x006A_0003, "1.6"),
            writer.element(0x006A_0005, "LO", "nuclei"),
            writer.element(0x006A_000C, "UL", long(70_000)),
            writer.element(0x0070_0023, "CS", "POLYGON"),
        ];
        writer.sequence(0x006A_0002, &[writer.item(&group.concat())])
    };
    check("segments", &columns, data_set, &["4|annotation-group|nuclei|1.6|70000|POLYGON"]);
}

#[test]
fn a_report_is_a_tree() {
    let columns = [
        "item_number",
        "parent_number",
        "depth",
        "position",
        "ValueType",
        "concept_code",
        "value",
        "NumericValue",
        "unit_code",
    ];
    let data_set = |writer: Writer| {
        let kind = |kind: &str| writer.element(VALUE_TYPE, "CS", kind);
        let unit = code(writer, 0x0040_08EA, "mm", "millimeter");
        let measured = [unit, writer.element(0x0040_A30A, "DS", "12.50 ")].concat();
        let number = writer.item(
            &[
                kind("NUM"),
                code(writer, CONCEPT, "c3", "Length"),
                writer.sequence(0x0040_A300, &[writer.item(&measured)]),
            ]
            .concat(),
        );
        let text = writer.item(&[kind("TEXT"), writer.element(0x0040_A160, "UT", "all is well")].concat());
        let inner = writer.sequence(CONTENT, &[text, number]);
        let container = writer.item(&[kind("CONTAINER"), code(writer, CONCEPT, "c2", "Findings"), inner].concat());
        let coded = writer.item(&[kind("CODE"), code(writer, 0x0040_A168, "v1", "Normal")].concat());
        let order = if writer.little { [1, 0, 0, 0, 2, 0, 0, 0] } else { [0, 0, 0, 1, 0, 0, 0, 2] };
        let by_reference = writer.item(&writer.element(0x0040_DB73, "UL", order));
        [
            kind("CONTAINER"),
            code(writer, CONCEPT, "c1", "Report"),
            writer.open_sequence(CONTENT, &[coded, container, by_reference]),
        ]
        .concat()
    };
    let wanted = [
        "1||0|1|CONTAINER|c1|||",
        "2|1|1|1.1|CODE||Normal||",
        "3|1|1|1.2|CONTAINER|c2|||",
        "4|3|2|1.2.1|TEXT||all is well||",
        "5|3|2|1.2.2|NUM|c3|12.50 mm|12.5|mm",
        "6|1|1|1.3|||1.2||",
    ];
    check("content_items", &columns, data_set, &wanted);
}

#[test]
fn other_sequences_hold_content_items_that_have_no_parent() {
    let columns = ["item_number", "parent_number", "depth", "position", "element_path", "value"];
    let data_set = |writer: Writer| {
        let text = |text: &str| writer.element(0x0040_A160, "UT", text);
        let child = writer.sequence(CONTENT, &[writer.item(&text("child"))]);
        let step = writer.item(&[text("step"), child].concat());
        let steps = writer.sequence(0x0040_0612, &[step]);
        let preparation = writer.sequence(0x0040_0610, &[writer.item(&[]), writer.item(&steps)]);
        let specimen = writer.sequence(0x0040_0560, &[writer.item(&preparation)]);
        let context = writer.sequence(0x0040_0555, &[writer.item(&text("context")), writer.item(&[])]);
        let elsewhere =
            writer.sequence(0x0040_A375, &[writer.item(&writer.sequence(CONTENT, &[writer.item(&text("else"))]))]);
        [context, specimen, elsewhere].concat()
    };
    let steps = "SpecimenDescriptionSequence.SpecimenPreparationSequence.SpecimenPreparationStepContentItemSequence";
    let wanted = [
        "1||0|1|AcquisitionContextSequence|context".to_owned(),
        "2||0|2|AcquisitionContextSequence|".to_owned(),
        format!("3||0|1.2.1|{steps}|step"),
        format!("4|3|1|1.2.1.1|{steps}|child"),
        "5||0|1.1|CurrentRequestedProcedureEvidenceSequence.ContentSequence|else".to_owned(),
    ];
    check("content_items", &columns, data_set, &wanted.each_ref().map(String::as_str));
}

#[test]
fn takers_change_nothing_elsewhere_and_hear_the_same_with_others() {
    let folder = Folder::new("others");
    let report = |writer: Writer| {
        let text = writer.item(&writer.element(0x0040_A160, "UT", "text"));
        let image = writer.item(&uid(writer, INSTANCE, "2.1"));
        let reference = writer.item(&writer.sequence(0x0008_1199, &[image]));
        let number = writer.element(0x0062_0004, "US", [7, 7]);
        let segment = writer.item(&[number, writer.element(0x0062_0005, "LO", "label")].concat());
        let content = writer.open_sequence(CONTENT, &[text, reference]);
        [content, writer.sequence(0x0062_0002, &[segment])].concat()
    };
    let mut files = in_every_syntax(report);
    let mut random = Random(11);
    for number in 0..400 {
        let whole = files[number % 4].clone();
        files.push(damaged(&mut random, &whole));
    }
    for length in (0..files[0].len()).step_by(5) {
        files.push(files[0][..length].to_vec());
    }
    let (with, without) = (folder.scan(&files, &plan(&TABLES)), folder.scan(&files, &plan(&[])));
    assert_eq!(with.files, without.files);
    assert_eq!(with.instances, without.instances);
    // Takers add findings of their own, and only these.
    let columns = ["code", "url", "level", "element_path", "tag", "byte_offset", "raw", "message"];
    let of_takers = |line: &String| line.starts_with("repeated-number|") || line.starts_with("too-many-rows|");
    let mut left = lines(&with.findings, &columns);
    left.retain(|line| !of_takers(line));
    assert_eq!(left, lines(&without.findings, &columns));
    for table in TABLES {
        let alone = folder.scan(&files, &plan(&[table]));
        assert_eq!(batches_of(&alone, table), batches_of(&with, table), "{table}");
        let count: usize = batches_of(&with, table).iter().map(RecordBatch::num_rows).sum();
        assert!(count > 20, "{table}: {count}");
    }
}

#[test]
fn a_file_of_very_small_items_loses_rows_and_says_so() {
    let items = vec![E.item(&[]); 20_000];
    let content = part10(EXPLICIT, &[E.keys(), E.sequence(CONTENT, &items)].concat());
    let found = Folder::new("small").scan(&[content], &plan(&TABLES));
    let count: usize = batches_of(&found, "content_items").iter().map(RecordBatch::num_rows).sum();
    assert!((500..20_000).contains(&count), "{count}");
    let codes = found.findings[0].column_by_name("code").unwrap().as_string::<i32>();
    assert!(codes.iter().flatten().any(|code| code == "too-many-rows"));
}
