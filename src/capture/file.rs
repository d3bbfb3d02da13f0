//! One capture file: recognised, uncompressed, read record by record.

use super::budget::{Budgets, Share};
use super::buffer::{Buffer, CAPACITY_BYTES, SMALL_CAPACITY_BYTES};
use super::compression::Compression;
use super::damage::Damage;
use super::error::CaptureError;
use super::inputs::Input;
use super::pcap::Pcap;
use super::pcapng::Pcapng;
use super::stored::{Opened, Shared, Stored, identity};
use crate::model::{
    CaptureEnd, CaptureIndex, CaptureSummary, CommentFact, Fate, Frame, Heading, LinkType, NameFact, Position,
    ReadingCounts, Tally, believed_wire_bytes,
};
use std::cell::RefCell;
use std::io;
use std::ops::Range;
use std::rc::Rc;

/// How files are opened.
#[derive(Debug, Clone, Copy, Default)]
pub struct OpenOptions {
    /// Compute the SHA-256 of each file as stored.
    pub hash: bool,
}

/// A record at the start of the buffer.
pub(super) struct Record {
    /// 0 where it has none.
    pub(super) time_ns: i64,
    pub(super) link_type: LinkType,
    /// Captured bytes, within the record.
    pub(super) data: Range<usize>,
    /// Length of the whole record.
    pub(super) record_bytes: usize,
    /// Original length as the record states it.
    pub(super) wire_bytes: u32,
    /// Ordinal of the interface in the file.
    pub(super) interface: u32,
    pub(super) heading: Option<Heading>,
    /// Number of the process in its section.
    pub(super) process: Option<u32>,
}

/// Why reading ended before the end of the file.
#[derive(Debug, thiserror::Error)]
pub(super) enum Break {
    #[error("{0}")]
    Truncated(String),
    #[error("{0}")]
    Corrupt(String),
    #[error("{0}")]
    Io(#[from] io::Error),
    /// Another one, and the byte where it is; the reader stands elsewhere.
    #[error("byte {0}: {1}")]
    At(u64, Box<Break>),
}

impl Break {
    pub(super) fn cut(what: &str, needed: usize, available: usize) -> Self {
        Self::Truncated(format!("the file ends inside {what}: {needed} bytes needed, {available} there"))
    }
}

enum Format {
    Pcap(Pcap),
    Pcapng(Box<Pcapng>),
}

/// An open capture file. Frames are borrowed from its buffer.
pub struct CaptureFile {
    index: CaptureIndex,
    name: String,
    id: String,
    size_bytes: Option<u64>,
    compression: Compression,
    stored: Rc<RefCell<Stored>>,
    buffer: Buffer,
    format: Format,
    current: Option<Record>,
    frames: u64,
    first_ns: Option<i64>,
    last_ns: Option<i64>,
    /// Time of the latest frame that has one.
    previous_ns: Option<i64>,
    /// Whether the current frame has a time of its own.
    timed: bool,
    untimed_frames: u64,
    snapped_frames: u64,
    implausible_lengths: u64,
    backward_steps: u64,
    filtered_frames: u64,
    end: Option<CaptureEnd>,
    /// What its decompressor may hold.
    _window: Share,
}

/// What a file leaves behind.
pub(super) struct Finished {
    pub(super) summary: CaptureSummary,
    pub(super) names: Vec<NameFact>,
    pub(super) comments: Vec<CommentFact>,
}

/// How one file is opened.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Opening {
    pub(super) options: OpenOptions,
    /// One of many: hold no descriptor and little memory.
    pub(super) sparing: bool,
}

impl CaptureFile {
    /// Opens an input and reads its header.
    ///
    /// # Errors
    /// When it cannot be read, is empty, is no capture, or its header is damaged.
    pub fn open(input: &Input, index: CaptureIndex, options: OpenOptions) -> Result<Self, CaptureError> {
        Self::open_within(input, index, Opening { options, sparing: false }, &Budgets::default())
    }

    /// As above, within what the files of an observation may hold together.
    pub(super) fn open_within(
        input: &Input,
        index: CaptureIndex,
        opening: Opening,
        budgets: &Budgets,
    ) -> Result<Self, CaptureError> {
        let name = input.name();
        let io_error = |cause| CaptureError::Io { name: name.clone(), cause };
        let opened = Stored::open(input, opening.options.hash, opening.sparing).map_err(io_error)?;
        let Opened { stored, start, size_bytes } = opened;
        if start.is_empty() {
            return Err(CaptureError::Empty { name });
        }
        let id = identity(&name, size_bytes, &start);
        let compression = Compression::recognise(&start);
        let charged = compression.charge(&start, &budgets.windows);
        let (window_bytes, window) =
            charged.map_err(|reason| CaptureError::Compression { name: name.clone(), reason })?;
        let stored = Rc::new(RefCell::new(stored));
        let capacity = if opening.sparing { SMALL_CAPACITY_BYTES } else { CAPACITY_BYTES };
        let shared = Box::new(Shared(Rc::clone(&stored)));
        let uncompressed = compression.reader(shared, window_bytes, capacity).map_err(io_error)?;
        let mut buffer = Buffer::new(uncompressed, capacity);
        let format = open_format(&name, &mut buffer, budgets)?;
        Ok(Self {
            index,
            name,
            id,
            size_bytes,
            compression,
            stored,
            buffer,
            format,
            current: None,
            frames: 0,
            first_ns: None,
            last_ns: None,
            previous_ns: None,
            timed: false,
            untimed_frames: 0,
            snapped_frames: 0,
            implausible_lengths: 0,
            backward_steps: 0,
            filtered_frames: 0,
            end: None,
            _window: window,
        })
    }

