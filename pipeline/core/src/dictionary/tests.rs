//! A row of each kind, and a check that the hash table loses no tag. `make_dictionary.py --check` compares the tables with
//! those of pydicom, which come from PS3.6.

use super::tables::ENTRIES;
use super::{entry_of_tag, is_public_tag, is_sequence_tag, name_of_uid, private_dictionary};

fn vr_and_keyword(tag: u32) -> Option<(&'static str, &'static str)> {
    entry_of_tag(tag).map(|entry| (entry.vr, entry.keyword))
}

#[test]
fn a_public_tag_has_its_entry() {
    assert_eq!(vr_and_keyword(0x0008_0005), Some(("CS", "SpecificCharacterSet")));
    assert_eq!(vr_and_keyword(0x0028_0106), Some(("US or SS", "SmallestImagePixelValue")));
    assert_eq!(vr_and_keyword(0x0018_0061), Some(("DS", "")));
    assert_eq!(vr_and_keyword(0x0008_0003), None);
}

#[test]
fn a_repeating_group_has_an_entry_where_it_is_even() {
    assert_eq!(vr_and_keyword(0x6002_3000), Some(("OB or OW", "OverlayData")));
    assert_eq!(vr_and_keyword(0x6001_3000), None);
    assert!(!is_public_tag(0x6000_3000));
    assert!(!is_sequence_tag(0x5000_2600));
}

#[test]
fn every_entry_is_found_by_its_tag() {
    for entry in &ENTRIES {
        assert_eq!(entry_of_tag(entry.tag), Some(entry));
        assert!(is_public_tag(entry.tag));
        assert_eq!(is_sequence_tag(entry.tag), entry.vr == "SQ");
    }
}

#[test]
fn a_private_element_has_a_vr_by_its_creator() {
    let vr = |creator, group, low_byte| private_dictionary(creator).and_then(|known| known.vr(group, low_byte));
    assert_eq!(vr("SIEMENS CSA HEADER", 0x0029, 0x10), Some("OB"));
    assert_eq!(vr("SIEMENS CSA HEADER", 0x0029, 0x11), None);
    assert_eq!(vr("SIEMENS CSA HEADER ", 0x0029, 0x10), None);
}

#[test]
fn a_uid_has_a_name() {
    assert_eq!(name_of_uid("1.2.840.10008.1.2"), Some("Implicit VR Little Endian"));
    assert_eq!(name_of_uid("1.2.840.10008.5.1.4.1.1.40"), Some(""));
    assert_eq!(name_of_uid("1.2.840.10008.1.2."), None);
}
