//! (0008,0005): which characters the bytes of a text stand for (PS3.3 C.12.1.1.2).
//!
//! Terms are matched without regard to the separators that writers get wrong, and names of the same sets outside
//! DICOM, which writers put there, are understood.

use super::encoding::Encoding;

/// How much of a value of (0008,0005) is looked at: far more than every term that there is, once each.
pub const LOOKED_AT: usize = 1024;

/// What (0008,0005) says; made from its raw value. The default is the default repertoire, ASCII.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct CharacterSet {
    first: Option<Encoding>,
    declared: u32,
}

impl CharacterSet {
    /// The character set that a raw value of (0008,0005) stands for; the default repertoire where it is absent.
    #[must_use]
    pub fn of(value: Option<&[u8]>) -> Self {
        let mut value = value.unwrap_or_default();
        value = value.get(..LOOKED_AT).unwrap_or(value);
        while let [shorter @ .., b' ' | b'\0'] = value {
            value = shorter;
        }
        let mut encodings = value.split(|&byte| byte == b'\\').map(encoding_of);
        let first = encodings.next().flatten();
        let declared = encodings.flatten().chain(first).fold(0, |declared, encoding| declared | bit(encoding));
        Self { first, declared }
    }

    /// The encoding of its first value; None for the default repertoire and for what is no term.
    pub(super) fn first(&self) -> Option<Encoding> {
        self.first
    }

    /// Whether one of its values is this one: only then should an escape sequence put it in place.
    pub(super) fn declares(&self, encoding: Encoding) -> bool {
        self.declared & bit(encoding) != 0
    }

    /// Whether an escape sequence has a meaning in it: not in encodings that stand alone (PS3.3 C.12.1.1.2).
    pub(super) fn has_code_extensions(&self) -> bool {
        !matches!(self.first, Some(Encoding::Utf8 | Encoding::Gb18030 | Encoding::Gbk))
    }
}

const fn bit(encoding: Encoding) -> u32 {
    1_u32.wrapping_shl(encoding as u32)
}

/// The encoding of a term of PS3.3 C.12-2 to C.12-5, whatever stands between its letters and digits.
fn encoding_of(term: &[u8]) -> Option<Encoding> {
    // Python's upper() makes two letters of the sharp s of Latin-1: as it is in no term, it must not be left out.
    let kept = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == 0xDF;
    let normal: Vec<u8> = term.iter().copied().filter(kept).map(|byte| byte.to_ascii_uppercase()).collect();
    Some(match normal.as_slice() {
        b"ISOIR13" | b"ISO2022IR13" | b"SHIFTJIS" | b"SJIS" => Encoding::ShiftJis,
        b"ISOIR100" | b"ISO2022IR100" | b"IR100" | b"LATIN1" | b"ISO88591" => Encoding::Latin1,
        b"ISOIR101" | b"ISO2022IR101" | b"ISO88592" => Encoding::Latin2,
        b"ISOIR109" | b"ISO2022IR109" => Encoding::Latin3,
        b"ISOIR110" | b"ISO2022IR110" => Encoding::Latin4,
        b"ISOIR126" | b"ISO2022IR126" => Encoding::Greek,
        b"ISO88593" => Encoding::Latin3,
        b"ISO88594" => Encoding::Latin4,
        b"ISO88596" => Encoding::Arabic,
        b"ISO88598" => Encoding::Hebrew,
        b"ISO88599" | b"LATIN5" => Encoding::Latin5,
        b"ISO885915" | b"LATIN9" => Encoding::Latin9,
        b"ISO88597" => Encoding::GreekOutsideDicom,
        b"ISOIR127" | b"ISO2022IR127" => Encoding::Arabic,
        b"ISOIR138" | b"ISO2022IR138" => Encoding::Hebrew,
        b"ISOIR144" | b"ISO2022IR144" => Encoding::Cyrillic,
        b"ISO88595" => Encoding::CyrillicOutsideDicom,
        b"ISOIR148" | b"ISO2022IR148" => Encoding::Latin5,
        b"ISOIR166" | b"ISO2022IR166" | b"TIS620" => Encoding::Thai,
        b"ISOIR203" | b"ISO2022IR203" => Encoding::Latin9,
        b"ISOIR87" | b"ISO2022IR87" => Encoding::JisX0208,
        b"ISOIR159" | b"ISO2022IR159" => Encoding::JisX0212,
        b"ISOIR149" | b"ISO2022IR149" | b"EUCKR" | b"KSX1001" | b"KSC5601" | b"KSC56011987" => Encoding::EucKr,
        b"ISOIR58" | b"ISO2022IR58" => Encoding::Gb2312,
        // Writers who say this mean GBK as often, which has the same characters and more.
        b"GB2312" | b"GB231280" | b"EUCCN" | b"ISO202258" => Encoding::Gb2312OutsideDicom,
        b"ISOIR192" | b"ISO2022IR192" | b"UTF8" | b"UNICODE" | b"ISO10646" => Encoding::Utf8,
        b"GB18030" | b"ISO2022GB18030" => Encoding::Gb18030,
        b"GBK" | b"ISO2022GBK" | b"CP936" => Encoding::Gbk,
        _ => return None,
    })
}

/// The numbers of the sets of one byte, with or without code extensions; 6 is the default repertoire, which earlier editions named.
fn is_one_byte(number: &[u8]) -> bool {
    matches!(
        number,
        b"6" | b"13" | b"100" | b"101" | b"109" | b"110" | b"126" | b"127" | b"138" | b"144" | b"148" | b"166" | b"203"
    )
}

/// Whether a value of (0008,0005) names character sets as PS3.3 C.12.1.1.2 does, or none.
#[must_use]
pub fn is_standard_character_set(value: &[u8]) -> bool {
    let value = value.get(..LOOKED_AT).unwrap_or(value);
    value.split(|&byte| byte == b'\\').all(|term| {
        let mut term = term;
        while let [shorter @ .., b' ' | 0] | [b' ' | 0, shorter @ ..] = term {
            term = shorter;
        }
        match term {
            b"" | b"GB18030" | b"GBK" | b"ISO_IR 192" => true,
            [b'I', b'S', b'O', b'_', b'I', b'R', b' ', number @ ..] => is_one_byte(number),
            [b'I', b'S', b'O', b' ', b'2', b'0', b'2', b'2', b' ', b'I', b'R', b' ', number @ ..] => {
                is_one_byte(number) || matches!(number, b"87" | b"159" | b"149" | b"58")
            }
            _ => false,
        }
    })
}

/// Whether a value of (0008,0005) says something: a term of PS3.3, or a name that is understood.
#[must_use]
pub fn names_character_set(value: &[u8]) -> bool {
    let is_blank = value.iter().all(|byte| matches!(byte, b' ' | 0));
    !is_blank && (is_standard_character_set(value) || CharacterSet::of(Some(value)) != CharacterSet::default())
}
