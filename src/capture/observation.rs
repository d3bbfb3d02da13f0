//! Several capture files, read as one stream in time order.
//!
//! Files are looked at once for their first time stamp; beyond a handful they are opened again only when the stream reaches
//! it, so that a folder of thousands of ring files needs few descriptors and little memory. Where many overlap in time,
//! those beyond the first two dozen hold no descriptor: they are opened, read and closed for each 16 KiB.
//!
//! What is bounded: descriptors (33); a buffer of 128 KiB for each of the first 24 files read at once and of 16 KiB (and as
//! much again for a decompressor's input) for each of the others, or the largest record in them; the windows of all
//! decompressors (1 GiB in sum; a file that would exceed it is skipped with that reason); names and comments.

use super::budget::Budgets;
use super::error::CaptureError;
use super::file::{CaptureFile, Finished, OpenOptions, Opening};
use super::filter::Filter;
use super::inputs::Input;
use crate::model::{CaptureIndex, CaptureSummary, CommentFact, Frame, NameFact};
use std::cmp::Reverse;
use std::collections::binary_heap::PeekMut;
use std::collections::{BinaryHeap, HashSet};

/// Bytes of a batch of frames from several files.
const COPIED_BYTES: usize = 128 << 10;
/// Files that stay open from the first look on: a handful is read without opening and recognising each twice.
const KEPT_OPEN: usize = 8;
/// Files read at once that hold a descriptor and a large buffer.
const AT_EASE: usize = 24;

struct Waiting {
    first_ns: i64,
    index: CaptureIndex,
    input: Input,
    /// Open still, where it cannot be opened again or is one of few.
    open: Option<CaptureFile>,
}

/// Time and ordinal of a file's next frame, and its place among the active files.
type Due = Reverse<(i64, CaptureIndex, usize)>;

/// The files of one observation, merged in time order; ties go to the file given first.
pub struct Observation {
    /// Latest first, so that the next one is at the end.
    waiting: Vec<Waiting>,
    /// Files that are read; places are used again.
    active: Vec<Option<CaptureFile>>,
    free: Vec<usize>,
    /// The next frame of each active file.
    due: BinaryHeap<Due>,
    /// Whether the frame of the first of them was handed out.
    handed_out: bool,
    filter: Option<Filter>,
    finished: Vec<(CaptureIndex, CaptureSummary)>,
    names: Vec<NameFact>,
    comments: Vec<CommentFact>,
    read_bytes: u64,
    options: OpenOptions,
    budgets: Budgets,
    skipped: Vec<String>,
    notes: Vec<String>,
    ids: Vec<(CaptureIndex, String)>,
}

