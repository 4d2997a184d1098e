//! The codes that say what is wrong with a file or a value: one table, the same as Python's `dicomlake.errors`.
//!
//! Codes are data, never Rust errors: a bad file is a row. They are append-only promises.

/// Why a file was not read, or read only in part: the column `code` of `files`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FileCode {
    /// The file has no bytes.
    EmptyFile,
    /// No DICOM file.
    NotDicom,
    /// A DICOMDIR, an index of other files.
    Dicomdir,
    /// A folder, FIFO, socket or device.
    NotRegular,
    /// The file ends inside the header.
    Truncated,
    /// No SOPInstanceUID can be had.
    MissingKey,
    /// A transfer syntax that is unknown, and a data set that looks like none that is known.
    UnsupportedTransferSyntax,
    /// Bytes that make no sense as elements.
    CorruptElement,
    /// A deflated data set that can't be inflated further.
    CorruptDeflate,
    /// The header goes on after `header_limit` bytes.
    HeaderTooLarge,
    /// Sequences nested deeper than is gathered.
    NestingTooDeep,
    /// No permission, a dangling link, or gone while it was read.
    Unreadable,
    /// Reading took longer than `file_seconds_limit`.
    TimedOut,
    /// The archive that holds the file can't be unpacked.
    CorruptArchive,
    /// The process that read the file died each time; this engine never says so.
    WorkerKilled,
    /// An archive, whose members have rows of their own; this engine never says so.
    Archive,
    /// A member of an archive that is encrypted, or packed in a way that can't be read.
    UnsupportedMember,
}

impl FileCode {
    /// All of them, in the order of Python's `FileCode`.
    pub const ALL: [Self; 17] = [
        Self::EmptyFile,
        Self::NotDicom,
        Self::Dicomdir,
        Self::NotRegular,
        Self::Truncated,
        Self::MissingKey,
        Self::UnsupportedTransferSyntax,
        Self::CorruptElement,
        Self::CorruptDeflate,
        Self::HeaderTooLarge,
        Self::NestingTooDeep,
        Self::Unreadable,
        Self::TimedOut,
        Self::CorruptArchive,
        Self::WorkerKilled,
        Self::Archive,
        Self::UnsupportedMember,
    ];

    /// As the tables have it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::EmptyFile => "empty-file",
            Self::NotDicom => "not-dicom",
            Self::Dicomdir => "dicomdir",
            Self::NotRegular => "not-regular",
            Self::Truncated => "truncated",
            Self::MissingKey => "missing-key",
            Self::UnsupportedTransferSyntax => "unsupported-transfer-syntax",
            Self::CorruptElement => "corrupt-element",
            Self::CorruptDeflate => "corrupt-deflate",
            Self::HeaderTooLarge => "header-too-large",
            Self::NestingTooDeep => "nesting-too-deep",
            Self::Unreadable => "unreadable",
            Self::TimedOut => "timed-out",
            Self::CorruptArchive => "corrupt-archive",
            Self::WorkerKilled => "worker-killed",
            Self::Archive => "archive",
            Self::UnsupportedMember => "unsupported-member",
        }
    }

    /// The code of a text, if it is one.
    #[must_use]
    pub fn of(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|code| code.as_str() == text)
    }

    /// The status of a file of which nothing could be kept, as the column `status` has it.
    #[must_use]
    pub const fn status(self) -> &'static str {
        match self {
            Self::EmptyFile | Self::NotDicom => "not_dicom",
            Self::Dicomdir | Self::NotRegular | Self::Archive => "skipped",
            _ => "failed",
        }
    }
}

/// A defect of a value or a file: the column `code` of `findings`, where file codes stand too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FindingCode {
    /// The file has no preamble with DICM (PS3.10 7.1).
    MissingPreamble,
    /// The file has no group 2.
    MissingFileMeta,
    /// The data set is not in the transfer syntax that the meta names.
    WrongTransferSyntax,
    /// No date.
    InvalidDate,
    /// No time of day.
    InvalidTime,
    /// No date and time.
    InvalidDatetime,
    /// No number, or one that the column can't hold.
    InvalidNumber,
    /// No UID (PS3.5 9.1).
    InvalidUid,
    /// Several values where one belongs.
    TooManyValues,
    /// Bytes that are not of the declared character set.
    UndecodableText,
    /// Characters that no character set declares.
    UndeclaredCharacterSet,
    /// A VR that is not the data dictionary's.
    WrongVr,
    /// An odd length (PS3.5 7.1.1).
    OddLength,
    /// Elements, items or delimitations out of order.
    OutOfOrder,
    /// A key of a parent, or what tells the kind of an instance, is absent.
    MissingRequired,
    /// No code that the column can hold.
    InvalidCodeString,
    /// An age that is not one (PS3.5 6.2, AS).
    InvalidAge,
    /// An age below 0 or above 130 years.
    ImplausibleAge,
    /// A character set whose name is not one of PS3.3 C.12.1.1.2.
    NonstandardCharacterSet,
    /// Bytes behind the last element.
    TrailingBytes,
    /// Rows that no number tells apart.
    RepeatedNumber,
    /// Rows of a table that are left out, since the file makes too many.
    TooManyRows,
}

impl FindingCode {
    /// All that this engine can raise.
    pub const ALL: [Self; 22] = [
        Self::MissingPreamble,
        Self::MissingFileMeta,
        Self::WrongTransferSyntax,
        Self::InvalidDate,
        Self::InvalidTime,
        Self::InvalidDatetime,
        Self::InvalidNumber,
        Self::InvalidUid,
        Self::TooManyValues,
        Self::UndecodableText,
        Self::UndeclaredCharacterSet,
        Self::WrongVr,
        Self::OddLength,
        Self::OutOfOrder,
        Self::MissingRequired,
        Self::InvalidCodeString,
        Self::InvalidAge,
        Self::ImplausibleAge,
        Self::NonstandardCharacterSet,
        Self::TrailingBytes,
        Self::RepeatedNumber,
        Self::TooManyRows,
    ];

    /// As the tables have it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::MissingPreamble => "missing-preamble",
            Self::MissingFileMeta => "missing-file-meta",
            Self::WrongTransferSyntax => "wrong-transfer-syntax",
            Self::InvalidDate => "invalid-date",
            Self::InvalidTime => "invalid-time",
            Self::InvalidDatetime => "invalid-datetime",
            Self::InvalidNumber => "invalid-number",
            Self::InvalidUid => "invalid-uid",
            Self::TooManyValues => "too-many-values",
            Self::UndecodableText => "undecodable-text",
            Self::UndeclaredCharacterSet => "undeclared-character-set",
            Self::WrongVr => "wrong-vr",
            Self::OddLength => "odd-length",
            Self::OutOfOrder => "out-of-order",
            Self::MissingRequired => "missing-required",
            Self::InvalidCodeString => "invalid-code-string",
            Self::InvalidAge => "invalid-age",
            Self::ImplausibleAge => "implausible-age",
            Self::NonstandardCharacterSet => "nonstandard-character-set",
            Self::TrailingBytes => "trailing-bytes",
            Self::RepeatedNumber => "repeated-number",
            Self::TooManyRows => "too-many-rows",
        }
    }
}
