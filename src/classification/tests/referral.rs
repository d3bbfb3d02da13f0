//! Announcements and the calls that follow them, or do not.

use super::*;

const LSA: &str = "12345778-1234-abcd-ef00-0123456789ab";
const BROKER: (&str, u16) = (SERVER, 135);

/// What the broker told a client, at a second.
fn told(mechanism: Mechanism, client: &str, answer: Answer, second: i64) -> Announcement {
    Announcement {
        position: Position { capture: CaptureIndex(0), frame: 1000 + second as u64, offset: 0 },
        time_ns: second * SECOND,
        flow_capture: CaptureIndex(0),
        flow_first_frame: 1,
        announcer: endpoint(BROKER.0, BROKER.1),
        told: endpoint(client, 40_000),
        host: SERVER.parse().unwrap(),
        caller: client.parse().unwrap(),
        said: Announced {
            by: Side::A,
            listener: Side::A,
            mechanism,
            answer,
            transport: Transport::Tcp,
            stated_host: "0.0.0.0".into(),
            subject: LSA.into(),
            version: "0.0".into(),
            tier: Tier::Structural,
            process_id: None,
        },
    }
}

fn map(client: &str, port: u16, second: i64) -> Announcement {
    told(Mechanism::EptMap, client, Answer::Port(port), second)
}

fn facts(announcements: Vec<Announcement>, flows: Vec<FlowRecord>) -> Facts {
    Facts { flows: flows.into(), announcements, ..Facts::default() }
}

fn judged_facts(facts: &Facts) -> Judged {
    judge(facts, &Catalog::builtin().unwrap(), None)
}

/// Tie and status of one call at a second, after these announcements.
fn tie(announcements: Vec<Announcement>, port: u16, second: i64) -> (Option<Tie>, Status) {
    let facts = facts(announcements, vec![tcp((CLIENT, 50_001), (SERVER, port), OPENED, second)]);
    let judgement = judged_facts(&facts).flows.remove(0).judgement;
    (judgement.referral.map(|referral| referral.tie), judgement.status)
}

#[test]
fn a_call_is_tied_to_what_its_client_was_told() {
    let explained = |tie| (Some(tie), Status::DynamicExplained);
    assert_eq!(tie(vec![map(CLIENT, 49_700, 1)], 49_700, 2), explained(Tie::Announced));
    assert_eq!(tie(vec![map(CLIENT, 49_700, 1)], 49_700, 500), explained(Tie::AnnouncedEarlier));
    assert_eq!(tie(vec![map("10.0.0.7", 49_700, 1)], 49_700, 2), explained(Tie::AnnouncedToAnother));
    assert_eq!(tie(vec![map(CLIENT, 49_700, 9)], 49_700, 2), explained(Tie::AnnouncedLater));
    // An enumeration names the port and explains no call.
    let listed = told(Mechanism::EptLookup, CLIENT, Answer::Port(49_700), 1);
    assert_eq!(tie(vec![listed], 49_700, 2), (Some(Tie::Enumerated), Status::DynamicUnexplained));
    assert_eq!(tie(vec![map(CLIENT, 49_701, 1)], 49_700, 2), (None, Status::DynamicUnexplained));
}

#[test]
fn announced_ports_may_lie_outside_the_dynamic_range() {
    assert_eq!(tie(vec![map(CLIENT, 1024, 1)], 1024, 2), (Some(Tie::Announced), Status::DynamicExplained));
}

#[test]
fn an_announcement_settles_the_direction_of_a_call_whose_handshake_is_missing() {
    // The client's port is the lower one, and it spoke last.
    let call = tcp((SERVER, 60_000), (CLIENT, 50_001), MIDSTREAM, 2);
    let judged = judged_facts(&facts(vec![map(CLIENT, 60_000, 1)], vec![call]));
    let judgement = &judged.flows[0].judgement;
    assert_eq!((judgement.responder.port, judgement.orientation), (60_000, Orientation::Strong));
    assert!(judgement.orientation_evidence.contains("a broker announced"), "{}", judgement.orientation_evidence);
}

#[test]
fn role_bytes_settle_the_direction() {
    let mut call = tcp((CLIENT, 50_001), (SERVER, 60_000), MIDSTREAM, 2);
    let (protocol, certainty) = (Protocol::DceRpc, Certainty::Certain);
    // Whoever says bind_ack serves, whatever the numbers are.
    call.application = Some(Recognised { protocol, certainty, server: Some(Side::B) });
    let judgement = judged_facts(&facts(Vec::new(), vec![call])).flows.remove(0).judgement;
    assert_eq!((judgement.responder, judgement.orientation), (call.key.b, Orientation::Strong));
    assert_eq!(judgement.application, "dce-rpc");
}

