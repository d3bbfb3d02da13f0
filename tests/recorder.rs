//! `portproof record`: the same packets as tcpdump beside it, a file that Wireshark's tools open without a word, and
//! plain answers where it cannot record.
//!
//! The comparisons need tcpdump, `ip`, and the right to record; without them they print why they are skipped. They run
//! in a network namespace of their own where one can be made, on the loopback of the machine otherwise.

#![cfg(feature = "live")]
#![allow(clippy::print_stdout, reason = "what was skipped, and the figures, are for the reader of the run")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what it expects by failing")]
#![allow(clippy::disallowed_methods, reason = "tests write their own inputs")]

mod support;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use support::captures;
use support::{Run, names_in, number, portproof};

/// Ports of the traffic that the tests send.
const TCP_PORT: u16 = 47_113;
const UDP_PORT: u16 = 47_114;
/// Datagrams that are sent, from as many ports.
const DATAGRAMS: usize = 20;
/// Tells the helper among the tests that it is meant.
const SEND: &str = "PORTPROOF_TEST_SENDS";

fn has(tool: &str) -> bool {
    let found =
        Command::new(tool).arg("--version").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    found.is_ok()
}

fn works(command: &mut Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// Where the packets fly: a namespace with a loopback, or the loopback of the machine.
struct Place {
    namespace: Option<String>,
}

impl Place {
    fn new(name: &str) -> Self {
        let namespace = format!("portproof-{name}-{}", std::process::id());
        let made = works(Command::new("ip").args(["netns", "add", &namespace]))
            && works(Command::new("ip").args(["netns", "exec", &namespace, "ip", "link", "set", "lo", "up"]));
        if !made {
            println!("no network namespace can be made: using the loopback of the machine");
        }
        Self { namespace: made.then_some(namespace) }
    }

    fn command(&self, program: &str) -> Command {
        match &self.namespace {
            Some(namespace) => {
                let mut command = Command::new("ip");
                command.args(["netns", "exec", namespace, program]);
                command
            }
            None => Command::new(program),
        }
    }

    /// On a loopback that others use, only our ports.
    fn filter(&self) -> Vec<String> {
        match self.namespace {
            Some(_) => Vec::new(),
            None => vec![format!("tcp port {TCP_PORT} or udp port {UDP_PORT}")],
        }
    }

    /// Sends the traffic from a process inside and waits until all of it has arrived.
    fn send(&self) {
        let this = std::env::current_exe().unwrap();
        let mut command = self.command(this.to_str().unwrap());
        let helper = command.args(["--exact", "helper_that_sends", "--ignored", "--nocapture"]).env(SEND, "yes");
        let run = support::run(helper, &[], support::HANGS);
        assert_eq!(run.code, Some(0), "the helper: {}{}", run.text(), run.stderr);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(namespace) = &self.namespace {
            works(Command::new("ip").args(["netns", "delete", namespace]));
        }
    }
}

#[test]
#[ignore = "helper of the other tests, which run it inside their namespace"]
fn helper_that_sends() {
    if std::env::var_os(SEND).is_none() {
        return;
    }
    let listener = TcpListener::bind(("127.0.0.1", TCP_PORT)).unwrap();
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut all = Vec::new();
        stream.read_to_end(&mut all).unwrap();
        stream.write_all(&all).unwrap();
    });
    let mut client = TcpStream::connect(("127.0.0.1", TCP_PORT)).unwrap();
    client.write_all(&[42; 50_000]).unwrap();
    client.shutdown(std::net::Shutdown::Write).unwrap();
    let mut answer = Vec::new();
    client.read_to_end(&mut answer).unwrap();
    assert_eq!(answer.len(), 50_000);
    server.join().unwrap();
    let receiver = UdpSocket::bind(("127.0.0.1", UDP_PORT)).unwrap();
    for n in 0..DATAGRAMS {
        let sender = UdpSocket::bind("127.0.0.1:0").unwrap();
        sender.send_to(&vec![n as u8; n * 50], ("127.0.0.1", UDP_PORT)).unwrap();
        receiver.recv(&mut [0; 2_000]).unwrap();
    }
    // A refusal: nobody listens there.
    assert!(TcpStream::connect(("127.0.0.1", 1)).is_err());
}

