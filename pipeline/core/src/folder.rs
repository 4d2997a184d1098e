//! A folder of this machine in one call: the names in it, and the size and time of its files.
//!
//! Only what is usual is answered: files, and folders that their entries call so. The caller looks at everything else.

use std::time::Instant;

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, open, statat};

use crate::drive::{SLOW, SLOW_FILES};

/// Seconds since 1970 of the years 1 and 10000.
const EARLIEST_SECONDS: i64 = -62_135_596_800;
const END_SECONDS: i64 = 253_402_300_800;

/// A file in a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileInFolder {
    /// Its name.
    pub name: String,
    /// In bytes.
    pub size: i64,
    /// When it was last modified, in microseconds since 1970, rounded down.
    pub modified: i64,
}

/// The content of a folder.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FolderContent {
    /// Names of folders, in the order of bytes.
    pub folders: Vec<String>,
    /// The files, and links to files, in the order of the bytes of their names.
    pub files: Vec<FileInFolder>,
}

/// The answer of a look at a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Looked {
    /// Everything in it.
    Usual(FolderContent),
    /// Something in it is neither a file nor plainly a folder, has a name that is not plain text or holds a backslash, or can't be looked at.
    Unusual,
    /// The disk takes long to answer.
    Slow,
}

/// Looks at a folder and the files in it; links are followed.
#[must_use]
pub fn look_at_folder(path: &[u8]) -> Looked {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let Ok(folder) = open(path, flags, Mode::empty()) else {
        return Looked::Unusual;
    };
    let Ok(entries) = Dir::read_from(&folder) else {
        return Looked::Unusual;
    };
    let mut content = FolderContent::default();
    let mut slow_looks: u32 = 0;
    for entry in entries {
        let Ok(entry) = entry else {
            return Looked::Unusual;
        };
        let name = match entry.file_name().to_str() {
            Ok("." | "..") => continue,
            Ok(name) if !name.contains('\\') => name,
            _ => return Looked::Unusual,
        };
        match entry.file_type() {
            FileType::Directory => {
                content.folders.push(name.to_owned());
                continue;
            }
            FileType::RegularFile | FileType::Symlink => {}
            _ => return Looked::Unusual,
        }
        let began = Instant::now();
        let Ok(found) = statat(&folder, entry.file_name(), AtFlags::empty()) else {
            return Looked::Unusual;
        };
        slow_looks = if began.elapsed() > SLOW { slow_looks.saturating_add(1) } else { 0 };
        if slow_looks >= SLOW_FILES {
            return Looked::Slow;
        }
        let seconds = found.st_mtime;
        let is_dated = (EARLIEST_SECONDS..END_SECONDS).contains(&seconds);
        if !is_dated || FileType::from_raw_mode(found.st_mode) != FileType::RegularFile {
            return Looked::Unusual;
        }
        let microseconds = i64::try_from(found.st_mtime_nsec).unwrap_or(0).checked_div(1000).unwrap_or(0);
        let modified = seconds.saturating_mul(1_000_000).saturating_add(microseconds);
        content.files.push(FileInFolder { name: name.to_owned(), size: found.st_size, modified });
    }
    content.folders.sort_unstable();
    content.files.sort_unstable_by(|one, other| one.name.cmp(&other.name));
    Looked::Usual(content)
}
