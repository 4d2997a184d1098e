//! Units with files in object stores.

use super::{FileToRead, ScanPlan, Surroundings};
use crate::drive::Reading;
use crate::drive::remote::{ObjectStoreConfig, RemoteFile, RemoteUnit, Taker, UnitEnd};
use crate::header::HeaderDecoder;
use crate::table::{Batches, Fault, FileFacts, UnitRows};

impl ScanPlan {
    /// Reads the headers of files as [`scan`](Self::scan) does, those of `stores` first and many at a time: rows come in the order in which
    /// files end.
    ///
    /// # Errors
    /// There is no runtime to be had: the operating system's own words.
    pub fn scan_with_stores(
        &self,
        files: &[FileToRead<'_>],
        stores: &[ObjectStoreConfig],
        surroundings: &mut dyn Surroundings,
    ) -> std::io::Result<(Result<Batches, Fault>, UnitEnd)> {
        let mut remote: Vec<RemoteFile> = vec![];
        let mut others: Vec<(usize, Reading)> = vec![];
        for (number, file) in files.iter().enumerate() {
            let found = stores.iter().enumerate().find_map(|(store, config)| Some((store, config.key(file.url)?)));
            match found {
                Some((store, key)) => remote.push(RemoteFile { number, store, key, size: file.size }),
                None => others.push((number, Reading::default())),
            }
        }
        let mut taker = RowMaker { files, rows: self.rows(), others, surroundings };
        let mut end = UnitEnd::Done;
        if !remote.is_empty() {
            let unit = RemoteUnit {
                plan: &self.plan,
                limits: self.limits,
                requests_in_flight: self.in_flight.max(1),
                decoder: &|| self.decoder(),
                recorder: &|| self.recorder(),
            };
            // On the thread that asks: one thread is the fastest for small answers, and a unit has one already.
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            end = runtime.block_on(unit.read(stores, &remote, &mut taker));
        }
        let RowMaker { mut rows, mut others, surroundings, .. } = taker;
        if end == UnitEnd::Done {
            others.sort_unstable_by_key(|(number, _)| *number);
            let others =
                others.into_iter().filter_map(|(number, spent)| Some((number as u64, *files.get(number)?, spent)));
            self.scan_into(&mut rows, others, surroundings);
        }
        Ok((rows.finish(), end))
    }
}

/// Makes rows of files as they end.
struct RowMaker<'a> {
    files: &'a [FileToRead<'a>],
    rows: UnitRows,
    /// Files that are read one after the other, and what was spent on them already.
    others: Vec<(usize, Reading)>,
    surroundings: &'a mut dyn Surroundings,
}

impl Taker for RowMaker<'_> {
    fn take(&mut self, number: usize, reading: Reading, decoder: &mut HeaderDecoder) {
        let Some(file) = self.files.get(number) else {
            return;
        };
        let facts = FileFacts {
            number: number as u64,
            url: file.url,
            size: file.size.or(reading.size),
            bytes_read: reading.bytes_read,
            requests: reading.requests,
        };
        self.rows.add(&facts, &mut decoder.header);
        self.surroundings.note_file();
    }

    fn give_back(&mut self, number: usize, reading: Reading) {
        self.others.push((number, reading));
    }

    fn goes_on(&mut self) -> bool {
        self.surroundings.goes_on()
    }
}
