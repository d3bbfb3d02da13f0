//! Whole spreadsheets, against the documents that they should give.

use super::*;
use crate::catalog::{Direction, PortStatement};

fn options() -> SpreadsheetOptions {
    SpreadsheetOptions { id: "x".into(), title: "X".into(), ..SpreadsheetOptions::default() }
}

/// The document, which has to read back as it is.
fn import(text: &str) -> Imported {
    let imported = import_spreadsheet("lists/ports.csv", text.as_bytes(), &options()).unwrap_or_else(|e| panic!("{e}"));
    let again = Document::from_toml("x.toml", &imported.document.to_toml());
    assert_eq!(again.as_ref(), Ok(&imported.document), "{text}");
    imported
}

/// "service ports/transports at roles", in the order of the document.
fn statements(imported: &Imported) -> Vec<String> {
    let one = |s: &PortStatement| {
        let transports: Vec<String> = s.transports.iter().map(ToString::to_string).collect();
        format!("{} {}/{} at {}", s.service, s.ports, transports.join("+"), s.roles.join("+"))
    };
    imported.document.ports.iter().map(one).collect()
}

/// "kind line: text".
fn notes(imported: &Imported) -> Vec<String> {
    imported.notes.iter().map(|note| format!("{:?} {}: {}", note.kind, note.line, note.text)).collect()
}