#[test]
fn where_the_brokers_answer_was_read_timing_explains_nothing_else() {
    let asked = || tcp((CLIENT, 50_000), BROKER, OPENED, 0);
    let call = || tcp((CLIENT, 50_001), (SERVER, 49_700), OPENED, 2);
    let status = |announcements| {
        let judged = judged_facts(&facts(announcements, vec![asked(), call()]));
        let judgement = judged.flows[1].judgement.clone();
        (judgement.referral.map(|referral| referral.tie), judgement.status)
    };
    let timing = (Some(Tie::TimingOnly), Status::DynamicExplained);
    assert_eq!(status(Vec::new()), timing);
    assert_eq!(status(vec![map(CLIENT, 49_701, 1)]), (None, Status::DynamicUnexplained), "it was told another port");
    let unread = told(Mechanism::EptMap, CLIENT, Answer::Encrypted, 1);
    assert_eq!(status(vec![map(CLIENT, 49_701, 1), unread]), timing, "something that cannot be read was said too");
}

#[test]
fn what_a_call_says_of_itself_goes_before_what_was_announced() {
    let spoken = |protocol, mechanism| {
        let mut call = tcp((CLIENT, 50_001), (SERVER, 49_700), OPENED, 2);
        call.application = Some(Recognised { protocol, certainty: Certainty::Certain, server: None });
        let said = told(mechanism, CLIENT, Answer::Port(49_700), 1);
        judged_facts(&facts(vec![said], vec![call])).flows.remove(0).judgement.referral.map(|r| r.tie)
    };
    assert_eq!(spoken(Protocol::DceRpc, Mechanism::EptMap), Some(Tie::Announced));
    assert_eq!(spoken(Protocol::Ssh, Mechanism::EptMap), None, "that is no RPC");
    assert_eq!(spoken(Protocol::Ssh, Mechanism::SqlBrowser), None);
    assert_eq!(spoken(Protocol::Tds, Mechanism::SqlBrowser), Some(Tie::Announced));
}

#[test]
fn a_data_port_of_ftp_is_for_the_next_transfer_only() {
    let passive = |second| {
        let said = told(Mechanism::FtpPassive, CLIENT, Answer::Port(49_700), 1);
        let call = tcp((CLIENT, 50_001), (SERVER, 49_700), OPENED, second);
        judged_facts(&facts(vec![said], vec![call])).flows.remove(0).judgement.referral.map(|r| r.tie)
    };
    assert_eq!((passive(2), passive(500)), (Some(Tie::Announced), None));
}

#[test]
fn nobody_registered_is_an_answer_and_explains_nothing() {
    let flows = vec![tcp((CLIENT, 50_000), BROKER, OPENED, 0), tcp((CLIENT, 50_001), (SERVER, 49_700), OPENED, 2)];
    let facts = facts(vec![told(Mechanism::EptMap, CLIENT, Answer::NotRegistered, 1)], flows);
    assert_eq!(judged_facts(&facts).flows[1].judgement.status, Status::DynamicUnexplained);
}

#[test]
fn a_documented_service_by_referral_needs_a_host_of_its_role_and_a_parsed_answer() {
    let judged = |host_role: &str, tier| {
        let mut said = told(Mechanism::SqlBrowser, CLIENT, Answer::Port(49_700), 1);
        (said.said.subject, said.said.tier) = ("MSSQLSERVER".into(), tier);
        let facts = facts(vec![said], vec![tcp((CLIENT, 50_001), (SERVER, 49_700), OPENED, 2)]);
        let text = format!("[site]\nname = \"t\"\n[[host]]\naddress = \"{SERVER}\"\nroles = [\"{host_role}\"]\n");
        let catalog = Catalog::builtin().unwrap();
        let site = Site::from_toml("site.toml", &text, &catalog).unwrap();
        judge(&facts, &catalog.for_site(&site), Some(&site)).flows.remove(0).judgement.status
    };
    assert_eq!(judged("sql-server", Tier::Structural), Status::DocumentedByReferral);
    assert_eq!(judged("client", Tier::Structural), Status::DynamicExplained, "the document has it at SQL servers");
    assert_eq!(judged("sql-server", Tier::SignatureScan), Status::DynamicExplained);
}