    /// Reads the next frame; false at the end, whichever it is.
    pub fn advance(&mut self) -> bool {
        if self.end.is_some() {
            return false;
        }
        if let Some(done) = self.current.take() {
            self.buffer.consume(done.record_bytes);
        }
        let number = self.frames + 1;
        let next = match &mut self.format {
            Format::Pcap(pcap) => pcap.next(&mut self.buffer, number),
            Format::Pcapng(pcapng) => pcapng.next(&mut self.buffer, number),
        };
        match next {
            Ok(Some(mut record)) => {
                self.note(&mut record);
                self.current = Some(record);
                true
            }
            Ok(None) => {
                self.end = Some(self.damage().detail().map_or(CaptureEnd::Complete, CaptureEnd::Corrupt));
                false
            }
            Err(stop) => {
                let end = self.broken(stop, self.buffer.offset());
                self.end = Some(match (self.damage().detail(), end.detail()) {
                    (Some(first), Some(last)) => CaptureEnd::Corrupt(format!("{first}; then, {last}")),
                    _ => end,
                });
                false
            }
        }
    }

    /// Tells the frame that [`Self::advance`] read and those behind it, as far as they stand in memory together and come
    /// before `until_ns`, each with its place in `bytes`: the bytes change hands and are not copied. `each` answers whether
    /// the frame passed the filter.
    pub(super) fn take_frames(
        &mut self,
        until_ns: i64,
        bytes: &mut Vec<u8>,
        each: &mut impl FnMut(&Frame<'_>, usize) -> bool,
    ) {
        self.buffer.lend(std::mem::take(bytes));
        while let (Some(frame), Some(record)) = (self.frame(), &self.current) {
            let passed = each(&frame, self.buffer.place() + record.data.start);
            self.filtered_frames += u64::from(!passed);
            let more = self.advance();
            if let Some(window) = self.buffer.take_used_up() {
                *bytes = window;
                return;
            }
            if !more || self.time_ns().is_none_or(|time_ns| time_ns >= until_ns) {
                break;
            }
        }
        *bytes = self.buffer.take_window();
    }

    fn damage(&self) -> &Damage {
        match &self.format {
            Format::Pcap(pcap) => &pcap.damage,
            Format::Pcapng(pcapng) => &pcapng.damage,
        }
    }

    fn note(&mut self, record: &mut Record) {
        self.frames += 1;
        let captured_bytes = record.data.len();
        let claimed_bytes = record.wire_bytes;
        record.wire_bytes = believed_wire_bytes(captured_bytes, claimed_bytes);
        self.implausible_lengths += u64::from(claimed_bytes != record.wire_bytes);
        self.snapped_frames += u64::from(record.wire_bytes as usize > captured_bytes);
        self.timed = record.time_ns != 0;
        if self.timed {
            self.backward_steps += u64::from(self.previous_ns.is_some_and(|previous_ns| record.time_ns < previous_ns));
            self.previous_ns = Some(record.time_ns);
            self.first_ns = Some(self.first_ns.map_or(record.time_ns, |t| t.min(record.time_ns)));
            self.last_ns = Some(self.last_ns.map_or(record.time_ns, |t| t.max(record.time_ns)));
        } else {
            // It says nothing about the interval, and belongs where it stands.
            self.untimed_frames += 1;
            record.time_ns = self.previous_ns.unwrap_or(0);
        }
    }

    /// The filter kept the frame out that [`Self::advance`] read.
    pub(super) fn count_filtered(&mut self) {
        self.filtered_frames += 1;
    }

    fn broken(&self, stop: Break, offset: u64) -> CaptureEnd {
        let place = format!("after frame {}, byte {offset}", self.frames);
        match stop {
            Break::Truncated(why) => CaptureEnd::Truncated(format!("{place}: {why}")),
            Break::Corrupt(why) => CaptureEnd::Corrupt(format!("{place}: {why}")),
            Break::Io(e) if e.kind() == io::ErrorKind::UnexpectedEof => {
                CaptureEnd::Truncated(format!("{place}: the compressed data ends early"))
            }
            Break::Io(e) => CaptureEnd::Corrupt(format!("{place}: {e}")),
            Break::At(offset, stop) => self.broken(*stop, offset),
        }
    }

    /// Time of the frame that [`Self::advance`] read.
    pub(super) fn time_ns(&self) -> Option<i64> {
        self.current.as_ref().map(|record| record.time_ns)
    }

    /// The frame that [`Self::advance`] read.
    #[must_use]
    pub fn frame(&self) -> Option<Frame<'_>> {
        let record = self.current.as_ref()?;
        let process = match (&self.format, record.process) {
            (Format::Pcapng(pcapng), Some(number)) => pcapng.remarks.process_of(number),
            _ => None,
        };
        Some(Frame {
            position: Position { capture: self.index, frame: self.frames, offset: self.buffer.offset() },
            time_ns: record.time_ns,
            timed: self.timed,
            link_type: record.link_type,
            data: self.buffer.bytes().get(record.data.clone())?,
            wire_bytes: record.wire_bytes,
            interface: record.interface,
            heading: record.heading,
            process,
        })
    }

