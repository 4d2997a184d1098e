//! Reads the headers of many DICOM files with dicom-rs, and says how long that took and what it read.
//!
//!     read-with-dicom-rs object|lazy GGGGEEEE... < paths
//!
//! `object` reads each file into an object until its pixel data and asks that for the attributes named by their tags; `lazy` drives the
//! lazy reader and decodes these alone. Each value becomes text. Paths come one a line. The answer is one line: files read, seconds
//! (start-up and the list of paths left out), characters of text in all, and the FNV-1a hash of all SOPInstanceUIDs in the order of the
//! paths, each with a newline behind it. The first file that can't be read ends it.

use std::error::Error;
use std::fs::File;
use std::io::{BufReader, Read, stdin};
use std::process::ExitCode;
use std::time::Instant;

use dicom_core::Tag;
use dicom_dictionary_std::tags::{PIXEL_DATA, SOP_INSTANCE_UID};
use dicom_encoding::transfer_syntax::TransferSyntaxIndex;
use dicom_object::{FileMetaTable, OpenFileOptions};
use dicom_parser::dataset::LazyDataToken;
use dicom_parser::dataset::lazy_read::LazyDataSetReader;
use dicom_transfer_syntax_registry::TransferSyntaxRegistry;

type Failure = Box<dyn Error>;

/// What was read of all files.
struct Answer {
    characters: usize,
    hash: u64,
}

impl Answer {
    fn take(&mut self, tag: Tag, text: &str) {
        self.characters += text.chars().count();
        if tag == SOP_INSTANCE_UID {
            for byte in text.trim_end_matches(['\0', ' ']).bytes().chain([b'\n']) {
                self.hash = (self.hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
            }
        }
    }
}

fn read_object(path: &str, wanted: &[Tag], answer: &mut Answer) -> Result<(), Failure> {
    let object = OpenFileOptions::new()
        .read_until(PIXEL_DATA)
        .open_file(path)?;
    for &tag in wanted {
        if let Some(element) = object.get(tag) {
            answer.take(tag, &element.to_str()?);
        }
    }
    Ok(())
}

fn read_lazily(path: &str, wanted: &[Tag], answer: &mut Answer) -> Result<(), Failure> {
    let mut source = BufReader::new(File::open(path)?);
    source.read_exact(&mut [0; 128])?;
    let meta = FileMetaTable::from_reader(&mut source)?;
    let syntax = TransferSyntaxRegistry
        .get(meta.transfer_syntax())
        .ok_or("unknown transfer syntax")?;
    let mut reader = LazyDataSetReader::new_with_ts(source, syntax)?;
    let mut depth = 0_u32;
    while let Some(token) = reader.advance() {
        let token = token?;
        match &token {
            LazyDataToken::PixelSequenceStart => break,
            LazyDataToken::ElementHeader(header) if header.tag == PIXEL_DATA => break,
            LazyDataToken::SequenceStart { .. } => depth += 1,
            LazyDataToken::SequenceEnd => depth -= 1,
            LazyDataToken::LazyValue { header, .. } => {
                let tag = header.tag;
                if depth == 0 && wanted.contains(&tag) {
                    answer.take(tag, &token.into_value()?.to_str());
                } else {
                    token.skip()?;
                }
            }
            _ => {}
        }
    }
    Ok(())
}

fn run() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let read = match arguments.next().as_deref() {
        Some("object") => read_object,
        Some("lazy") => read_lazily,
        _ => return Err("usage: read-with-dicom-rs object|lazy GGGGEEEE... < paths".into()),
    };
    let mut wanted = Vec::new();
    for argument in arguments {
        let number = u32::from_str_radix(&argument, 16)?;
        wanted.push(Tag((number >> 16) as u16, number as u16));
    }
    let mut paths = String::new();
    stdin().read_to_string(&mut paths)?;
    let paths: Vec<&str> = paths.lines().collect();
    let mut answer = Answer {
        characters: 0,
        hash: 0xcbf2_9ce4_8422_2325,
    };
    let started = Instant::now();
    for path in &paths {
        read(path, &wanted, &mut answer).map_err(|failure| format!("{path}: {failure}"))?;
    }
    let seconds = started.elapsed().as_secs_f64();
    println!(
        "{} {seconds:.6} {} {:016x}",
        paths.len(),
        answer.characters,
        answer.hash
    );
    Ok(())
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::FAILURE
        }
    }
}
