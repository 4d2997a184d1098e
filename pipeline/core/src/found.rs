//! The defects of a file, kept bounded: a file made to be wrong a million times is still one row and a few findings.

use std::borrow::Cow;

use crate::error::{FileCode, FindingCode};

/// The most findings of one code about the structure (odd lengths, order) that one file can make.
const STRUCTURAL_LIMIT: u8 = 16;
/// The most findings that one file can make.
pub const FILE_LIMIT: usize = 256;

/// The subject of a finding; the column `level` of `findings`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// One value.
    Value,
    /// The file as a whole.
    File,
}

impl Level {
    /// As the table has it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Value => "value",
            Self::File => "file",
        }
    }
}

/// A defect: the columns of `findings` less the keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Its subject.
    pub level: Level,
    /// A finding code, or a file code.
    pub code: &'static str,
    /// One line for a person.
    pub message: Cow<'static, str>,
    /// Keywords down to the element.
    pub element_path: Option<String>,
    /// Of the element.
    pub tag: Option<u32>,
    /// Of the value in the file.
    pub byte_offset: Option<u64>,
    /// The value as it stands, made printable.
    pub raw: Option<String>,
}

/// Where reading stopped being right: the first place at which a header could not be read as it should.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Defect {
    /// The defect.
    pub code: FileCode,
    /// One line for a person.
    pub message: Cow<'static, str>,
    /// Where in the file.
    pub byte_offset: Option<u64>,
    /// Keywords down to the place.
    pub element_path: Option<String>,
}

impl Defect {
    /// A defect of the file as a whole.
    #[must_use]
    pub fn of_file(code: FileCode, message: impl Into<Cow<'static, str>>) -> Self {
        Self { code, message: message.into(), byte_offset: None, element_path: None }
    }
}

/// Gathers what is found in one file: its findings, and the first defect of its structure.
#[derive(Debug, Default)]
pub struct FoundInFile {
    /// The findings, in the order in which they were met.
    pub findings: Vec<Finding>,
    /// The first defect of the structure.
    pub defect: Option<Defect>,
    structural: [u8; FindingCode::ALL.len()],
}

impl FoundInFile {
    /// Forgets everything.
    pub fn clear(&mut self) {
        self.findings.clear();
        self.defect = None;
        self.structural = Default::default();
    }

    /// Keeps a finding, unless the file has made too many.
    pub fn add(&mut self, finding: Finding) {
        if self.findings.len() < FILE_LIMIT {
            self.findings.push(finding);
        }
    }

    /// Keeps a finding about the file as a whole.
    pub fn add_file(&mut self, code: FindingCode, message: impl Into<Cow<'static, str>>) {
        self.add(Finding {
            level: Level::File,
            code: code.as_str(),
            message: message.into(),
            element_path: None,
            tag: None,
            byte_offset: None,
            raw: None,
        });
    }

    /// Whether a finding about the way an element stands is to be kept: not where the file has made too many of the kind.
    pub fn takes_structural(&mut self, code: FindingCode) -> bool {
        let Some(count) = self.structural.get_mut(code as usize) else {
            return false;
        };
        let takes = *count < STRUCTURAL_LIMIT;
        if takes {
            *count = count.saturating_add(1);
        }
        takes
    }

    /// Keeps a defect of the structure, if it is the first.
    pub fn stop(&mut self, defect: Defect) {
        if self.defect.is_none() {
            self.defect = Some(defect);
        }
    }
}
