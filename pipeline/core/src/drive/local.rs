//! Local files by positioned reads: open, look at what it is, read, close. Nothing that could block is ever read.

use std::os::fd::OwnedFd;

use rustix::fs::{FileType, Mode, OFlags, fstat, open, openat};
use rustix::io::{Errno, pread};

use super::{ByteSource, Refused};
use crate::error::FileCode;

/// A regular file of this machine.
#[derive(Debug)]
pub struct LocalFile {
    descriptor: OwnedFd,
    size: u64,
    size_is_claimed: bool,
}

impl LocalFile {
    /// Opens a file. Where its listing gave its size, it was a regular file then, and is only looked at again if its header is not sound.
    ///
    /// # Errors
    /// It is no regular file (`not-regular`), or it can't be opened (`unreadable`).
    pub fn open(path: &[u8], listed_size: Option<u64>, last_folder: &mut LastFolder) -> Result<Self, Refused> {
        if path.contains(&0) {
            return Err(Refused { code: FileCode::Unreadable, reason: "the name holds a NUL byte".into() });
        }
        let descriptor = last_folder.open(path).map_err(refusal)?;
        if let Some(size) = listed_size {
            return Ok(Self { descriptor, size, size_is_claimed: true });
        }
        let size = size_of(&descriptor)?;
        Ok(Self { descriptor, size, size_is_claimed: false })
    }
}

impl ByteSource for LocalFile {
    fn size(&self) -> Option<u64> {
        Some(self.size)
    }

    fn size_is_claimed(&self) -> bool {
        self.size_is_claimed
    }

    fn look_at_size(&mut self) -> Result<Option<u64>, Refused> {
        self.size = size_of(&self.descriptor)?;
        self.size_is_claimed = false;
        Ok(Some(self.size))
    }

    fn read(&mut self, offset: u64, into: &mut [u8], requests: &mut u64) -> Result<usize, Refused> {
        let mut read: usize = 0;
        while read < into.len() {
            let at = offset.saturating_add(read as u64);
            let rest = into.get_mut(read..).unwrap_or_default();
            let came = retried(|| pread(&self.descriptor, &mut *rest, at)).map_err(refusal)?;
            *requests = requests.saturating_add(1);
            read = read.saturating_add(came);
            // A read that a signal interrupted answers in part. One of a regular file is not interrupted before its first byte came, and
            // only an empty answer is the file's end where more was promised.
            let is_at_end = came == 0 || (self.size_is_claimed && offset.saturating_add(read as u64) == self.size);
            if is_at_end {
                break;
            }
        }
        Ok(read)
    }
}

/// The folder of the file that was opened last: files beside it are opened relative to it, which spares the system the way down the path.
#[derive(Debug, Default)]
pub struct LastFolder {
    path: Vec<u8>,
    descriptor: Option<OwnedFd>,
}

impl LastFolder {
    // NONBLOCK: a FIFO without a writer would hold open() for ever; NOCTTY: a terminal would become this process's own. Neither does
    // anything to a regular file.
    const OF_FILE: OFlags = OFlags::RDONLY.union(OFlags::NONBLOCK).union(OFlags::NOCTTY).union(OFlags::CLOEXEC);

    #[cfg(target_os = "linux")]
    const OF_FOLDER: OFlags = OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);
    #[cfg(not(target_os = "linux"))]
    const OF_FOLDER: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

    fn open(&mut self, path: &[u8]) -> Result<OwnedFd, Errno> {
        let length = path.iter().rposition(|byte| *byte == b'/').unwrap_or(0);
        let (folder, name) = (path.get(..length).unwrap_or_default(), path.get(length..).unwrap_or_default());
        let name = name.strip_prefix(b"/").unwrap_or_default();
        if folder.is_empty() || name.is_empty() {
            return retried(|| open(path, Self::OF_FILE, Mode::empty()));
        }
        if self.path != folder {
            // The second file of a folder opens it: many folders hold but one.
            self.path.clear();
            self.path.extend_from_slice(folder);
            self.descriptor = None;
            return retried(|| open(path, Self::OF_FILE, Mode::empty()));
        }
        if self.descriptor.is_none() {
            self.descriptor = retried(|| open(folder, Self::OF_FOLDER, Mode::empty())).ok();
        }
        match &self.descriptor {
            Some(descriptor) => retried(|| openat(descriptor, name, Self::OF_FILE, Mode::empty())),
            None => retried(|| open(path, Self::OF_FILE, Mode::empty())),
        }
    }
}

fn size_of(descriptor: &OwnedFd) -> Result<u64, Refused> {
    let found = fstat(descriptor).map_err(refusal)?;
    if FileType::from_raw_mode(found.st_mode) == FileType::RegularFile {
        Ok(u64::try_from(found.st_size).unwrap_or(0))
    } else {
        Err(not_regular())
    }
}

fn retried<T>(mut call: impl FnMut() -> Result<T, Errno>) -> Result<T, Errno> {
    loop {
        match call() {
            Err(Errno::INTR) => {}
            answer => return answer,
        }
    }
}

fn not_regular() -> Refused {
    Refused { code: FileCode::NotRegular, reason: "this is not a regular file".into() }
}

fn refusal(error: Errno) -> Refused {
    if matches!(error, Errno::NXIO | Errno::SPIPE | Errno::ISDIR) {
        // A socket, or a device without a driver; a FIFO or a terminal; a folder.
        return not_regular();
    }
    let text = std::io::Error::from_raw_os_error(error.raw_os_error()).to_string();
    // As the C library has it, without Rust's number behind it.
    let text = text.split(" (os error").next().unwrap_or_default().to_owned();
    Refused { code: FileCode::Unreadable, reason: format!("the file can't be read: {text}").into() }
}
