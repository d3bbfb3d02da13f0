//! What each rule finds, and what it does not find beside that.

use crate::catalog::rule::Rule;

/// Two roles, one of them with a signature, and a table that uses both.
pub(in crate::catalog) const HEAD: &str = "\
[document]
id = \"x\"
title = \"X\"
publisher = \"P\"
publication = \"1\"
kind = \"vendor\"
[[role]]
id = \"server\"
title = \"S\"
signature = [\"7000/tcp\"]
[[role]]
id = \"client\"
title = \"C\"
[[table]]
role = \"server\"
citation = \"T\"
rows = [{ service = \"main\", tcp = 7000, callers = [\"client\"] }]
";

/// Stands in a text where the rule should point, and is taken out before the text is read.
pub(in crate::catalog) const MARK: char = '¦';

/// What a rule finds in a document, and what it does not.
pub(in crate::catalog) struct Case {
    pub(in crate::catalog) rule: Rule,
    /// Follows [`HEAD`]; holds a [`MARK`].
    pub(in crate::catalog) fires: String,
    /// Part of the message.
    pub(in crate::catalog) says: &'static str,
    /// Follows [`HEAD`]; the rule finds nothing there.
    pub(in crate::catalog) silent: String,
}

pub(in crate::catalog) fn cases() -> Vec<Case> {
    let all = [
        errors_of_rows(),
        errors_of_entries(),
        of_announced_subjects(),
        warnings_about_rows(),
        warnings_about_references(),
        hints(),
    ];
    all.into_iter().flatten().collect()
}

pub(in crate::catalog) fn table(rows: &[&str]) -> String {
    let rows: String = rows.iter().map(|row| format!("  {row},\n")).collect();
    format!("[[table]]\nrole = \"server\"\ncitation = \"U\"\nrows = [\n{rows}]\n")
}

fn case(rule: Rule, fires: &str, says: &'static str, silent: &str) -> Case {
    Case { rule, fires: fires.to_owned(), says, silent: silent.to_owned() }
}

/// A case of rows in one table.
fn rows(rule: Rule, fires: &[&str], says: &'static str, silent: &[&str]) -> Case {
    case(rule, &table(fires), says, &table(silent))
}

fn errors_of_rows() -> Vec<Case> {
    vec![
        rows(Rule::Syntax, &["{ service = \"a\", tcp = ¦= 1 }"], "extra assignment", &["{ service = \"a\", tcp = 1 }"]),
        rows(
            Rule::UnknownKey,
            &["{ service = \"a\", ¦tpc = 1 }"],
            "did you mean \"tcp\"?",
            &["{ service = \"a\", tcp = 1 }"],
        ),
        rows(
            Rule::Citation,
            &["{ service = \"a\", tcp = 1, citation = ¦\" \" }"],
            "the citation is empty",
            &["{ service = \"a\", tcp = 1, citation = \"V\" }"],
        ),
        rows(
            Rule::Value,
            &["{ service = \"a\", tcp = ¦\"9-3\" }"],
            "ends before it begins: write 3-9",
            &["{ service = \"a\", tcp = \"3-9\" }"],
        ),
        rows(
            Rule::Value,
            &["{ service = \"a\", tcp = 1, standing = ¦\"overveiw\" }"],
            "did you mean \"overview\"?",
            &["{ service = \"a\", tcp = 1, standing = \"overview\" }"],
        ),
        rows(
            Rule::UnknownRole,
            &["{ service = \"a\", tcp = 1, callers = [¦\"clinet\"] }"],
            "did you mean \"client\"?",
            &["{ service = \"a\", tcp = 1, callers = [\"client\"] }"],
        ),
        rows(Rule::Row, &["¦{ service = \"a\" }"], "the row has no port", &["{ service = \"a\", udp = 1 }"]),
    ]
}

const CONFLICT: &str = "[[conflict]]\nid = ¦\"cc\"\ntopic = \"t\"\nused = \"u\"\nreason = \"r\"\n";

fn unmarked(text: &str) -> String {
    text.replace(MARK, "")
}

fn errors_of_entries() -> Vec<Case> {
    let step = "[[scenario.step]]\ndescription = \"d\"\nlocal = true\nnumber = ";
    let scenario = |id: &str| format!("[[scenario]]\nid = {id}\ntitle = \"S\"\ncitation = \"T\"\n{step}1\n");
    let conflict = unmarked(CONFLICT);
    let named = |id: &str| table(&[&format!("{{ service = \"a\", tcp = 1, conflicts = [{id}] }}")]);
    let fact = "topic = \"t\"\ntext = \"x\"\ncitation = \"T\"\n";
    vec![
        case(
            Rule::MissingKey,
            "¦[[fact]]\ntopic = \"t\"\ncitation = \"T\"\n",
            "add `text = …`",
            &format!("[[fact]]\n{fact}"),
        ),
        case(
            Rule::Citation,
            "¦[[fact]]\ntopic = \"t\"\ntext = \"x\"\n",
            "the table, chapter or section",
            &format!("[[fact]]\n{fact}"),
        ),
        case(
            Rule::Identifier,
            "[[role]]\nid = ¦\"A B\"\ntitle = \"t\"\n",
            "is not an identifier",
            "[[role]]\nid = \"a-b\"\ntitle = \"t\"\n",
        ),
        case(
            Rule::DuplicateId,
            "[[role]]\nid = ¦\"client\"\ntitle = \"t\"\n",
            "the role \"client\" is declared twice",
            "[[role]]\nid = \"clients\"\ntitle = \"t\"\n",
        ),
        case(
            Rule::DuplicateId,
            &format!("{}{}", scenario("\"s\""), scenario("¦\"s\"")),
            "the scenario \"s\" is described twice",
            &format!("{}{}", scenario("\"s\""), scenario("\"z\"")),
        ),
        case(
            Rule::DuplicateId,
            &format!("{conflict}{CONFLICT}"),
            "the conflict \"cc\" is described twice",
            &format!("{conflict}{}", conflict.replace("cc", "dd")),
        ),
        case(
            Rule::UnknownConflict,
            &format!("{conflict}{}", named("¦\"ccc\"")),
            "did you mean \"cc\"?",
            &format!("{conflict}{}", named("\"cc\"")),
        ),
        case(
            Rule::Step,
            &format!("{}{step}¦1\n", scenario("\"s\"")),
            "step 1 is out of order",
            &format!("{}{step}2\n", scenario("\"s\"")),
        ),
    ]
}

fn of_announced_subjects() -> Vec<Case> {
    const UUID: &str = "e1af8308-5d1f-11c9-91a4-08002b14a0fa";
    let of = |kind: &str, rows: &[&str]| {
        let rows: String = rows.iter().map(|row| format!("  {{ name = \"n\", {row} }},\n")).collect();
        format!("[[announced]]\nkind = \"{kind}\"\ncitation = \"T\"\nrows = [\n{rows}]\n")
    };
    let pair =
        |rule, kind: &str, fires: &str, says, silent: &str| case(rule, &of(kind, &[fires]), says, &of(kind, &[silent]));
    let uuid = format!("subject = \"{UUID}\"");
    let interface = |more: &str| of("rpc-interface", &[&format!("{uuid}, {more}")]);
    let of_value =
        |fires: &str, says| case(Rule::Value, &of("rpc-interface", &[fires]), says, &of("rpc-interface", &[&uuid]));
    let capitals = format!("subject = ¦\"{{{}}}\"", UUID.to_uppercase());
    let twice = [uuid.as_str(), &format!("subject = ¦\"{UUID}\"")];
    let versions = [format!("{uuid}, version = \"1.0\""), format!("{uuid}, version = \"2.0\"")];
    vec![
        of_value(&capitals, "write it as \"e1af8308-5d1f-11c9-91a4-08002b14a0fa\""),
        of_value("subject = ¦\"e1af8308\"", "32 hexadecimal digits"),
        of_value("subject = ¦\"\"", "is not a UUID"),
        pair(Rule::Value, "onc-rpc-program", "subject = ¦\"0100\"", "ONC RPC program", "subject = \"100003\""),
        pair(Rule::Value, "sql-instance", "subject = ¦\" A\"", "without white space", "subject = \"A\""),
        case(Rule::Value, &interface("version = ¦\"v1\""), "is not a version", &interface("version = \"1.0\"")),
        pair(
            Rule::Value,
            "licence-vendor",
            "subject = \"a\", version = ¦\"1\"",
            "a licence-vendor has no version",
            "subject = \"a\"",
        ),
        case(
            Rule::Value,
            &of("sql-instance", &["subject = \"A\""]).replace("\"n\"", "¦\" \""),
            "the name is empty",
            &of("sql-instance", &["subject = \"A\""]),
        ),
        case(
            Rule::UnknownService,
            &interface("service = ¦\"mian\""),
            "did you mean \"main\"?",
            &interface("service = \"M ain\""),
        ),
        case(Rule::UnknownService, &interface("service = ¦\"other\""), "or leave it out", &interface("title = \"t\"")),
        case(Rule::Citation, &interface("citation = ¦\" \""), "the citation is empty", &interface("citation = \"V\"")),
        case(
            Rule::SubjectTwice,
            &of("rpc-interface", &twice),
            "is named in line 22 already",
            &of("rpc-interface", &[&versions[0], &versions[1]]),
        ),
        case(
            Rule::SubjectTwice,
            &of("sql-instance", &["subject = \"main\"", "subject = ¦\"MAIN\""]),
            "\"MAIN\" is named",
            &format!("{}{}", of("sql-instance", &["subject = \"a\""]), of("licence-vendor", &["subject = \"a\""])),
        ),
        case(
            Rule::NoNote,
            &of("sql-instance", &["subject = ¦\"A\", standing = \"reading\""]),
            "how it follows",
            &of("sql-instance", &["subject = \"A\", standing = \"reading\", note = \"n\""]),
        ),
        case(
            Rule::NoCondition,
            &of("sql-instance", &["subject = ¦\"A\", standing = \"conditional\""]),
            "under which condition",
            &of("sql-instance", &["subject = \"A\", standing = \"conditional\", condition = \"if\""]),
        ),
    ]
}

fn warnings_about_rows() -> Vec<Case> {
    vec![
        rows(
            Rule::EmptyText,
            &["{ service = \"a\", tcp = 1, note = ¦\" \" }"],
            "`note` is empty",
            &["{ service = \"a\", tcp = 1, note = \"n\" }"],
        ),
        rows(
            Rule::ControlCharacter,
            &["{ service = ¦\"a\\u001b[2J\", tcp = 1 }"],
            "U+001B, which cannot be seen",
            &["{ service = \"a\", tcp = 1, note = \"two\\nlines\" }"],
        ),
        rows(
            Rule::ControlCharacter,
            &["{ executable = ¦\"a\\u200b.exe\", tcp = 1 }"],
            "U+200B",
            &["{ executable = \"a\\u00a0.exe\", tcp = 1 }"],
        ),
        rows(
            Rule::DuplicateStatement,
            &["{ service = \"Aa\", tcp = [1, 2], udp = 2 }", "¦{ service = \"a a\", tcp = 2 }"],
            "2/tcp of \"a a\" was stated in line 22 already, from \"U\"",
            &[
                "{ service = \"a\", tcp = 2 }",
                "{ service = \"a\", udp = 2 }",
                "{ service = \"a\", tcp = 2, citation = \"V\" }",
                "{ service = \"a\", tcp = 2, condition = \"if\" }",
            ],
        ),
        rows(
            Rule::PortTwice,
            &["¦{ service = \"a\", tcp = [\"1-9\", 12, 5] }"],
            "5 and 1-9 of the same tcp list overlap",
            &["{ service = \"a\", tcp = [\"1-9\", 12], udp = 5 }"],
        ),
        rows(
            Rule::Overlap,
            &["{ executable = \"lmgrd.exe\", tcp = \"27000-27009\" }", "¦{ executable = \"x.exe\", tcp = 27005 }"],
            "tcp 27005 of \"server\" is claimed by \"lmgrd.exe\" (line 22) and by \"x.exe\"",
            &[
                "{ executable = \"lmgrd.exe\", tcp = \"27000-27009\" }",
                "{ service = \"x\", tcp = 27010 }",
                "{ service = \"x\", udp = 27005 }",
            ],
        ),
        rows(
            Rule::Fallback,
            &["¦{ service = \"a\", tcp = 1, fallback_ports = [2, 1] }"],
            "1 is its own fallback",
            &["{ service = \"a\", tcp = 1, fallback_ports = [2, 3] }"],
        ),
        rows(
            Rule::Fallback,
            &["¦{ service = \"a\", tcp = 1, fallback_ports = [2, 2] }"],
            "the fallback 2 is listed twice",
            &["{ service = \"a\", tcp = 1 }"],
        ),
        rows(
            Rule::NoCondition,
            &["¦{ service = \"a\", tcp = 1, standing = \"conditional\" }"],
            "does not say under which condition",
            &["{ service = \"a\", tcp = 1, standing = \"conditional\", condition = \"if\" }"],
        ),
        rows(
            Rule::NoNote,
            &["¦{ service = \"a\", tcp = [1, 2], standing = \"reading\" }"],
            "standing \"reading\" without a note; add `note = …`: how it follows",
            &["{ service = \"a\", tcp = 1, standing = \"reading\", note = \"n\" }"],
        ),
        rows(
            Rule::NoNote,
            &["¦{ service = \"a\", tcp = 1, standing = \"alternative\" }"],
            "which statement is used instead",
            &["{ service = \"a\", tcp = 1, standing = \"overview\" }"],
        ),
        rows(
            Rule::NoNote,
            &["¦{ service = \"a\", tcp = 1, protocol_stated = false }"],
            "prints no protocol",
            &["{ service = \"a\", tcp = 1, protocol_stated = false, note = \"n\" }"],
        ),
    ]
}

fn step(port: &str) -> String {
    format!(
        "[[scenario]]\nid = \"s\"\ntitle = \"S\"\ncitation = \"T\"\n[[scenario.step]]\nnumber = ¦1\ndescription = \"d\"\n\
         from = [\"client\"]\nto = [\"server\"]\nports = [{port}]\n"
    )
}

fn range(more: &str) -> String {
    format!("[[dynamic_range]]\nrole = ¦\"server\"\ntcp = \"50000-50009\"\ncitation = \"T\"\n{more}")
}

fn warnings_about_references() -> Vec<Case> {
    let conflict = unmarked(CONFLICT);
    let one = "{ service = \"a\", tcp = 1, conflicts = [\"cc\"] }";
    let two = "{ service = \"b\", tcp = [2, 3], udp = 2, conflicts = [\"cc\"] }";
    let fact = "[[fact]]\ntopic = \"t\"\ntext = \"x\"\ncitation = \"T\"\nconflicts = [\"cc\"]\n";
    let both = range("udp = \"50000-50009\"\nconflicts = [\"cc\", \"cc\"]\n");
    let printer = "[[role]]\nid = ¦\"printer\"\ntitle = \"t\"\n";
    let database = "[[role]]\nid = ¦\"db\"\ntitle = \"t\"\nsignature = [\"1433/tcp\"]\n";
    let name = |canonical: &str, kind: &str| {
        format!("[[name]]\nkind = \"{kind}\"\ncanonical = {canonical}\nspellings = [\"Main.EXE\"]\ncitation = \"T\"\n")
    };
    vec![
        case(
            Rule::RoleUnused,
            printer,
            "no statement and no step uses the role \"printer\"",
            &format!(
                "{printer}[[service_table]]\nrole = \"printer\"\ncitation = \"T\"\nrows = [{{ service = \"s\" }}]\n"
            ),
        ),
        case(
            Rule::Signature,
            &format!("{database}{}", table(&["{ service = \"a\", tcp = 1434, listens_at = [\"db\"] }"])),
            "the signature of \"db\" is 1433/tcp",
            &format!("{database}{}", table(&["{ service = \"a\", tcp = 1433, listens_at = [\"db\"] }"])),
        ),
        case(
            Rule::LoneConflict,
            CONFLICT,
            "no statement names the conflict \"cc\"",
            &format!("{conflict}{}", table(&[one, two])),
        ),
        case(
            Rule::LoneConflict,
            &format!("{CONFLICT}{}", table(&[two])),
            "only one statement names the conflict \"cc\"",
            &format!("{conflict}{}{fact}", table(&[two])),
        ),
        case(
            Rule::LoneConflict,
            &format!("{CONFLICT}{}", unmarked(&both)),
            "only one statement",
            &format!("{conflict}{both}{}conflicts = [\"cc\"]\n", step("{ tcp = 7000 }")),
        ),
        case(
            Rule::StepUncovered,
            &step("{ tcp = 7001 }"),
            "step 1 calls 7001/tcp, which no statement lets \"server\" serve",
            &step("{ tcp = 7000 }"),
        ),
        case(
            Rule::StepUncovered,
            &step("{ tcp = \"dynamic\" }"),
            "\"server\" has no dynamic range",
            &format!("{}{}", step("{ tcp = \"dynamic\" }"), range("")),
        ),
        case(
            Rule::StepUncovered,
            &step("{ udp = 7000 }"),
            "7000/udp",
            &format!("{}leg = \"replies\"\n", step("{ udp = 7000 }")),
        ),
        case(
            Rule::NoNote,
            &step("{ tcp = 7000, standing = \"reading\" }"),
            "a port of step 1 is a reading",
            &format!("{}note = \"n\"\n", step("{ tcp = 7000, standing = \"reading\" }")),
        ),
        case(
            Rule::NoNote,
            &range("standing = \"reading\"\n"),
            "standing \"reading\" without a note",
            &range("standing = \"reading\"\nnote = \"n\"\n"),
        ),
        case(
            Rule::NameTwice,
            &format!("{}{}", name("\"A.exe\"", "executable"), name("¦\"B.exe\"", "executable")),
            "\"Main.EXE\" is a spelling of \"A.exe\" and of \"B.exe\"",
            &format!("{}{}", name("\"A.exe\"", "executable"), name("\"B\"", "service")),
        ),
    ]
}

fn hints() -> Vec<Case> {
    let outside =
        ["{ service = \"a\", tcp = 50010, udp = 50000 }", "{ service = \"b\", tcp = 50000, standing = \"mention\" }"];
    let at_client = "{ service = \"c\", tcp = 50000, listens_at = [\"client\"] }";
    vec![
        case(
            Rule::StaticInDynamic,
            &format!("{}{}", unmarked(&range("")), table(&["¦{ service = \"a\", tcp = \"49990-50000\" }"])),
            "49990-50000/tcp lies in the dynamic range 50000-50009 of \"server\"",
            &format!("{}{}", range(""), table(&[outside[0], outside[1], at_client])),
        ),
        rows(
            Rule::ModifiableRange,
            &["¦{ service = \"a\", tcp = \"1-2\", user_modifiable = true }"],
            "the range 1-2",
            &["{ service = \"a\", tcp = 1, user_modifiable = true }"],
        ),
    ]
}
