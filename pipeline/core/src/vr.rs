//! The value representations of PS3.5 6.2: how an element of each stands, and what its value is made of.

/// The two letters of a VR as they stand in the file.
pub type Letters = [u8; 2];

/// A value representation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
#[allow(missing_docs)] // their names are those of the standard
pub enum Vr {
    AE,
    AS,
    AT,
    CS,
    DA,
    DS,
    DT,
    FD,
    FL,
    IS,
    LO,
    LT,
    OB,
    OD,
    OF,
    OL,
    OV,
    OW,
    PN,
    SH,
    SL,
    SQ,
    SS,
    ST,
    SV,
    TM,
    UC,
    UI,
    UL,
    UN,
    UR,
    US,
    UT,
    UV,
}

/// How texts of a VR are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TextRules {
    /// Leading spaces are no padding.
    pub untrimmed_ahead: bool,
    /// There is one value, in which a backslash is a character.
    pub undivided: bool,
    /// (0008,0005) applies (PS3.5 6.1.2.3).
    pub has_character_set: bool,
}

impl TextRules {
    const fn new(untrimmed_ahead: bool, undivided: bool, has_character_set: bool) -> Self {
        Self { untrimmed_ahead, undivided, has_character_set }
    }

    /// A value less its padding, before it is decoded.
    #[must_use]
    pub fn trim_bytes<'a>(&self, value: &'a [u8]) -> &'a [u8] {
        let mut value = value;
        while let [shorter @ .., b' ' | 0] = value {
            value = shorter;
        }
        while let [b' ' | 0, shorter @ ..] = value
            && !self.untrimmed_ahead
        {
            value = shorter;
        }
        value
    }

    /// A value or a component less its padding.
    #[must_use]
    pub fn trim<'a>(&self, text: &'a str) -> &'a str {
        const PADDING: [char; 2] = [' ', '\0'];
        // Most values need none.
        let padded = |byte: Option<&u8>| matches!(byte, Some(b' ' | 0));
        let text = if padded(text.as_bytes().last()) { text.trim_end_matches(PADDING) } else { text };
        if !self.untrimmed_ahead && padded(text.as_bytes().first()) { text.trim_start_matches(PADDING) } else { text }
    }
}

/// The parts of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// A text.
    Text(TextRules),
    /// Binary numbers of this many bytes each.
    Numbers(usize),
    /// Tags.
    Tags,
    /// Bytes.
    Bytes,
}

impl Vr {
    const ALL: [Self; 34] = {
        use Vr::{
            AE, AS, AT, CS, DA, DS, DT, FD, FL, IS, LO, LT, OB, OD, OF, OL, OV, OW, PN, SH, SL, SQ, SS, ST, SV, TM, UC,
            UI, UL, UN, UR, US, UT, UV,
        };
        [
            AE, AS, AT, CS, DA, DS, DT, FD, FL, IS, LO, LT, OB, OD, OF, OL, OV, OW, PN, SH, SL, SQ, SS, ST, SV, TM, UC,
            UI, UL, UN, UR, US, UT, UV,
        ]
    };

    const NAMES: [&'static str; 34] = [
        "AE", "AS", "AT", "CS", "DA", "DS", "DT", "FD", "FL", "IS", "LO", "LT", "OB", "OD", "OF", "OL", "OV", "OW",
        "PN", "SH", "SL", "SQ", "SS", "ST", "SV", "TM", "UC", "UI", "UL", "UN", "UR", "US", "UT", "UV",
    ];

    /// The VR of two letters, if there is one.
    #[must_use]
    #[inline]
    pub fn of(letters: Letters) -> Option<Self> {
        let [a, b] = letters.map(|letter| usize::from(letter.wrapping_sub(b'A')));
        if a >= LETTERS || b >= LETTERS {
            return None;
        }
        *BY_LETTERS.get(a.wrapping_mul(LETTERS).wrapping_add(b))?
    }

