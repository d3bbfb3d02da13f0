//! `portproof record`: packets from an interface to a pcapng file.

#[cfg(not(feature = "live"))]
pub(super) fn run(
    _args: &crate::cli::args::RecordArgs,
    _quiet: bool,
) -> Result<crate::cli::outcome::ExitStatus, crate::cli::outcome::CliError> {
    Err(crate::cli::outcome::CliError::Recording(
        "this program was built without recording: build it with the feature \"live\" (needs libpcap), or record with \
         dumpcap or tcpdump and read the file here"
            .into(),
    ))
}

#[cfg(feature = "live")]
pub(super) use live::run;

#[cfg(feature = "live")]
mod live {
    use super::super::print;
    use crate::capture::{LiveCapture, LiveError, LiveSettings, interfaces};
    use crate::cli::args::RecordArgs;
    use crate::cli::interrupt;
    use crate::cli::outcome::{CliError, ExitStatus, tell};
    use crate::cli::output::{Existing, OutputFile, Readers};
    use crate::recording::{InterfaceInfo, InterfaceStatistics, PcapngError, PcapngWriter, SectionInfo};
    use crate::report::text::{counted, visible};
    use indicatif::{ProgressBar, ProgressDrawTarget};
    use std::fs::File;
    use std::io::BufWriter;
    use std::path::Path;
    use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

    /// Rest where no packet waits: far shorter than what the kernel's buffer holds.
    const PAUSE: Duration = Duration::from_millis(5);
    /// After the end, silence for which the kernel may still hand out a block of packets (its own limit is 100 ms).
    const DRAIN: Duration = Duration::from_millis(250);
    /// After the end, most time for a network that never falls silent.
    const DRAIN_LIMIT: Duration = Duration::from_secs(1);

    pub(in super::super) fn run(args: &RecordArgs, quiet: bool) -> Result<ExitStatus, CliError> {
        if args.list {
            return list();
        }
        let (Some(interface), Some(output)) = (&args.interface, &args.output) else {
            return Err(CliError::Usage("name an interface with -i and a file with -o".into()));
        };
        let existing = if args.force { Existing::Replace } else { Existing::Keep };
        let file = OutputFile::open(output, existing, Readers::Owner)?;
        let settings = LiveSettings {
            interface: interface.clone(),
            snap_length: args.snap_length,
            buffer_bytes: args.buffer << 20,
            promiscuous: !args.no_promiscuous,
            filter: Some(args.filter.join(" ")).filter(|filter| !filter.is_empty()),
        };
        let mut capture = LiveCapture::open(&settings).map_err(recording)?;
        let section = SectionInfo {
            hardware: String::new(),
            os: std::env::consts::OS.into(),
            application: concat!("portproof ", env!("CARGO_PKG_VERSION")).into(),
        };
        let described =
            InterfaceInfo { name: interface.clone(), link_type: capture.link_type(), snap_length: args.snap_length };
        let mut writer =
            PcapngWriter::new(BufWriter::new(file.file()), &section, &[described]).map_err(|e| written(output, e))?;
        let bar = progress(interface, args.time, quiet);
        let (packets, bytes) = pump(&mut capture, &mut writer, output, args.time, &bar)?;
        bar.finish_and_clear();
        let statistics = capture.statistics().map_err(recording)?;
        let counters = InterfaceStatistics {
            received: Some(statistics.received),
            dropped_by_interface: Some(statistics.dropped_by_interface),
            dropped_by_system: Some(statistics.dropped_by_system),
        };
        writer.write_interface_statistics(0, now_ns(), &counters).map_err(|e| written(output, e))?;
        let sink = writer.finish().map_err(CliError::io(output.display().to_string()))?;
        drop(sink);
        let straight = file.path().is_none();
        file.keep()?;
        let dropped = statistics.dropped_by_interface + statistics.dropped_by_system;
        if !quiet {
            let name = visible(&output.to_string_lossy()).into_owned();
            let packets = counted(packets, "packet", "packets");
            let done = format!("{packets} ({bytes} bytes) in {name}; dropped: {dropped}");
            // Packets that go straight out may go to standard output: no words among them.
            if straight { tell(&done) } else { print(&format!("{done}\n"))? }
        }
        if dropped > 0 {
            tell(&format!("warning: {dropped} packets were lost: use a larger --buffer, a filter, or a faster disk"));
        }
        Ok(ExitStatus::Done)
    }

    /// Records until the time is over or the user stops, and then what the kernel still holds; returns packets and bytes.
    fn pump(
        capture: &mut LiveCapture,
        writer: &mut PcapngWriter<BufWriter<&File>>,
        output: &Path,
        time: Option<Duration>,
        bar: &ProgressBar,
    ) -> Result<(u64, u64), CliError> {
        let started = now();
        let mut stopped: Option<(Instant, i64)> = None;
        let (mut packets, mut bytes, mut flushed) = (0_u64, 0_u64, 0_u64);
        loop {
            if stopped.is_none() && (interrupt::requested() || time.is_some_and(|time| started.elapsed() >= time)) {
                stopped = Some((now(), now_ns()));
            }
            match capture.next_packet().map_err(recording)? {
                // It came after the end: so does all that follows.
                Some(packet) if stopped.is_some_and(|(_, at_ns)| packet.time_ns > at_ns) => {
                    return Ok((packets, bytes));
                }
                Some(packet) => {
                    let kept = writer.write_packet(0, packet.time_ns, packet.data, packet.wire_bytes);
                    kept.map_err(|e| written(output, e))?;
                    packets += 1;
                    bytes += packet.data.len() as u64;
                    if packets.is_multiple_of(256) {
                        bar.set_message(format!("{packets} packets, {bytes} bytes"));
                    }
                }
                None if stopped.is_some_and(|(at, _)| at.elapsed() >= DRAIN) => return Ok((packets, bytes)),
                None => {
                    if flushed < packets {
                        // What came so far reaches the disk while nothing comes.
                        writer.flush().map_err(CliError::io(output.display().to_string()))?;
                        flushed = packets;
                    }
                    bar.tick();
                    std::thread::sleep(PAUSE);
                }
            }
            if stopped.is_some_and(|(at, _)| at.elapsed() >= DRAIN_LIMIT) {
                return Ok((packets, bytes));
            }
        }
    }

    #[expect(clippy::disallowed_methods, reason = "how long the user wants to record is wall-clock time")]
    fn now() -> Instant {
        Instant::now()
    }

    fn progress(interface: &str, time: Option<Duration>, quiet: bool) -> ProgressBar {
        let target = if quiet { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr_with_hz(4) };
        let bar = ProgressBar::with_draw_target(None, target);
        let until = time.map_or_else(|| "until Ctrl-C".to_owned(), |time| format!("for {} s", time.as_secs()));
        if !quiet {
            tell(&format!("recording from {interface} {until}"));
        }
        bar
    }

    fn list() -> Result<ExitStatus, CliError> {
        let mut text = String::new();
        for interface in interfaces().map_err(recording)? {
            let addresses = interface.addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
            text.push_str(&format!(
                "{:<20} {:<5} {addresses}\n",
                visible(&interface.name),
                if interface.up { "up" } else { "down" }
            ));
        }
        print(&text)?;
        Ok(ExitStatus::Done)
    }

    fn recording(error: LiveError) -> CliError {
        CliError::Recording(error.to_string())
    }

    fn written(output: &Path, error: PcapngError) -> CliError {
        CliError::Recording(format!("{}: {error}", output.display()))
    }

    #[expect(clippy::disallowed_methods, reason = "the end of a recording is stamped with the time of day")]
    fn now_ns() -> i64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
    }
}
