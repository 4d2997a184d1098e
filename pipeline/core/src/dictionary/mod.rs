//! The data dictionary: PS3.6, its UIDs, and what is known of private elements, answered as by Python's
//! `dicomlake.schema.dictionary`.
//!
//! Tags are asked for once for each element of a file: they stand in a hash table that is made with the tables. All
//! else is asked for seldom, and searched.

mod tables;
#[cfg(test)]
mod tests;

use tables::{
    ENTRIES, HASH_FACTOR, HASH_SHIFT, PRIVATE_DICTIONARIES, PRIVATE_VRS, REPEATING_ENTRIES, SLOTS, UID_NAMES,
};

const LAST_SLOT: usize = SLOTS.len() - 1;

/// What PS3.6 says of a tag.
#[derive(Debug, PartialEq, Eq)]
pub struct Entry {
    /// The tag; of an entry that stands for many, with 0 for each digit that varies.
    pub tag: u32,
    /// The VR, or several, as in `US or SS`.
    pub vr: &'static str,
    /// The keyword; a few retired tags have none.
    pub keyword: &'static str,
}

/// An entry that stands for all tags that agree with its own on the bits of the mask (PS3.5 7.6).
struct RepeatingEntry {
    mask: u32,
    entry: Entry,
}

/// The elements of one private creator (PS3.5 7.8).
#[derive(Debug)]
pub struct PrivateDictionary {
    /// Group, low byte of the element and index of the VR, in this order.
    elements: &'static [(u16, u8, u8)],
    /// Likewise, with the high byte of the groups in which the element may stand.
    of_any_group: &'static [(u8, u8, u8)],
}

/// The entry of a public tag, those for repeating groups included; none where PS3.6 has none.
#[must_use]
#[inline]
pub fn entry_of_tag(tag: u32) -> Option<&'static Entry> {
    exact_entry(tag).or_else(|| repeating_entry(tag))
}

/// Whether PS3.6 has this very tag, repeating groups not counted.
#[must_use]
#[inline]
pub fn is_public_tag(tag: u32) -> bool {
    exact_entry(tag).is_some()
}

/// Whether this very tag is a sequence by PS3.6, repeating groups not counted.
#[must_use]
#[inline]
pub fn is_sequence_tag(tag: u32) -> bool {
    exact_entry(tag).is_some_and(|entry| entry.vr == "SQ")
}

/// The name of a UID in PS3.6, which is empty for a few retired ones.
#[must_use]
pub fn name_of_uid(uid: &str) -> Option<&'static str> {
    let index = UID_NAMES.binary_search_by_key(&uid, |&(known, _)| known).ok()?;
    UID_NAMES.get(index).map(|&(_, name)| name)
}

/// The elements of a private creator that are known.
#[must_use]
pub fn private_dictionary(creator: &str) -> Option<&'static PrivateDictionary> {
    let index = PRIVATE_DICTIONARIES.binary_search_by_key(&creator, |&(known, _)| known).ok()?;
    PRIVATE_DICTIONARIES.get(index).map(|(_, dictionary)| dictionary)
}

impl PrivateDictionary {
    /// The VR of the element with this low byte in any of the creator's blocks of a group.
    ///
    /// It may be several (`US or SS`), or a name that PS3.5 does not have (`OB_OW`).
    #[must_use]
    pub fn vr(&self, group: u16, low_byte: u8) -> Option<&'static str> {
        let [group_high, _] = group.to_be_bytes();
        let index =
            found(self.elements, (group, low_byte)).or_else(|| found(self.of_any_group, (group_high, low_byte)))?;
        PRIVATE_VRS.get(usize::from(index)).copied()
    }
}

fn found<G: Ord + Copy>(elements: &[(G, u8, u8)], element: (G, u8)) -> Option<u8> {
    let index = elements.binary_search_by_key(&element, |&(group, low_byte, _)| (group, low_byte)).ok()?;
    elements.get(index).map(|&(_, _, vr)| vr)
}

#[inline]
fn exact_entry(tag: u32) -> Option<&'static Entry> {
    let mut slot = (tag.wrapping_mul(HASH_FACTOR) >> HASH_SHIFT) as usize;
    // A tag stands in the first slot from that of its hash on that was free. Two of three are left free, so that the
    // search ends.
    loop {
        let entry = ENTRIES.get(usize::from(*SLOTS.get(slot)?))?;
        if entry.tag == tag {
            return Some(entry);
        }
        slot = slot.wrapping_add(1) & LAST_SLOT;
    }
}

#[cold]
fn repeating_entry(tag: u32) -> Option<&'static Entry> {
    let is_private = tag & 0x0001_0000 != 0;
    if is_private {
        return None;
    }
    REPEATING_ENTRIES
        .iter()
        .find(|repeating| (tag ^ repeating.entry.tag) & repeating.mask == 0)
        .map(|found| &found.entry)
}

const fn entry(tag: u32, vr: &'static str, keyword: &'static str) -> Entry {
    Entry { tag, vr, keyword }
}