#[test]
fn a_complete_list_gives_a_document_and_no_notes() {
    let imported = import(
        "Service,Protocol,Ports,Role,Comment\n\
         Web,TCP,\"80, 443\",App server,Browser\n\
         Licence,tcp,27000 – 27009,Licence server,\n\
         Trap,UDP,162,App server,\n\
         CIP,TCP/UDP,44818,App server,\n\
         RPC,TCP,Dynamic (49152-65535),App server,after the mapper\n",
    );
    assert_eq!(notes(&imported), Vec::<String>::new());
    assert_eq!(imported.rows, 5);
    let expected = "\
[document]
id = \"x\"
title = \"X\"
publisher = \"Not stated\"
publication = \"ports.csv\"
kind = \"vendor\"

[[role]]
id = \"app-server\"
title = \"App server\"

[[role]]
id = \"licence-server\"
title = \"Licence server\"

[[table]]
role = \"app-server\"
citation = \"row 2 of ports.csv\"
rows = [
  { service = \"Web\", tcp = [80, 443], printed = \"80, 443\", note = \"Browser\" },
]

[[table]]
role = \"licence-server\"
citation = \"row 3 of ports.csv\"
rows = [
  { service = \"Licence\", tcp = \"27000-27009\", printed = \"27000 – 27009\" },
]

[[table]]
role = \"app-server\"
citation = \"row 4 of ports.csv\"
rows = [
  { service = \"Trap\", udp = 162 },
  { service = \"CIP\", tcp = 44818, udp = 44818, citation = \"row 5 of ports.csv\" },
]

[[dynamic_range]]
role = \"app-server\"
tcp = \"49152-65535\"
printed = \"Dynamic (49152-65535)\"
note = \"RPC; after the mapper\"
citation = \"row 6 of ports.csv\"
";
    assert_eq!(imported.document.to_toml(), expected);
}

#[test]
fn columns_stand_in_any_order_under_many_names() {
    let imported =
        import("Port Number(s);Remarks;PROCESS;Host;Transport;Source\n443;secure;web.exe;Server;TCP;Table 3\n");
    assert_eq!(notes(&imported), Vec::<String>::new());
    let statement = &imported.document.ports[0];
    assert_eq!(statements(&imported), ["web.exe 443/tcp at server"]);
    assert_eq!((statement.executable.as_deref(), statement.note.as_deref()), (Some("web.exe"), Some("secure")));
    assert_eq!((statement.citation.as_str(), statement.protocol_stated), ("Table 3", true));
    let separate = import("Application\tTCP ports\tUDP ports\tRole\nDNS\t53\t53\tdc\nftp.exe\t\t69\tdc\n");
    let expected = ["DNS 53/tcp at dc", "DNS 53/udp at dc", "ftp.exe 69/udp at dc"];
    assert_eq!(statements(&separate), expected);
    assert_eq!(separate.document.ports[2].executable.as_deref(), Some("ftp.exe"));
    let ends = import("service,port_start,port_end,protocol,role\na,5,9,udp,r\nb,7,,tcp,r\nc,8,8,tcp,r\n");
    assert_eq!(statements(&ends), ["a 5-9/udp at r", "b 7/tcp at r", "c 8/tcp at r"]);
}

#[test]
fn flows_name_caller_and_listener() {
    let imported = import("From,To,Protocol,Port,Description\nConsole,Backup server,TCP,9392,Management\n");
    let outbound = import("service,role,callers,direction,protocol,port\nSMTP,server,server,connects-out,tcp,25\n");
    assert_eq!(statements(&outbound), ["SMTP 25/tcp at other-end"]);
    assert_eq!(outbound.document.ports[0].callers, ["server"]);
    let statement = &imported.document.ports[0];
    assert_eq!(statements(&imported), ["Management 9392/tcp at backup-server"]);
    assert_eq!(statement.callers, ["console"]);
    assert_eq!(statement.direction, Direction::Listens);
    assert_eq!(
        notes(&imported),
        ["Assumed 1: no column names the service: the comments are taken as names; add a column \"service\""]
    );
}

#[test]
fn what_the_file_leaves_open_is_told() {
    let imported = import(
        "Service,Protocol,Port,Direction,Colour\n\
         web,,443,inbound,blue\n\
         web,HTTPS,8443,outbound,\n\
         ,udp,53,both,\n\
         all,any,9,sideways,\n\
         wide,tcp,49152-65535,in,\n",
    );
    assert_eq!(
        statements(&imported),
        [
            "web 443/tcp at server",
            "web 8443/tcp at other-end",
            "web 53/udp at server",
            "all 9/tcp+udp at server",
            "wide 49152-65535/tcp at server"
        ]
    );
    let [plain, out, both, sideways, _] = imported.document.ports.as_slice() else { panic!("five statements") };
    assert_eq!((plain.protocol_stated, plain.note.as_deref()), (false, Some("No protocol stated: taken as TCP")));
    assert_eq!((out.direction, out.callers.as_slice()), (Direction::ConnectsOut, ["server".to_owned()].as_slice()));
    assert_eq!((out.protocol_stated, sideways.protocol_stated, both.protocol_stated), (false, false, true));
    assert_eq!((both.direction, sideways.direction), (Direction::NotStated, Direction::NotStated));
    assert_eq!(
        notes(&imported),
        [
            "LeftOut 1: the column \"Colour\" is not read; name it as another column, or leave it",
            "Assumed 1: no column says which host listens: every row is taken to listen at the role \"server\"; add a \
             column \"role\"",
            "Assumed 2: no protocol: taken as TCP, and marked as not stated",
            "Assumed 3: \"HTTPS\" names no transport: taken as TCP",
            "Assumed 3: outbound, and no column says where to: taken as a role of its own, \"other end\"; rename it",
            "Assumed 4: no service: taken from the row above, \"web\"",
            "Assumed 5: \"any\" is read as TCP and UDP",
            "Assumed 5: \"sideways\" is no direction: taken as not stated; write inbound or outbound",
            "Assumed 6: 49152-65535 is taken as ports that are documented one by one; write dynamic beside it if they \
             change",
        ]
    );
}

#[test]
fn rows_that_cannot_be_used_are_told_with_their_line_and_the_others_stay() {
    let imported = import(
        "Title of the sheet,,,\n\
         \n\
         service,protocol,ports,role\n\
         ,tcp,1,server\n\
         ping,ICMP,8,server\n\
         none,tcp,,server\n\
         high,tcp,70000,server\n\
         web,tcp,80,443,server\n\
         mixed,tcp,\"80, 99999\",server\n\
         rpc,tcp,135 and dynamic,server\n\
         ,,,\n\
         conflict,tcp,161/udp,server\n\
         role,tcp,5,\n\
         bell\u{7}\u{202e},tcp,\"6\u{1b}[0m7\",server\n",
    );
    assert_eq!(
        statements(&imported),
        [
            "mixed 80/tcp at server",
            "rpc 135/tcp at server",
            "conflict 161/udp at server",
            "role 5/tcp at server",
            "bell 6/tcp at server"
        ]
    );
    assert_eq!(imported.rows, 10);
    assert_eq!(
        notes(&imported),
        [
            "LeftOut 4: the row is left out: it names no service, and no row above it does",
            "LeftOut 5: the row is left out: \"ICMP\" is neither TCP nor UDP; write one of them, or both",
            "LeftOut 6: the row is left out: no port in it: the port cell is empty",
            "LeftOut 7: the row is left out: no port in it: \"70000\"; \"70000\" is not a port: ports are 1 to 65535",
            "LeftOut 8: the row is left out: it has 5 cells and the header 4; put cells that hold the separator in \
             quotation marks",
            "LeftOut 9: a part of the row is left out: \"99999\" is not a port: ports are 1 to 65535",
            "LeftOut 10: a part of the row is left out: it says dynamic and gives no range: write the range too, as \
             49152-65535",
            "Assumed 12: the protocol cell says \"tcp\", the port cell of 161 another: its own is taken",
            "Assumed 13: no role: taken from the row above, \"server\"",
            "Assumed 14: of the port cell, \"0m7\" is not read",
        ]
    );
}

#[test]
fn a_row_for_any_host_holds_at_every_role_of_the_file() {
    let imported = import(
        "service,protocol,port,role\nssh,tcp,22,any\nDynamic DNS,tcp,53,A\nsql,tcp,1433,B\nrpc dynamic,tcp,50000-60000,all\n",
    );
    assert_eq!(statements(&imported), ["ssh 22/tcp at a+b", "Dynamic DNS 53/tcp at a", "sql 1433/tcp at b"]);
    assert_eq!(notes(&imported), Vec::<String>::new());
    assert_eq!(imported.document.ports[0].stated_for, "any");
    let ranges: Vec<&str> = imported.document.dynamic_ranges.iter().map(|range| range.role.as_str()).collect();
    assert_eq!(ranges, ["a", "b"]);
    let commented = import(
        "service,protocol,port,comment,role\nrpc,tcp,49152-65535,dynamic ports,A\nnot,tcp,1024-2048,never dynamic,A\n",
    );
    assert_eq!(statements(&commented), ["not 1024-2048/tcp at a"]);
    assert_eq!(notes(&commented), ["Assumed 2: 49152-65535 is taken as a dynamic range, because of the comment"]);
    let alone = import("service,protocol,port,role\nssh,tcp,22,any\n");
    assert_eq!(statements(&alone), ["ssh 22/tcp at server"]);
}

#[test]
fn encodings_of_spreadsheet_programs_give_the_same_document() {
    let text = "Service\tProtocol\tPorts\tRole\r\nKälte\tTCP\t1 – 3\tServer\r\n";
    let units: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let utf16 = [b"\xff\xfe", units.as_slice()].concat();
    let marked = [b"\xef\xbb\xbf", text.as_bytes()].concat();
    let windows: Vec<u8> = text.chars().map(|c| if c == '–' { 0x96 } else { u8::try_from(c).unwrap() }).collect();
    let expected = import(text);
    assert_eq!(statements(&expected), ["Kälte 1-3/tcp at server"]);
    for (bytes, told) in [(utf16, 0), (marked, 0), (windows, 1)] {
        let imported = import_spreadsheet("lists/ports.csv", &bytes, &options()).unwrap();
        assert_eq!(imported.document, expected.document);
        assert_eq!(imported.notes.len(), told);
        assert!(imported.notes.iter().all(|note| note.line == 2 && note.text.starts_with("not UTF-8")), "{imported:?}");
    }
}

#[test]
fn an_open_quotation_mark_is_told() {
    let imported = import("service,protocol,port,role\na,tcp,1,\"server\nb,tcp,2,server\n");
    assert!(notes(&imported)[0].starts_with("LeftOut 2: a quotation mark is not closed: the lines up to 3"));
}

#[test]
fn limits_hold_and_are_told() {
    let error = |text: &str, options: &SpreadsheetOptions| {
        import_spreadsheet("ports.csv", text.as_bytes(), options)
            .err()
            .map(|error| error.to_string())
            .unwrap_or_default()
    };
    let header = "service,protocol,port,role\n";
    let rows = |count: usize| format!("{header}{}", "a,tcp,1,r\n".repeat(count));
    let full = import(&rows(1_000));
    assert_eq!((full.rows, full.document.ports.len()), (1_000, 1_000));
    assert!(error(&rows(MAX_SPREADSHEET_ROWS + 1), &options()).starts_with("ports.csv:20002:1: more than 20000 rows"));
    let long = format!("{header}{}", format!("{},tcp,1,r\n", "a".repeat(100)).repeat(8_000));
    assert!(error(&long, &options()).contains("the document would have"), "{}", error(&long, &options()));
    // A row repeats its comment with each port: what 64 such rows hold is refused before it is in memory.
    let ports: Vec<String> = (1..=1_000).map(|port| port.to_string()).collect();
    let row = format!("a,tcp,{},r,{}\n", ports.join(" "), "c".repeat(8_000));
    let many = format!("service,protocol,port,role,comment\n{}", row.repeat(64));
    assert!(
        error(&many, &options()).contains("more statements than a document may have"),
        "{}",
        error(&many, &options())
    );
    let cell = import(&format!("{header}a,tcp,1,r\nb,tcp,{},r\n", "1 ".repeat(5_000)));
    assert_eq!(notes(&cell), ["LeftOut 3: the row is left out: a cell of it has more than 8192 bytes; shorten it"]);
    let named = SpreadsheetOptions { id: "Not an id".into(), ..options() };
    assert_eq!(
        error(&rows(1), &named),
        "the id cannot be used: \"Not an id\" is not an identifier; use 1 to 64 lower-case letters, digits and hyphens"
    );
}