    /// Its ordinal in the observation.
    #[must_use]
    pub fn index(&self) -> CaptureIndex {
        self.index
    }

    /// Identifies the content: 12 hexadecimal digits over name, size and first bytes.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Bytes of the stored file read so far.
    #[must_use]
    pub fn read_bytes(&self) -> u64 {
        self.stored.borrow().read_bytes()
    }

    /// Closes the file. What lies behind a break is read on only where the hash needs it.
    #[must_use]
    pub fn finish(self) -> CaptureSummary {
        self.finish_with_remarks().summary
    }

    pub(super) fn finish_with_remarks(self) -> Finished {
        let sha256 = self.stored.borrow_mut().sha256();
        let mut tally = Tally::default();
        tally.add(Fate::Filtered, self.filtered_frames);
        let mut summary = CaptureSummary {
            name: self.name,
            id: self.id,
            size_bytes: self.size_bytes,
            sha256,
            format: "pcap",
            compression: self.compression.name(),
            interfaces: Vec::new(),
            first_ns: self.first_ns,
            last_ns: self.last_ns,
            snapped_frames: self.snapped_frames,
            backward_steps: self.backward_steps,
            reading: ReadingCounts { interfaces: 1, ..ReadingCounts::default() },
            filter: None,
            tally,
            first_stop: None,
            end: self.end.unwrap_or(CaptureEnd::Complete),
        };
        let (mut names, mut comments) = (Vec::new(), Vec::new());
        match self.format {
            Format::Pcap(pcap) => {
                summary.interfaces = vec![pcap.interface()];
                pcap.damage.count_into(&mut summary.reading);
            }
            Format::Pcapng(pcapng) => {
                summary.format = "pcapng";
                summary.interfaces = pcapng.interfaces().to_vec();
                summary.reading = pcapng.remarks.counts.clone();
                summary.reading.interfaces = pcapng.described();
                pcapng.damage.count_into(&mut summary.reading);
                (names, comments) = pcapng.remarks.finish(self.index);
            }
        }
        summary.reading.implausible_lengths = self.implausible_lengths;
        summary.reading.untimed_frames = self.untimed_frames;
        Finished { summary, names, comments }
    }
}

fn open_format(name: &str, buffer: &mut Buffer, budgets: &Budgets) -> Result<Format, CaptureError> {
    let name = name.to_owned();
    if let Err(cause) = buffer.fill(24) {
        return Err(CaptureError::Io { name, cause });
    }
    let start = buffer.bytes();
    if start.is_empty() {
        return Err(CaptureError::Empty { name });
    }
    let opened = if Pcap::recognise(start) {
        Pcap::open(buffer).map(Format::Pcap)
    } else if Pcapng::recognise(start) {
        Pcapng::open(buffer, &budgets.names).map(|pcapng| Format::Pcapng(Box::new(pcapng)))
    } else {
        return Err(not_a_capture(name, start));
    };
    opened.map_err(|reason| CaptureError::BadHeader { name, offset: buffer.offset(), reason })
}

fn not_a_capture(name: String, start: &[u8]) -> CaptureError {
    let format = match start {
        [b's', b'n', b'o', b'o', b'p', 0, ..] => "a Solaris snoop capture",
        [b'R', b'T', b'S', b'S', ..] | [b'X', b'C', b'P', 0, ..] => "a NetXray or Windows Sniffer capture",
        [b'G', b'M', b'B', b'U', ..] | [b'R', b'T', b'S', ..] => "a Network Monitor capture",
        [b'T', b'R', b'S', b'N', ..] => "a DOS Sniffer capture",
        [0x1c, 0x00, 0x01, 0xac, ..] | [0xac, 0x01, 0x00, 0x1c, ..] => "an IXIA lcap capture",
        [b'P', b'K', 3, 4, ..] => "a zip archive (unpack it)",
        [b'B', b'Z', b'h', ..] => "bzip2 data (unpack it, or use gzip, zstd or xz)",
        [b'P', b'A', b'R', b'1', ..] => "a Parquet file (give the store's folder instead)",
        _ => {
            let start = start.iter().take(8).copied().collect::<Vec<u8>>();
            return CaptureError::NotACapture { name, start: format!("\"{}\"", start.escape_ascii()) };
        }
    };
    CaptureError::OtherFormat { name, format }
}