/// Whether the packets can be compared here; prints why not.
fn can_compare() -> bool {
    let reason = if !has("tcpdump") {
        "no tcpdump"
    } else if !has("ip") {
        "no ip (iproute2)"
    } else if !works(Command::new("tcpdump").args(["-i", "lo", "-c", "1", "-d"])) || !may_record() {
        "no right to record"
    } else {
        return true;
    };
    println!("skipped: {reason}");
    false
}

fn may_record() -> bool {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("probe.pcapng");
    let run = portproof(["record", "-q", "-i", "lo", "--for", "10ms", "-o", file.to_str().unwrap()]);
    assert!(run.code == Some(0) || run.stderr.contains("permission"), "{}", run.stderr);
    run.code == Some(0)
}

/// A program that records; `said` gives the lines of its standard error.
struct Recorder {
    child: Child,
    said: Receiver<String>,
}

impl Recorder {
    /// Starts it and waits until it says that it listens.
    fn start(command: &mut Command, listening: &str) -> Self {
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let (sender, said) = channel();
        std::thread::spawn(move || stderr.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        let mut recorder = Self { child, said };
        let mut before = Vec::new();
        loop {
            match recorder.said.recv_timeout(support::HANGS) {
                Ok(line) if line.contains(listening) => return recorder,
                Ok(line) => before.push(line),
                Err(_) => {
                    let _ = recorder.child.kill();
                    panic!("{command:?} does not record: {before:?}");
                }
            }
        }
    }

    fn signal(&self, name: &str) {
        let sent = Command::new("sh").args(["-c", &format!("kill -{name} {}", self.child.id())]).status();
        assert!(sent.unwrap().success());
    }

    /// Waits until it ends.
    fn end(mut self) -> Run {
        self.child.stderr = None;
        let mut child = self.child;
        let mut stdout = Vec::new();
        child.stdout.take().unwrap().read_to_end(&mut stdout).unwrap();
        let code = child.wait().unwrap().code();
        Run { code, stdout, stderr: self.said.iter().collect::<Vec<_>>().join("\n") }
    }
}

/// Records the same traffic with both, and compares. `stop` ends ours with Ctrl-C; otherwise its time does.
fn compare(name: &str, time: &str, stop: bool) {
    if !can_compare() {
        return;
    }
    let place = Place::new(name);
    let folder = tempfile::tempdir().unwrap();
    let [ours, theirs] = ["ours.pcapng", "theirs.pcap"].map(|file| folder.path().join(file));
    let mut tcpdump = place.command("tcpdump");
    tcpdump.args(["-i", "lo", "-Z", "root", "-U", "--immediate-mode", "-B", "16384", "-w", theirs.to_str().unwrap()]);
    let theirs_runs = Recorder::start(tcpdump.args(place.filter()), "listening on");
    let mut record = place.command(support::PROGRAM);
    record.args(["record", "-i", "lo", "--for", time, "-o", ours.to_str().unwrap()]);
    let ours_runs = Recorder::start(record.args(place.filter()), "recording from lo");
    place.send();
    if stop {
        ours_runs.signal("INT");
    }
    let run = ours_runs.end().expect(0);
    theirs_runs.signal("TERM");
    theirs_runs.end();

    let left = captures::read(&std::fs::read(&ours).unwrap());
    let right = captures::read(&std::fs::read(&theirs).unwrap());
    let expected_at_least = 3 + DATAGRAMS;
    assert!(right.packets.len() >= expected_at_least, "tcpdump has {}", right.packets.len());
    assert_eq!(left.packets.len(), right.packets.len(), "packets");
    assert_eq!(left.link_type, right.link_type, "link type");
    for (n, (l, r)) in left.packets.iter().zip(&right.packets).enumerate() {
        assert!(l.data == r.data && l.wire_bytes == r.wire_bytes, "packet {} differs", n + 1);
    }
    assert_eq!(left.dropped, Some(0), "the file says how many were lost");
    let told = run.text();
    let packets = format!("{} packets", left.packets.len());
    assert!(told.replace(',', "").starts_with(&packets) && told.contains("dropped: 0"), "{packets} in {told:?}");
    assert_eq!(names_in(folder.path()), ["ours.pcapng", "theirs.pcap"], "nothing is left beside them");
    opens_without_a_word(&ours, left.packets.len());
    its_flows_are_what_was_sent(&ours);
}

fn opens_without_a_word(file: &Path, packets: usize) {
    if !has("tshark") {
        println!("tshark skipped: not there");
        return;
    }
    let mut command = Command::new("tshark");
    let run =
        support::run(command.args(["-n", "-T", "fields", "-e", "frame.number", "-r"]).arg(file), &[], support::HANGS);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let said: Vec<&str> = run.lines().into_iter().filter(|line| !line.contains("Running as user \"root\"")).collect();
    assert!(said.is_empty(), "tshark warns: {said:?}");
    assert_eq!(run.text().lines().count(), packets);
}

fn its_flows_are_what_was_sent(file: &Path) {
    let flows = support::flows([file]);
    let to = |protocol: &str, port: u16| {
        let port = port.to_string();
        let it = flows.iter().filter(move |f| f["protocol"] == protocol && f["responder_port"] == port);
        it.collect::<Vec<_>>()
    };
    let tcp = to("tcp", TCP_PORT);
    assert_eq!(tcp.len(), 1);
    assert_eq!((tcp[0]["outcome"].as_str(), tcp[0]["orientation"].as_str()), ("established", "certain"));
    assert_eq!((number(tcp[0], "forward_payload_bytes"), number(tcp[0], "reverse_payload_bytes")), (50_000, 50_000));
    let udp = to("udp", UDP_PORT);
    assert_eq!(udp.len(), DATAGRAMS);
}

#[test]
fn it_records_what_tcpdump_records_until_its_time_is_over() {
    compare("time", "4s", false);
}

#[test]
fn ctrl_c_ends_a_recording_cleanly() {
    compare("stop", "10m", true);
}

#[test]
fn nothing_sent_is_a_file_without_packets() {
    if !can_compare() {
        return;
    }
    let place = Place::new("idle");
    if place.namespace.is_none() {
        println!("skipped: the loopback of the machine is never silent");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("silent.pcapng");
    let mut record = place.command(support::PROGRAM);
    let recorder =
        Recorder::start(record.args(["record", "-i", "lo", "-o", file.to_str().unwrap()]), "recording from lo");
    recorder.signal("TERM");
    recorder.end().expect(0);
    assert_eq!(captures::read(&std::fs::read(&file).unwrap()).packets.len(), 0);
    opens_without_a_word(&file, 0);
}

#[test]
fn a_wrong_interface_is_answered_with_those_that_there_are() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("x.pcapng");
    let run = portproof(["record", "-i", "no-such-if0", "-o", file.to_str().unwrap()]).expect(2);
    let lines = run.lines();
    let [line] = lines.as_slice() else { panic!("one line, not {}", run.stderr) };
    if line.contains("permission") {
        println!("skipped: no right to record");
        return;
    }
    assert!(line.contains("no-such-if0") && line.contains("lo"), "{line}");
    assert_eq!(names_in(folder.path()), Vec::<String>::new());
}

#[test]
fn a_wrong_filter_is_told() {
    if !may_record() {
        println!("skipped: no right to record");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("x.pcapng");
    let run = portproof(["record", "-i", "lo", "-o", file.to_str().unwrap(), "tcp prot 80"]).expect(2);
    assert!(run.lines().len() == 1 && run.stderr.contains("tcp prot 80"), "{}", run.stderr);
    assert_eq!(names_in(folder.path()), Vec::<String>::new());
}

#[test]
fn an_existing_file_is_not_overwritten_unless_told_to() {
    if !may_record() {
        println!("skipped: no right to record");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("x.pcapng");
    std::fs::write(&file, b"precious").unwrap();
    let record = |more: &[&str]| {
        let head = ["record", "-q", "-i", "lo", "--for", "10ms", "-o", file.to_str().unwrap()];
        portproof(head.into_iter().chain(more.iter().copied()))
    };
    let run = record(&[]).expect(2);
    assert!(run.stderr.contains("--force"), "{}", run.stderr);
    assert_eq!(std::fs::read(&file).unwrap(), b"precious");
    record(&["--force"]).expect(0);
    assert_ne!(std::fs::read(&file).unwrap(), b"precious");
    assert_eq!(names_in(folder.path()), ["x.pcapng"]);
}

#[test]
fn options_may_follow_the_filter() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("x.pcapng");
    let file = file.to_str().unwrap();
    for filter in [&["host 10.0.0.5"][..], &["host", "10.0.0.5"]] {
        let head = ["record", "-q", "-i", "lo", "--for", "10ms"].into_iter();
        let run = portproof(head.chain(filter.iter().copied()).chain(["-o", file, "--force"]));
        assert!(run.code == Some(0) || run.stderr.contains("permission"), "{}", run.stderr);
    }
}

#[test]
fn errors_name_the_file_and_not_where_it_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("no-such-folder/x.pcapng");
    let run = portproof(["record", "-i", "lo", "-o", file.to_str().unwrap()]).expect(2);
    assert!(run.stderr.contains(file.to_str().unwrap()) && run.stderr.contains("No such file"), "{}", run.stderr);
    assert!(!run.stderr.contains(".portproof-") && !run.stderr.contains("at path"), "{}", run.stderr);
}

#[cfg(unix)]
#[test]
fn a_device_stays_a_device() {
    use std::os::unix::fs::FileTypeExt;
    if !may_record() {
        println!("skipped: no right to record");
        return;
    }
    // A device of our own: the machine's would be gone if this failed.
    let folder = tempfile::tempdir().unwrap();
    let null = folder.path().join("null");
    if !works(Command::new("mknod").arg(&null).args(["c", "1", "3"])) {
        println!("skipped: no right to make a device");
        return;
    }
    for more in [&[][..], &["--force"]] {
        let head = ["record", "-q", "-i", "lo", "--for", "10ms", "-o", null.to_str().unwrap()].into_iter();
        portproof(head.chain(more.iter().copied())).expect(0);
        assert!(std::fs::symlink_metadata(&null).unwrap().file_type().is_char_device());
    }
    assert_eq!(names_in(folder.path()), ["null"]);
}

#[cfg(unix)]
#[test]
fn a_missing_right_is_answered_with_what_to_run() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o777)).unwrap();
    let copy = folder.path().join("portproof");
    std::fs::copy(support::PROGRAM, &copy).unwrap();
    let mut nobody = Command::new("setpriv");
    nobody.args(["--reuid=65534", "--regid=65534", "--clear-groups"]);
    if !works(
        Command::new("setpriv").args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(&copy).arg("--version"),
    ) {
        println!("skipped: no setpriv, or no right to become nobody");
        return;
    }
    let file = folder.path().join("x.pcapng");
    let run =
        support::run(nobody.arg(&copy).args(["record", "-i", "lo", "-o"]).arg(&file), &[], support::HANGS).expect(2);
    let lines = run.lines();
    let [line] = lines.as_slice() else { panic!("one line, not {}", run.stderr) };
    assert!(line.contains("permission") && line.contains("setcap cap_net_raw"), "{line}");
    assert_eq!(names_in(folder.path()), ["portproof"], "nothing is left behind");
}

#[test]
fn interfaces_can_be_listed() {
    let run = portproof(["record", "--list"]).expect(0);
    assert!(run.text().lines().any(|line| line.starts_with("lo ") && line.contains("127.0.0.1")), "{}", run.text());
}
