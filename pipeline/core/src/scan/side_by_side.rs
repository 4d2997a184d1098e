//! Stretches of local files that are read side by side.

use std::borrow::Cow;
use std::iter::Peekable;
use std::time::Duration;

use super::{FileToRead, ScanPlan, Surroundings, facts_of, local_path};
use crate::drive::{Driver, Pace, Reading, SideBySide};
use crate::table::UnitRows;

/// A file of a stretch: its number, itself, and what was spent on it already.
pub(super) type Numbered<'a> = (u64, FileToRead<'a>, Reading);

/// The next local files, up to `most` of them and to the first one that is not local.
pub(super) fn local_stretch<'a>(
    files: &mut Peekable<impl Iterator<Item = Numbered<'a>>>,
    most: usize,
) -> Vec<(Numbered<'a>, Cow<'a, [u8]>)> {
    let mut stretch = vec![];
    while stretch.len() < most
        && let Some(numbered) = files.peek().copied()
        && let Some(path) = local_path(numbered.1.url)
    {
        files.next();
        stretch.push((numbered, path));
    }
    stretch
}

impl ScanPlan {
    /// Adds the rows of a stretch, in the order in which files end; those that were not read because it was not to go on have none.
    /// Answers false where nothing was read, since no thread can be started.
    pub(super) fn read_side_by_side(
        &self,
        rows: &mut UnitRows,
        stretch: &[(Numbered<'_>, Cow<'_, [u8]>)],
        threads: usize,
        driver: &mut Driver,
        pace: &mut Pace,
        surroundings: &mut dyn Surroundings,
    ) -> bool {
        let files: Vec<_> =
            stretch.iter().map(|((_, file, _), path)| (Cow::Borrowed(path.as_ref()), file.size)).collect();
        let reader = SideBySide::new(&self.plan, self.limits, &files, driver.first_read);
        let mut took = Duration::ZERO;
        let mut ended: u32 = 0;
        let surroundings = std::cell::RefCell::new(surroundings);
        let started = reader.read(
            threads,
            &|| self.recorder(),
            &mut |file| {
                let Some(((number, listed, spent), _)) = stretch.get(file.index) else {
                    return;
                };
                rows.add(&facts_of(*number, listed, *spent, file.reading), &mut file.decoder.header);
                surroundings.borrow_mut().note_file();
                took = took.saturating_add(file.took);
                ended = ended.saturating_add(1);
            },
            &mut || surroundings.borrow_mut().goes_on(),
        );
        driver.first_read = reader.first_read();
        pace.note_stretch(took.checked_div(ended).unwrap_or_default());
        started
    }
}
