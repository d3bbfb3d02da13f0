//! Whatever text enters: it stays in its comment, and what a script does is what it does without that text.

use super::lines::commentable;
use super::*;
use crate::catalog::PortRange;
use crate::model::Transport;
use crate::policy::settings::{AppEndpoint, FixedPort, Insistence, Wish, settle};
use proptest::prelude::*;

const APP: &str = "{13486D44-4821-11D2-A494-3CB306C10000}=50300";

/// Settings with a text in every place that takes one.
fn settings(text: &str, scope: Scope) -> Settings {
    let wish = Wish {
        range: PortRange::spanning(50_000, 50_511),
        scope,
        systems: vec![System::Windows, System::Linux],
        hosts: vec![std::net::IpAddr::from([10, 0, 0, 5])],
        windows_before: System::Windows.default_range(),
        fixed: [(Transport::Tcp, 50_100), (Transport::Udp, 50_100)]
            .map(|(t, port)| FixedPort::new(t, port, text))
            .to_vec(),
        endpoints: vec![APP.parse::<AppEndpoint>().unwrap()],
        insistence: Insistence::Careful,
    };
    let mut settings = settle(wish).unwrap();
    // Nobody gets a raw text in there; if somebody did, it would still harm nobody.
    settings.warnings.push(text.to_owned());
    settings.fixed.iter_mut().for_each(|fixed| fixed.source = text.to_owned());
    settings
}

/// What is left of a script without its comments.
fn commands(file: &SettingsFile) -> Vec<String> {
    let is_comment = |line: &str| {
        line == "rem"
            || line.starts_with("rem ")
            || line.starts_with('#') && !line.starts_with("#!")
            || line.starts_with(';')
    };
    // A longer text has more lines of comment: empty ones between CR and LF are none.
    let lines = file.text.split(['\r', '\n']).filter(|line| !line.is_empty() && !is_comment(line));
    lines.map(str::to_owned).collect()
}

fn hostile() -> impl Strategy<Value = String> {
    let nasty = prop::sample::select(vec![
        "\r\n",
        "\n",
        "\r",
        "\u{85}",
        "\u{2028}",
        "\0",
        "\u{1b}[2J",
        "\u{202e}",
        "%PATH%",
        "%~",
        "^",
        "&del *",
        "|",
        "\"",
        "'",
        "`",
        "$(x)",
        "#>",
        "*/",
        "\\",
        "<",
        ">",
        "!",
        "@",
        "[HKEY_LOCAL_MACHINE]",
        "=-",
        "\u{ff02}",
        "é",
        " ",
        "/?",
        "a",
    ]);
    prop::collection::vec(prop_oneof![nasty.prop_map(str::to_owned), ".{0,12}"], 0..20).prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn no_text_leaves_its_comment(text in hostile()) {
        for scope in [Scope::Rpc, Scope::Allocation] {
            let (hostile, plain) = (settings(&text, scope), settings("x", scope));
            let pairs = files(&hostile, "0").unwrap().into_iter().zip(files(&plain, "0").unwrap());
            for (file, tame) in pairs.filter(|(file, _)| file.name != JSON_NAME) {
                prop_assert_eq!(commands(&file), commands(&tame), "{}", file.name);
                prop_assert!(file.text.chars().all(|c| (' '..='~').contains(&c) || c == '\r' || c == '\n'), "{}", file.name);
            }
            for system in [System::Windows, System::Linux] {
                let (hostile, tame) = (script(&hostile, system, "0"), script(&plain, system, "0"));
                let file = |text| SettingsFile { name: "", text };
                prop_assert_eq!(commands(&file(hostile)), commands(&file(tame)));
            }
        }
    }

    #[test]
    fn json_stays_json(text in hostile()) {
        let text = json(&settings(&text, Scope::Rpc), "0").unwrap();
        prop_assert!(text.contains(GENERATOR));
        prop_assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok());
    }

    #[test]
    fn comments_hold_nothing_that_acts(text in ".*") {
        let comment = commentable(&text);
        prop_assert_eq!(comment.chars().count(), text.chars().count());
        prop_assert!(!comment.contains(['\r', '\n', '%', '^', '&', '|', '<', '>', '"', '\'', '`', '$', '\\', '!', '\0', '#', '*']));
    }
}