/// What is known when all was read.
#[derive(Debug)]
pub struct ObservationEnd {
    /// Each file that was read, in the order in which they were given. Tallies hold the frames that the filter kept out;
    /// whoever decodes the others adds them.
    pub captures: Vec<(CaptureIndex, CaptureSummary)>,
    /// Inputs that were not read, each with its reason.
    pub skipped: Vec<String>,
    /// Names of addresses that the files state.
    pub names: Vec<NameFact>,
    /// Comments in the files.
    pub comments: Vec<CommentFact>,
    /// Link types to which the filter could not be applied, in sentences.
    pub filter_notes: Vec<String>,
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
            free: Vec::new(),
            due: BinaryHeap::new(),
            handed_out: false,
            filter: None,
            finished: Vec::new(),
            names: Vec::new(),
            comments: Vec::new(),
            read_bytes: 0,
            options,
            budgets: Budgets::default(),
            skipped: Vec::new(),
            notes: Vec::new(),
            ids: Vec::new(),
        };
        let mut first_error = None;
        let mut seen = HashSet::new();
        let mut kept = 0;
        for (number, input) in inputs.iter().enumerate() {
            let index = CaptureIndex(u32::try_from(number).unwrap_or(u32::MAX));
            let opening = Opening { options, sparing: kept >= KEPT_OPEN };
            match CaptureFile::open_within(input, index, opening, &observation.budgets) {
                Ok(file) if !seen.insert(file.id().to_owned()) => {
                    observation
                        .notes
                        .push(format!("{}: the same recording was given twice and is read once", input.name()));
                }
                Ok(file) => {
                    observation.ids.push((index, file.id().to_owned()));
                    kept += usize::from(observation.wait_for(file, input, kept < KEPT_OPEN));
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
                observation.waiting.sort_by_key(|w| Reverse((w.first_ns, w.index)));
                Ok(observation)
            }
        }
    }

    /// Frames that do not pass are counted and not handed out.
    #[must_use]
    pub fn with_filter(mut self, filter: Option<Filter>) -> Self {
        self.filter = filter;
        self
    }

    /// Whether the file stays open.
    fn wait_for(&mut self, mut file: CaptureFile, input: &Input, keep: bool) -> bool {
        let index = file.index();
        let Some(first_ns) = file.advance().then(|| file.time_ns()).flatten() else {
            self.note_end(file);
            return false;
        };
        let open = (keep || !input.reopenable()).then_some(file);
        let stays = open.is_some();
        self.waiting.push(Waiting { first_ns, index, input: input.clone(), open });
        stays
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
        self.read_bytes + self.active.iter().flatten().map(CaptureFile::read_bytes).sum::<u64>()
    }

    /// The next frame in time order that passes the filter. Not an iterator: the frame is borrowed from the reader.
    pub fn next_frame(&mut self) -> Option<Frame<'_>> {
        let place = loop {
            if self.handed_out {
                self.advance();
            }
            self.start_due();
            let Reverse((_, _, place)) = *self.due.peek()?;
            self.handed_out = true;
            let Some(filter) = &mut self.filter else { break place };
            let file = self.active.get_mut(place)?.as_mut()?;
            if file.frame().is_some_and(|frame| filter.passes(frame.link_type, frame.data)) {
                break place;
            }
            file.count_filtered();
        };
        self.active.get(place)?.as_ref()?.frame()
    }

    /// Tells the next frames in time order that pass the filter, each with the place of its data in `bytes`, which is theirs
    /// afterwards; gives their number, which is 0 at the end. A file that is alone at its time gives all that it has in memory
    /// at once; frames of several files are copied in turn.
    pub fn next_batch(&mut self, bytes: &mut Vec<u8>, mut each: impl FnMut(&Frame<'_>, usize)) -> usize {
        let mut frames = 0;
        while frames == 0 {
            if self.handed_out {
                self.advance();
            }
            self.start_due();
            let Some(Reverse((_, _, place))) = self.due.peek() else { return 0 };
            let place = *place;
            if self.due.len() > 1 {
                return self.copy_frames(bytes, each);
            }
            let until_ns = self.waiting.last().map_or(i64::MAX, |next| next.first_ns);
            let Self { active, filter, .. } = self;
            let mut passes = |frame: &Frame<'_>, at: usize| {
                let passes = filter.as_mut().is_none_or(|filter| filter.passes(frame.link_type, frame.data));
                if passes {
                    frames += 1;
                    each(frame, at);
                }
                passes
            };
            if let Some(file) = active.get_mut(place).and_then(Option::as_mut) {
                file.take_frames(until_ns, bytes, &mut passes);
            }
            self.read_on();
        }
        frames
    }

    fn copy_frames(&mut self, bytes: &mut Vec<u8>, mut each: impl FnMut(&Frame<'_>, usize)) -> usize {
        let mut frames = 0;
        bytes.clear();
        while bytes.len() < COPIED_BYTES
            && let Some(frame) = self.next_frame()
        {
            each(&frame, bytes.len());
            bytes.extend_from_slice(frame.data);
            frames += 1;
        }
        frames
    }

    /// Reads on in the file whose frame was handed out.
    #[inline]
    fn advance(&mut self) {
        self.handed_out = false;
        let Some(Reverse((_, _, place))) = self.due.peek() else { return };
        if let Some(file) = self.active.get_mut(*place).and_then(Option::as_mut) {
            file.advance();
        }
        self.read_on();
    }

    /// Puts the first of the files that are due where its next frame belongs, or closes it.
    #[inline]
    fn read_on(&mut self) {
        let Some(mut top) = self.due.peek_mut() else { return };
        let Reverse((time_ns, _, place)) = &mut *top;
        let place = *place;
        let file = self.active.get(place).and_then(Option::as_ref);
        if let Some(next_ns) = file.and_then(CaptureFile::time_ns) {
            *time_ns = next_ns;
            return;
        }
        PeekMut::pop(top);
        if let Some(file) = self.active.get_mut(place).and_then(Option::take) {
            self.free.push(place);
            self.retire(file);
        }
    }

    fn start_due(&mut self) {
        while let Some(next) = self.waiting.last() {
            if self.due.peek().is_some_and(|Reverse((time_ns, ..))| *time_ns < next.first_ns) {
                return;
            }
            let Some(next) = self.waiting.pop() else { return };
            let opened = match next.open {
                Some(file) => Ok(file),
                None => self.open_again(&next.input, next.index),
            };
            match opened.map(|file| (file.time_ns(), file)) {
                Ok((Some(time_ns), file)) => {
                    let place = self.free.pop().unwrap_or(self.active.len());
                    if place == self.active.len() {
                        self.active.push(None);
                    }
                    self.active[place] = Some(file);
                    self.due.push(Reverse((time_ns, next.index, place)));
                }
                Ok((None, file)) => self.retire(file),
                Err(error) => self.skipped.push(error.to_string()),
            }
        }
    }

    fn open_again(&self, input: &Input, index: CaptureIndex) -> Result<CaptureFile, CaptureError> {
        let opening = Opening { options: self.options, sparing: self.due.len() >= AT_EASE };
        let mut file = CaptureFile::open_within(input, index, opening, &self.budgets)?;
        file.advance();
        Ok(file)
    }

    fn retire(&mut self, file: CaptureFile) {
        self.read_bytes += file.read_bytes();
        self.note_end(file);
    }

    fn note_end(&mut self, file: CaptureFile) {
        let index = file.index();
        let Finished { mut summary, names, comments } = file.finish_with_remarks();
        summary.filter = self.filter.as_ref().map(|filter| filter.text().to_owned());
        self.finished.push((index, summary));
        self.names.extend(names);
        self.comments.extend(comments);
    }

    /// Closes all files and tells what is known of them.
    #[must_use]
    pub fn finish(mut self) -> ObservationEnd {
        for file in std::mem::take(&mut self.active).into_iter().flatten() {
            self.retire(file);
        }
        self.finished.sort_by_key(|(index, _)| *index);
        let filter = self.filter.as_ref().map(|filter| filter.text().to_owned());
        self.finished.iter_mut().for_each(|(_, summary)| summary.filter.clone_from(&filter));
        self.names.sort();
        self.comments.sort();
        ObservationEnd {
            captures: self.finished,
            skipped: self.skipped,
            names: self.names,
            comments: self.comments,
            filter_notes: self.filter.map(|filter| filter.notes()).unwrap_or_default(),
        }
    }
}
