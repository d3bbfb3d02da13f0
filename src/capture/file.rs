//! One capture file: recognised, uncompressed, read record by record.

use super::buffer::Buffer;
use super::compression::Compression;
use super::error::CaptureError;
use super::inputs::Input;
use super::pcap::Pcap;
use super::pcapng::Pcapng;
use crate::model::{CaptureEnd, CaptureIndex, CaptureSummary, Frame, InterfaceSummary, LinkType, Position, Tally};
use sha2::{Digest, Sha256};
use std::cell::RefCell;
use std::io::{self, Read};
use std::ops::Range;
use std::rc::Rc;

/// Bytes from the start of the stored file that identify it together with its name and size.
const IDENTITY_BYTES: usize = 64 * 1024;

/// How files are opened.
#[derive(Debug, Clone, Copy, Default)]
pub struct OpenOptions {
    /// Compute the SHA-256 of each file as stored.
    pub hash: bool,
}

/// A record at the start of the buffer.
pub(super) struct Record {
    pub(super) time_ns: i64,
    pub(super) link_type: LinkType,
    /// Captured bytes, within the record.
    pub(super) data: Range<usize>,
    /// Length of the whole record.
    pub(super) record_bytes: usize,
    pub(super) wire_bytes: u32,
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
}

impl Break {
    pub(super) fn cut(what: &str, needed: usize, available: usize) -> Self {
        Self::Truncated(format!("the file ends inside {what}: {needed} bytes needed, {available} there"))
    }
}

/// The stored bytes of a file: counts them for the progress bar, hashes them on request.
struct Stored {
    reader: Box<dyn Read>,
    read_bytes: u64,
    hasher: Option<Sha256>,
}

impl Read for Stored {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let n = self.reader.read(into)?;
        self.read_bytes += n as u64;
        if let Some(hasher) = &mut self.hasher {
            hasher.update(&into[..n]);
        }
        Ok(n)
    }
}

/// Lets the decompressor read while the file keeps an eye on counter and hash.
struct Shared(Rc<RefCell<Stored>>);

impl Read for Shared {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.0.borrow_mut().read(into)
    }
}

enum Format {
    Pcap(Pcap),
    Pcapng(Pcapng),
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
    previous_ns: i64,
    snapped_frames: u64,
    backward_steps: u64,
    end: Option<CaptureEnd>,
}

impl CaptureFile {
    /// Opens an input and reads its header.
    ///
    /// # Errors
    /// When it cannot be read, is empty, is no capture, or its header is damaged.
    pub fn open(input: &Input, index: CaptureIndex, options: OpenOptions) -> Result<Self, CaptureError> {
        let name = input.name();
        let io_error = |cause| CaptureError::Io { name: name.clone(), cause };
        let (mut reader, size_bytes) = input.open().map_err(io_error)?;
        let start = read_start(&mut *reader).map_err(io_error)?;
        if start.is_empty() {
            return Err(CaptureError::Empty { name });
        }
        let id = identity(&name, size_bytes, &start);
        let compression = Compression::recognise(&start);
        let stored = Rc::new(RefCell::new(Stored {
            reader: Box::new(io::Cursor::new(start).chain(reader)),
            read_bytes: 0,
            hasher: options.hash.then(Sha256::new),
        }));
        let uncompressed = compression.reader(Box::new(Shared(Rc::clone(&stored)))).map_err(io_error)?;
        let mut buffer = Buffer::new(uncompressed);
        let format = open_format(&name, &mut buffer)?;
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
            previous_ns: i64::MIN,
            snapped_frames: 0,
            backward_steps: 0,
            end: None,
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
        let next = match &mut self.format {
            Format::Pcap(pcap) => pcap.next(&mut self.buffer),
            Format::Pcapng(pcapng) => pcapng.next(&mut self.buffer),
        };
        match next {
            Ok(Some(record)) => {
                self.note(&record);
                self.current = Some(record);
                true
            }
            Ok(None) => {
                self.end = Some(CaptureEnd::Complete);
                false
            }
            Err(stop) => {
                self.end = Some(self.broken(stop));
                false
            }
        }
    }

