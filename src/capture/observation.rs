//! Several capture files, read as one stream in time order.
//!
//! Files are looked at once for their first time stamp; beyond a handful they are opened again only when the stream reaches
//! it, so that a folder of thousands of ring files needs few descriptors and little memory.

use super::error::CaptureError;
use super::file::{CaptureFile, OpenOptions};
use super::inputs::Input;
use crate::model::{CaptureIndex, CaptureSummary, Frame};
use std::collections::HashSet;

/// Files that stay open from the first look on: a handful is read without opening and recognising each twice.
const KEPT_OPEN: usize = 8;

struct Waiting {
    first_ns: i64,
    index: CaptureIndex,
    input: Input,
    /// Open still, where it cannot be opened again or is one of few.
    open: Option<CaptureFile>,
}

/// The files of one observation, merged in time order; ties go to the file given first.
pub struct Observation {
    /// Latest first, so that the next one is at the end.
    waiting: Vec<Waiting>,
    active: Vec<CaptureFile>,
    chosen: Option<usize>,
    finished: Vec<(CaptureIndex, CaptureSummary)>,
    read_bytes: u64,
    options: OpenOptions,
    skipped: Vec<String>,
    notes: Vec<String>,
    ids: Vec<(CaptureIndex, String)>,
}

impl Observation {
    /// Looks at every input. Inputs that cannot be read are skipped, each with a reason; so is a file that was given
    /// twice.
    ///
    /// # Errors
    /// When no input can be read: the first reason.
    pub fn open(inputs: &[Input], options: OpenOptions) -> Result<Self, CaptureError> {
        let mut observation = Self {
            waiting: Vec::new(),
            active: Vec::new(),
            chosen: None,
            finished: Vec::new(),
            read_bytes: 0,
            options,
            skipped: Vec::new(),
            notes: Vec::new(),
            ids: Vec::new(),
        };
        let mut first_error = None;
        let mut seen = HashSet::new();
        for (number, input) in inputs.iter().enumerate() {
            let index = CaptureIndex(u32::try_from(number).unwrap_or(u32::MAX));
            match CaptureFile::open(input, index, options) {
                Ok(file) if !seen.insert(file.id().to_owned()) => {
                    observation
                        .notes
                        .push(format!("{}: the same recording was given twice and is read once", input.name()));
                }
                Ok(file) => {
                    observation.ids.push((index, file.id().to_owned()));
                    observation.wait_for(file, input);
                }
                Err(error) => {
                    let other_file = matches!(input, Input::Found(_)) && error.is_about_another_format();
                    let list = if other_file { &mut observation.notes } else { &mut observation.skipped };
                    list.push(error.to_string());
                    first_error = first_error.or(Some(error));
                }
            }
        }
        match first_error {
            Some(error) if seen.is_empty() => Err(error),
            _ => {
                observation.waiting.sort_by_key(|w| std::cmp::Reverse((w.first_ns, w.index)));
                Ok(observation)
            }
        }
    }

    fn wait_for(&mut self, mut file: CaptureFile, input: &Input) {
        let index = file.index();
        if !file.advance() {
            self.finished.push((index, file.finish()));
            return;
        }
        let first_ns = file.frame().map_or(0, |frame| frame.time_ns);
        let kept = self.waiting.iter().filter(|waiting| waiting.open.is_some()).count();
        let open = (kept < KEPT_OPEN || !input.reopenable()).then_some(file);
        self.waiting.push(Waiting { first_ns, index, input: input.clone(), open });
    }

    /// Identities of the inputs by their index; empty for one that cannot be read. `inputs` is their number.
    #[must_use]
    pub fn ids(&self, inputs: usize) -> Vec<String> {
        let mut ids = vec![String::new(); inputs];
        for (index, id) in &self.ids {
            if let Some(place) = ids.get_mut(index.0 as usize) {
                place.clone_from(id);
            }
        }
        ids
    }

    /// What was passed over without loss: recordings given twice, other files in a directory of captures.
    #[must_use]
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Stored bytes read so far, for a progress bar.
    #[must_use]
    pub fn read_bytes(&self) -> u64 {
        self.read_bytes + self.active.iter().map(CaptureFile::read_bytes).sum::<u64>()
    }

    /// The next frame in time order. Not an iterator: the frame is borrowed from the reader.
    pub fn next_frame(&mut self) -> Option<Frame<'_>> {
        if let Some(chosen) = self.chosen.take()
            && !self.active[chosen].advance()
        {
            self.retire(chosen);
        }
        self.start_due();
        let chosen = self.earliest()?;
        self.chosen = Some(chosen);
        self.active[chosen].frame()
    }

    fn earliest(&self) -> Option<usize> {
        if self.active.len() == 1 {
            return Some(0);
        }
        let time = |file: &CaptureFile| file.frame().map_or(i64::MAX, |frame| frame.time_ns);
        (0..self.active.len()).min_by_key(|i| (time(&self.active[*i]), self.active[*i].index()))
    }

    fn start_due(&mut self) {
        while let Some(next) = self.waiting.last() {
            let due = self.active.iter().all(|file| file.frame().is_none_or(|f| f.time_ns >= next.first_ns));
            if !due {
                return;
            }
            let Some(next) = self.waiting.pop() else { return };
            let opened = match next.open {
                Some(file) => Ok(file),
                None => CaptureFile::open(&next.input, next.index, self.options).map(|mut file| {
                    file.advance();
                    file
                }),
            };
            match opened {
                Ok(file) => self.active.push(file),
                Err(error) => self.skipped.push(error.to_string()),
            }
        }
    }

    fn retire(&mut self, chosen: usize) {
        let file = self.active.remove(chosen);
        self.read_bytes += file.read_bytes();
        self.finished.push((file.index(), file.finish()));
    }

    /// What is known of each file that was read, in the order in which they were given, and the inputs that were not, each
    /// with its reason. Tallies are still empty: whoever decodes the frames fills them in.
    #[must_use]
    pub fn finish(mut self) -> (Vec<(CaptureIndex, CaptureSummary)>, Vec<String>) {
        while !self.active.is_empty() {
            self.retire(0);
        }
        self.finished.sort_by_key(|(index, _)| *index);
        (self.finished, self.skipped)
    }
}
