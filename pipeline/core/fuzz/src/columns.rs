//! What is asked for: the standard columns of `schema/columns.csv`, those that users may add, and the tables of row takers.

use std::sync::Arc;

use dicomlake_core::taker::{FrameAttribute, FrameTable, TakerKind, standard_takers};
use dicomlake_core::value::DictionaryVr;
use dicomlake_core::value::typed::{ItemType, ReadColumn};
use dicomlake_core::vr::{Letters, Vr};
use dicomlake_core::wanted::{ItemChoice, Step};

/// Attributes of frames, as rows of `columns.csv`: the path is one below a functional groups item.
const OF_FRAMES: &str = r#"
StackID,,FrameContentSequence.StackID,"(0020,9111).(0020,9056)",SH,1,string,
DimensionIndexValues,,FrameContentSequence.DimensionIndexValues,"(0020,9111).(0020,9157)",UL,1-n,list<int64>,
FrameAcquisitionDateTime,,FrameContentSequence.FrameAcquisitionDateTime,"(0020,9111).(0018,9074)",DT,1,timestamp[us],
PixelSpacing,,PixelMeasuresSequence.PixelSpacing,"(0028,9110).(0028,0030)",DS,2,list<float64>,
private_frame,,PrivateItems.PrivateNumber,"(0009,0003)@DICOMLAKE.(0009,0001)@DICOMLAKE",DS,1,float64,
label,,SegmentLabel,"(0062,0005)",LO,1,string,
"#;

const STANDARD: &str = include_str!("../../../dicomlake/schema/columns.csv");

/// Columns of users, as rows of `columns.csv`: private ones (behind `@` their creator), items of items, lists, every type.
const OF_USERS: &str = r#"
private_text,,PrivateText,"(0029,0010)@SIEMENS CSA HEADER",OB,1,string,
private_number,,PrivateNumber,"(0009,0001)@DICOMLAKE",DS,1,float64,
private_list,,PrivateList,"(0009,0002)@DICOMLAKE",DS,1-n,list<float64>,
private_items,,PrivateItems[*].PrivateItem,"(0009,0003)@DICOMLAKE.(0009,0004)@DICOMLAKE",IS,1,list<int64>,
references,,ReferencedImageSequence[*].ReferencedSOPInstanceUID,"(0008,1140).(0008,1155)",UI,1,list<string>,
frame_times,,PerFrame[*].FrameContent[0].FrameReferenceDateTime,"(5200,9230).(0020,9111).(0018,9151)",DT,1,list<timestamp[us]>,
frame_centers,,PerFrame[*].FrameVOILUT[*].WindowCenter,"(5200,9230).(0028,9132).(0028,1050)",DS,1,list<float64>,
second_name,,RequestAttributesSequence[1].ScheduledProcedureStepDescription,"(0040,0275).(0040,0007)",LO,1,string,
every_name,,RequestAttributesSequence[*].ScheduledProcedureStepDescription,"(0040,0275).(0040,0007)",LO,1,list<string>,
smallest,,SmallestImagePixelValue,"(0028,0106)",US or SS,1,int32,
descriptor,,RedPaletteColorLookupTableDescriptor,"(0028,1101)",US or SS,3,list<int32>,
pointers,,FrameIncrementPointer,"(0028,0009)",AT,1-n,list<string>,
dates,,DateOfSecondaryCapture,"(0018,1012)",DA,1-n,list<date32>,
times,,TimeOfSecondaryCapture,"(0018,1014)",TM,1-n,list<time>,
truth,,QualityControlImage,"(0028,0300)",CS,1,bool,
names,,OperatorsName,"(0008,1070)",PN,1-n,list<string>,
comment,,ImageComments,"(0020,4000)",LT,1,string,
vector,,Vector,"(0066,0016)",OF,1,string,
"#;

/// All of them, each with the path to its element.
#[must_use]
pub fn all() -> Vec<(ReadColumn, Vec<Step>)> {
    STANDARD.lines().skip(1).chain(OF_USERS.lines()).filter(|row| !row.is_empty()).map(column).collect()
}

/// The tables of every row taker.
#[must_use]
pub fn takers() -> Vec<Arc<dyn TakerKind>> {
    let attributes = OF_FRAMES.lines().filter(|row| !row.is_empty()).map(|row| {
        let (column, path) = column(row);
        FrameAttribute { column, paths: vec![path] }
    });
    let frames: Arc<dyn TakerKind> = Arc::new(FrameTable::new(attributes.collect()));
    let tables = ["instance_references", "segments", "content_items"].map(str::to_owned);
    standard_takers(&tables).into_iter().chain([frames]).collect()
}

fn column(row: &str) -> (ReadColumn, Vec<Step>) {
    let fields = fields(row);
    let [name, _, path, tags, vr, vm, item, ..] = fields.as_slice() else {
        panic!("columns.csv: {row}");
    };
    let steps: Vec<Step> = path.split('.').zip(split_tags(tags)).map(|(step, tag)| self::step(step, tag)).collect();
    let inside = item.strip_prefix("list<").and_then(|rest| rest.strip_suffix('>'));
    let expected: Vec<Letters> = vr.split(" or ").map(|vr| vr.as_bytes().try_into().expect("two letters")).collect();
    let column = ReadColumn {
        name: name.clone(),
        tag: steps.last().expect("a step").tag,
        vr: if vr == "US or SS" { DictionaryVr::BySign } else { DictionaryVr::One(Vr::of(expected[0]).expect("a VR")) },
        expected,
        item: item_type(inside.unwrap_or(item)),
        is_list: inside.is_some(),
        gathers: steps.iter().any(|step| step.item == Some(ItemChoice::Every)),
        is_partition: name == "Modality",
        is_single: vm == "1",
    };
    (column, steps)
}

/// The fields of a row of which some stand in quotes, in which no quote stands.
fn fields(row: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut quoted = false;
    for character in row.chars() {
        match character {
            '"' => quoted = !quoted,
            ',' if !quoted => fields.push(String::new()),
            _ => fields.last_mut().expect("a field").push(character),
        }
    }
    fields
}

/// `(0008,1140).(0008,1155)`, cut at the points between tags.
fn split_tags(tags: &str) -> impl Iterator<Item = &str> {
    tags.split(".(").map(|tag| tag.trim_start_matches('('))
}

fn step(step: &str, tag: &str) -> Step {
    let (tag, creator) = tag.split_once('@').unwrap_or((tag, ""));
    let hex: String = tag.chars().filter(char::is_ascii_hexdigit).collect();
    let item = step.split_once('[').map(|(_, item)| match item.trim_end_matches(']') {
        "*" => ItemChoice::Every,
        index => ItemChoice::At(index.parse().expect("an index")),
    });
    let creator = (!creator.is_empty()).then(|| creator.to_owned());
    Step { tag: u32::from_str_radix(&hex, 16).expect("a tag"), creator, item }
}

fn item_type(name: &str) -> ItemType {
    ItemType::named(name).unwrap_or_else(|| panic!("columns.csv: {name}"))
}
