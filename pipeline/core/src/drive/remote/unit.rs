//! The files of a unit, from stores: many requests on their way, one header decoded at a time.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use object_store::ObjectStore;
use object_store::path::Path;

use super::super::held::Piece;
use super::super::schedule::Schedule;
use super::super::{Reading, ReadingLimits, Refused};
use super::fetch::{Failure, fetch};
use super::health::{Health, NoAccess, NoAccessKind};
use super::in_flight::{InFlight, Look};
use super::store::ObjectStoreConfig;
use crate::header::{HeaderDecoder, Plan};
use crate::recorder::Recorder;

/// Bytes that are asked for or held at one time, beyond which no other file is begun.
const BYTES_AT_ONCE: u64 = 128 << 20;

/// How often somebody is asked whether to go on while no answer comes.
const TICK: Duration = Duration::from_millis(100);

/// An object to be read.
#[derive(Clone, Debug)]
pub struct RemoteFile {
    /// Its number in the unit.
    pub number: usize,
    /// The index of its store.
    pub store: usize,
    /// Its key.
    pub key: Path,
    /// In bytes, as its listing says.
    pub size: Option<u64>,
}

/// How a unit ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UnitEnd {
    /// Every file was taken.
    Done,
    /// It was not to go on.
    Stopped,
    /// A store can't be read from.
    NoAccess(NoAccess),
}

/// The plan, the limits and the makers for the files of a unit.
#[derive(Clone, Copy)]
pub struct RemoteUnit<'a> {
    /// The plan of each file.
    pub plan: &'a Plan,
    /// How far.
    pub limits: ReadingLimits,
    /// Requests on their way at one time.
    pub requests_in_flight: usize,
    /// Makes decoders.
    pub decoder: &'a dyn Fn() -> HeaderDecoder,
    /// Makes what takes the whole header, where that is asked for.
    pub recorder: &'a dyn Fn() -> Option<Recorder>,
}

/// The taker of the files of a unit.
pub trait Taker {
    /// Takes a file, by its number, with its header. They come in the order in which they end.
    fn take(&mut self, number: usize, reading: Reading, decoder: &mut HeaderDecoder);

    /// Takes back a file whose server has no ranges.
    fn give_back(&mut self, number: usize, reading: Reading);

    /// Whether to go on.
    fn goes_on(&mut self) -> bool;
}

impl RemoteUnit<'_> {
    /// Connects to the stores and reads the files.
    pub async fn read(&self, stores: &[ObjectStoreConfig], files: &[RemoteFile], taker: &mut dyn Taker) -> UnitEnd {
        let mut clients: Vec<Arc<dyn ObjectStore>> = vec![];
        for (store, config) in stores.iter().enumerate() {
            match config.connect(self.limits.file_time_limit).await {
                Ok(client) => clients.push(client),
                Err(reason) => {
                    let kind = NoAccessKind::Configuration;
                    return UnitEnd::NoAccess(NoAccess { store, kind, reason: reason.into() });
                }
            }
        }
        self.read_with(&clients, files, taker).await
    }

    /// Reads the files by clients that are there already, one for each store.
    pub async fn read_with(
        &self,
        clients: &[Arc<dyn ObjectStore>],
        files: &[RemoteFile],
        taker: &mut dyn Taker,
    ) -> UnitEnd {
        let request = |file: InFlight| {
            let found = files.get(file.index);
            let client = found.and_then(|found| clients.get(found.store));
            let time_limit = self.limits.file_time_limit.saturating_sub(file.began.elapsed());
            async move {
                let (found, client) = (found?, client?); // indices are our own
                let fetched = fetch(client.as_ref(), &found.key, file.asked, file.version.clone(), time_limit).await;
                Some((file, fetched))
            }
        };
        let mut schedule =
            Schedule::new(files.iter().map(|file| (file.key.as_ref(), file.size)), self.limits.first_read);
        let mut health = vec![Health::default(); clients.len()];
        let mut decoders = Decoders::new(self);
        let mut in_flight = FuturesUnordered::new();
        let mut bytes_in_flight: u64 = 0;
        loop {
            while in_flight.len() < self.requests_in_flight && (in_flight.is_empty() || bytes_in_flight < BYTES_AT_ONCE)
            {
                let Some(begin) = schedule.begin_next() else {
                    break;
                };
                let mut file = InFlight::new(begin.file, files.get(begin.file).and_then(|file| file.size));
                let room = file.held.size.unwrap_or(u64::MAX).min(self.limits.header_limit);
                file.asked = Piece { from: 0, length: begin.bytes.min(room) };
                if file.held.ended {
                    // An empty object needs no request.
                    decoders.look(&mut file, 0);
                    decoders.hand_over(file, files, &mut schedule, taker);
                    continue;
                }
                bytes_in_flight = bytes_in_flight.saturating_add(file.weight());
                in_flight.push(request(file));
            }
            if in_flight.is_empty() {
                return end_of(&health);
            }
            if !taker.goes_on() {
                return UnitEnd::Stopped;
            }
            let Ok(Some(Some((mut file, fetched)))) = tokio::time::timeout(TICK, in_flight.next()).await else {
                continue;
            };
            bytes_in_flight = bytes_in_flight.saturating_sub(file.weight());
            let store = files.get(file.index).map_or(0, |found| found.store);
            if let Some(health) = health.get_mut(store) {
                health.note(&fetched);
                if let Some((kind, reason)) = health.no_access(false) {
                    return UnitEnd::NoAccess(NoAccess { store, kind, reason });
                }
            }
            let has_no_ranges = matches!(fetched.answer, Err(Failure::NoRanges));
            let refused = file.came(fetched);
            if has_no_ranges {
                schedule.answered(file.index, 0);
                taker.give_back(files.get(file.index).map_or(0, |found| found.number), file.reading);
                continue;
            }
            let look = match refused {
                Some(refused) => decoders.stop(&mut file, refused),
                None => {
                    let more = schedule.more(file.index, file.held.to(), file.reading.bytes_read);
                    decoders.look(&mut file, more)
                }
            };
            match look {
                Look::Done => decoders.hand_over(file, files, &mut schedule, taker),
                Look::Fetch(piece) => {
                    file.asked = piece;
                    bytes_in_flight = bytes_in_flight.saturating_add(file.weight());
                    in_flight.push(request(file));
                }
            }
        }
    }
}

