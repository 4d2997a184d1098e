//! Local files by positioned reads: open, look at what it is, read, close. Nothing that could block is ever read.

use std::os::fd::OwnedFd;

use rustix::fs::{FileType, Mode, OFlags, fstat, open};
use rustix::io::{Errno, pread};

use super::{ByteSource, Refused};
use crate::error::FileCode;

/// A regular file of this machine.
#[derive(Debug)]
pub struct LocalFile {
    descriptor: OwnedFd,
    size: u64,
}

impl LocalFile {
    /// Opens a file.
    ///
    /// # Errors
    /// It is no regular file (`not-regular`), or it can't be opened (`unreadable`).
    pub fn open(path: &[u8]) -> Result<Self, Refused> {
        if path.contains(&0) {
            return Err(Refused { code: FileCode::Unreadable, reason: "the name holds a NUL byte".into() });
        }
        // NONBLOCK: a FIFO without a writer would hold open() for ever; NOCTTY: a terminal would become this process's own. Neither does
        // anything to a regular file.
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let descriptor = retried(|| open(path, flags, Mode::empty())).map_err(refusal)?;
        let found = fstat(&descriptor).map_err(refusal)?;
        if FileType::from_raw_mode(found.st_mode) != FileType::RegularFile {
            return Err(not_regular());
        }
        Ok(Self { descriptor, size: u64::try_from(found.st_size).unwrap_or(0) })
    }
}

impl ByteSource for LocalFile {
    fn size(&self) -> Option<u64> {
        Some(self.size)
    }

    fn read(&mut self, offset: u64, into: &mut [u8], requests: &mut u64) -> Result<usize, Refused> {
        let mut read: usize = 0;
        while read < into.len() {
            let at = offset.saturating_add(read as u64);
            let rest = into.get_mut(read..).unwrap_or_default();
            let came = retried(|| pread(&self.descriptor, &mut *rest, at)).map_err(refusal)?;
            *requests = requests.saturating_add(1);
            if came == 0 {
                // A read that was interrupted answers in parts; only an empty answer is the file's end.
                break;
            }
            read = read.saturating_add(came);
        }
        Ok(read)
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
    if error == Errno::NXIO {
        // A socket, or a device without a driver.
        return not_regular();
    }
    let text = std::io::Error::from_raw_os_error(error.raw_os_error()).to_string();
    // As the C library has it, without Rust's number behind it.
    let text = text.split(" (os error").next().unwrap_or_default().to_owned();
    Refused { code: FileCode::Unreadable, reason: format!("the file can't be read: {text}").into() }
}