#[test]
fn ports_of_one_answer_that_were_not_taken_are_no_findings() {
    let facts = facts(
        vec![map(CLIENT, 49_700, 1), map(CLIENT, 49_701, 1)],
        vec![tcp((CLIENT, 50_001), (SERVER, 49_700), OPENED, 2)],
    );
    let rows = announcement_rows(&facts, &judged_facts(&facts), &Catalog::builtin().unwrap());
    let follow_ups: Vec<FollowUp> = rows.iter().map(|row| row.follow_up).collect();
    assert_eq!(follow_ups, [FollowUp::Followed, FollowUp::Alternative]);
    assert_eq!(announcement_findings(&rows), []);
}

#[test]
fn a_refusal_after_which_the_client_was_served_is_no_block() {
    let call = |client_port, sent, second| tcp((CLIENT, client_port), (SERVER, 49_700), sent, second);
    let refused = (IGNORED.0, Sent { rst: 1, ..Sent::default() });
    let follow_up = |first, second| {
        let facts = facts(vec![map(CLIENT, 49_700, 1)], vec![call(50_001, first, 2), call(50_002, second, 3)]);
        let rows = announcement_rows(&facts, &judged_facts(&facts), &Catalog::builtin().unwrap());
        rows[0].follow_up
    };
    assert_eq!(follow_up(refused, OPENED), FollowUp::Followed);
    assert_eq!(follow_up(OPENED, refused), FollowUp::Refused, "the latest call counts");
}

#[test]
fn timing_explains_only_what_speaks_as_the_brokers_clients_do() {
    let mut call = tcp((CLIENT, 50_001), (SERVER, 49_700), OPENED, 2);
    let (certainty, server) = (Certainty::Certain, None);
    call.application = Some(Recognised { protocol: Protocol::Http, certainty, server });
    let flows = vec![tcp((CLIENT, 50_000), BROKER, OPENED, 0), call];
    assert_eq!(judged_facts(&facts(Vec::new(), flows)).flows[1].judgement.status, Status::DynamicUnexplained);
}

#[test]
fn what_became_of_announcements_is_told_and_what_failed_is_a_finding() {
    let call = |port: u16, sent, second| tcp((CLIENT, 50_000 + port % 100), (SERVER, port), sent, second);
    let facts = facts(
        vec![
            map(CLIENT, 49_700, 1),
            map(CLIENT, 49_700, 2),
            map(CLIENT, 49_701, 3),
            map(CLIENT, 49_702, 4),
            told(Mechanism::EptMap, CLIENT, Answer::NotRegistered, 5),
            told(Mechanism::EptMap, CLIENT, Answer::Encrypted, 6),
            told(Mechanism::EptLookup, CLIENT, Answer::Port(49_703), 7),
        ],
        vec![
            tcp((CLIENT, 40_000), BROKER, OPENED, 0),
            call(49_700, OPENED, 2),
            call(49_701, IGNORED, 4),
            tcp((CLIENT, 50_009), (SERVER, 7002), OPENED, 120),
        ],
    );
    let judged = judged_facts(&facts);
    let rows = announcement_rows(&facts, &judged, &Catalog::builtin().unwrap());
    let told: Vec<(Option<u16>, u64, FollowUp, u64)> =
        rows.iter().map(|row| (row.port, row.times, row.follow_up, row.flows)).collect();
    assert_eq!(
        told,
        [
            (Some(49_700), 2, FollowUp::Followed, 1),
            (Some(49_701), 1, FollowUp::Unanswered, 1),
            (Some(49_702), 1, FollowUp::NotFollowed, 0),
            (None, 1, FollowUp::NotRegistered, 0),
            (None, 1, FollowUp::Unreadable, 0),
        ],
        "an enumeration is none of them"
    );
    let kinds: Vec<FindingKind> = announcement_findings(&rows).iter().map(|finding| finding.kind).collect();
    assert_eq!(kinds, [FindingKind::AnnouncedBlocked, FindingKind::NotRegistered, FindingKind::NotFollowed]);
    let blocked = &announcement_findings(&rows)[0];
    assert!(blocked.text.contains("frame 1003") && blocked.text.contains("frame 5"), "{}", blocked.text);
    assert!(blocked.display_filter.contains("tcp.port == 49701"), "{}", blocked.display_filter);
}