fn end_of(health: &[Health]) -> UnitEnd {
    let mut stores = health.iter().enumerate();
    let no_access =
        stores.find_map(|(store, health)| health.no_access(true).map(|(kind, reason)| (store, kind, reason)));
    no_access.map_or(UnitEnd::Done, |(store, kind, reason)| UnitEnd::NoAccess(NoAccess { store, kind, reason }))
}

/// The decoder that looks at first answers, and those of files whose first answer was not enough.
struct Decoders<'a> {
    unit: &'a RemoteUnit<'a>,
    first: HeaderDecoder,
    #[allow(clippy::vec_box, reason = "a file takes one and gives it back; it is large to move")]
    spare: Vec<Box<HeaderDecoder>>,
}

impl<'a> Decoders<'a> {
    fn new(unit: &'a RemoteUnit<'a>) -> Self {
        Self { unit, first: (unit.decoder)(), spare: vec![] }
    }

    /// Decodes what is held of a file.
    fn look(&mut self, file: &mut InFlight, more: u64) -> Look {
        let (plan, limits) = (self.unit.plan, &self.unit.limits);
        if let Some(mut own) = file.decoder.take() {
            let look = file.decode(&mut own, plan, limits, more);
            file.decoder = Some(own);
            return look;
        }
        let (held, bytes) = (file.held, file.bytes.clone());
        self.first.begin((self.unit.recorder)());
        let look = file.decode(&mut self.first, plan, limits, more);
        if matches!(look, Look::Done) {
            return look;
        }
        // What the first decoder knows by heart is what the last row says; a file that ends later begins again, with one that knows nothing.
        (file.held, file.bytes) = (held, bytes);
        let mut own = self.spare.pop().unwrap_or_else(|| Box::new((self.unit.decoder)()));
        own.header.gathered.forget_all();
        own.begin((self.unit.recorder)());
        let look = file.decode(&mut own, plan, limits, more);
        file.decoder = Some(own);
        look
    }

    /// Ends a file of which nothing more can be had.
    fn stop(&mut self, file: &mut InFlight, refused: Refused) -> Look {
        match &mut file.decoder {
            Some(own) => own.stop(self.unit.plan, refused.code, refused.reason),
            None => {
                self.first.begin((self.unit.recorder)());
                self.first.stop(self.unit.plan, refused.code, refused.reason);
            }
        }
        Look::Done
    }

    /// Hands over a file that is done with.
    fn hand_over(&mut self, file: InFlight, files: &[RemoteFile], schedule: &mut Schedule, taker: &mut dyn Taker) {
        let number = files.get(file.index).map_or(0, |found| found.number);
        let decoder = file.decoder.as_deref();
        schedule.answered(file.index, decoder.unwrap_or(&self.first).header.first_long_part);
        match file.decoder {
            None => taker.take(number, file.reading, &mut self.first),
            Some(mut own) => {
                taker.take(number, file.reading, &mut own);
                self.first.header.gathered.forget_all();
                self.spare.push(own);
            }
        }
    }
}