    fn note(&mut self, record: &Record) {
        self.frames += 1;
        self.snapped_frames += u64::from(record.data.len() < record.wire_bytes as usize);
        // A simple packet block has no time: it says nothing about the interval.
        if record.time_ns != 0 {
            self.backward_steps += u64::from(record.time_ns < self.previous_ns);
            self.previous_ns = record.time_ns;
            self.first_ns = Some(self.first_ns.map_or(record.time_ns, |t| t.min(record.time_ns)));
            self.last_ns = Some(self.last_ns.map_or(record.time_ns, |t| t.max(record.time_ns)));
        }
    }

    fn broken(&self, stop: Break) -> CaptureEnd {
        let place = format!("after frame {}, byte {}", self.frames, self.buffer.offset());
        match stop {
            Break::Truncated(why) => CaptureEnd::Truncated(format!("{place}: {why}")),
            Break::Corrupt(why) => CaptureEnd::Corrupt(format!("{place}: {why}")),
            Break::Io(e) if e.kind() == io::ErrorKind::UnexpectedEof => {
                CaptureEnd::Truncated(format!("{place}: the compressed data ends early"))
            }
            Break::Io(e) => CaptureEnd::Corrupt(format!("{place}: {e}")),
        }
    }

    /// The frame that [`Self::advance`] read.
    #[must_use]
    pub fn frame(&self) -> Option<Frame<'_>> {
        let record = self.current.as_ref()?;
        Some(Frame {
            position: Position { capture: self.index, frame: self.frames, offset: self.buffer.offset() },
            time_ns: record.time_ns,
            link_type: record.link_type,
            data: self.buffer.bytes().get(record.data.clone())?,
            wire_bytes: record.wire_bytes,
            interface: 0,
            heading: None,
            process: None,
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
        self.stored.borrow().read_bytes
    }

    /// Closes the file. What lies behind a break is read on only where the hash needs it.
    #[must_use]
    pub fn finish(self) -> CaptureSummary {
        let interfaces: Vec<InterfaceSummary> = match &self.format {
            Format::Pcap(pcap) => vec![pcap.interface()],
            Format::Pcapng(pcapng) => pcapng.interfaces().to_vec(),
        };
        let mut stored = self.stored.borrow_mut();
        let mut sha256 = None;
        if stored.hasher.is_some() && io::copy(&mut *stored, &mut io::sink()).is_ok() {
            sha256 = stored.hasher.take().map(|hasher| hex(&hasher.finalize()));
        }
        CaptureSummary {
            name: self.name.clone(),
            id: self.id.clone(),
            size_bytes: self.size_bytes,
            sha256,
            format: match self.format {
                Format::Pcap(_) => "pcap",
                Format::Pcapng(_) => "pcapng",
            },
            compression: self.compression.name(),
            interfaces,
            first_ns: self.first_ns,
            last_ns: self.last_ns,
            snapped_frames: self.snapped_frames,
            backward_steps: self.backward_steps,
            tally: Tally::default(),
            first_stop: None,
            end: self.end.clone().unwrap_or(CaptureEnd::Complete),
        }
    }
}

fn read_start(reader: &mut dyn Read) -> io::Result<Vec<u8>> {
    let mut start = Vec::new();
    reader.take(IDENTITY_BYTES as u64).read_to_end(&mut start)?;
    Ok(start)
}

/// Name without folders, size and first bytes: the same recording under another path keeps its identity.
fn identity(name: &str, size_bytes: Option<u64>, start: &[u8]) -> String {
    let mut hasher = Sha256::new();
    hasher.update(name.rsplit(['/', '\\']).next().unwrap_or(name));
    hasher.update([0]);
    hasher.update(size_bytes.unwrap_or(0).to_le_bytes());
    hasher.update(start);
    let mut id = hex(&hasher.finalize());
    id.truncate(12);
    id
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn open_format(name: &str, buffer: &mut Buffer) -> Result<Format, CaptureError> {
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
        Pcapng::open(buffer).map(Format::Pcapng)
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