    /// The VR of a name, if there is one.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        <Letters>::try_from(name.as_bytes()).ok().and_then(Self::of)
    }

    /// Its two letters.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::NAMES.get(self as usize).copied().unwrap_or_default()
    }

    /// Whether two reserved bytes and a length of 32 bits follow the VR (PS3.5 7.1.2).
    #[must_use]
    #[inline]
    pub const fn has_long_length(self) -> bool {
        matches!(
            self,
            Self::OB
                | Self::OD
                | Self::OF
                | Self::OL
                | Self::OV
                | Self::OW
                | Self::SQ
                | Self::SV
                | Self::UC
                | Self::UN
                | Self::UR
                | Self::UT
                | Self::UV
        )
    }

    /// The parts of its value.
    #[must_use]
    #[inline]
    pub const fn content(self) -> Content {
        match self {
            Self::SH | Self::LO => Content::Text(TextRules::new(false, false, true)),
            Self::PN | Self::UC => Content::Text(TextRules::new(true, false, true)),
            Self::ST | Self::LT | Self::UT => Content::Text(TextRules::new(true, true, true)),
            Self::UR => Content::Text(TextRules::new(true, true, false)),
            Self::UI => Content::Text(TextRules::new(true, false, false)),
            Self::AE | Self::AS | Self::CS | Self::DA | Self::DS | Self::DT | Self::IS | Self::TM => {
                Content::Text(TextRules::new(false, false, false))
            }
            Self::US | Self::SS => Content::Numbers(2),
            Self::UL | Self::SL | Self::FL => Content::Numbers(4),
            Self::UV | Self::SV | Self::FD => Content::Numbers(8),
            Self::AT => Content::Tags,
            Self::OB | Self::OD | Self::OF | Self::OL | Self::OV | Self::OW | Self::SQ | Self::UN => Content::Bytes,
        }
    }
}

/// How a leaf of explicit VR stands, for the fast way through elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeafForm {
    /// No leaf, or one that wants a closer look.
    None,
    /// With a length of 16 bits behind the VR.
    Short,
    /// With two reserved bytes and a length of 32 bits.
    Long,
}

impl LeafForm {
    /// Of two letters, read as a number in little endian.
    #[must_use]
    #[inline]
    pub fn of(letters: u16) -> Self {
        // Capital letters and their five neighbours: the low five bits of each tell them apart.
        if letters & 0xE0E0 != 0x4040 {
            return Self::None;
        }
        let at = (letters & 0x1F) << 5 | (letters >> 8 & 0x1F);
        FORMS.get(usize::from(at)).copied().unwrap_or(Self::None)
    }
}

#[allow(clippy::indexing_slicing, clippy::arithmetic_side_effects)] // evaluated while compiling, on constants
static FORMS: [LeafForm; 1024] = {
    let mut table = [LeafForm::None; 1024];
    let mut at = 0;
    while at < Vr::ALL.len() {
        let letters = Vr::NAMES[at].as_bytes();
        let form = match Vr::ALL[at] {
            Vr::SQ | Vr::UN => LeafForm::None,
            vr if vr.has_long_length() => LeafForm::Long,
            _ => LeafForm::Short,
        };
        table[(letters[0] & 0x1F) as usize * 32 + (letters[1] & 0x1F) as usize] = form;
        at += 1;
    }
    table
};

const LETTERS: usize = 26;

/// The VRs by their letters, so that asking for one costs a look.
#[allow(clippy::indexing_slicing, clippy::arithmetic_side_effects)] // evaluated while compiling, on constants
static BY_LETTERS: [Option<Vr>; LETTERS * LETTERS] = {
    let mut table = [None; LETTERS * LETTERS];
    let mut at = 0;
    while at < Vr::ALL.len() {
        let letters = Vr::NAMES[at].as_bytes();
        table[(letters[0] - b'A') as usize * LETTERS + (letters[1] - b'A') as usize] = Some(Vr::ALL[at]);
        at += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_letters_agree() {
        for (vr, name) in Vr::ALL.into_iter().zip(Vr::NAMES) {
            assert_eq!(Vr::named(name), Some(vr));
            assert_eq!(vr.name(), name);
        }
        for none in ["ZZ", "AA", "", "A", "AEE", "ae", "\u{0}A"] {
            assert_eq!(Vr::named(none), None, "{none:?}");
        }
    }

    #[test]
    fn forms_of_leaves_are_those_of_their_vrs() {
        for letters in 0..=u16::MAX {
            let form = match Vr::of(letters.to_le_bytes()) {
                None | Some(Vr::SQ | Vr::UN) => LeafForm::None,
                Some(vr) if vr.has_long_length() => LeafForm::Long,
                Some(_) => LeafForm::Short,
            };
            assert_eq!(LeafForm::of(letters), form, "{letters:04x}");
        }
    }

    #[test]
    fn padding_goes_where_it_is_padding() {
        let rules = |vr: Vr| match vr.content() {
            Content::Text(rules) => rules,
            other => panic!("{other:?}"),
        };
        assert_eq!(rules(Vr::LO).trim("  a b \0"), "a b");
        assert_eq!(rules(Vr::PN).trim("  a b \0"), "  a b");
        assert_eq!(rules(Vr::CS).trim(" \0 "), "");
    }
}
