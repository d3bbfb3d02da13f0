//! Formats are found by content; near misses get advice.

use crate::hosts::test_support::try_table;

#[test]
fn near_misses_get_advice() {
    let advice = |text: &str, part: &str| {
        let error = try_table(text.as_bytes(), None).unwrap_err().to_string();
        assert!(error.starts_with("t.txt: ") && error.contains(part), "{error}");
    };
    advice("", "the file is empty");
    advice("  \n\n", "the file is empty");
    advice("hello\n", "it begins with \"hello\"");
    advice("<html></html>", "XML without any <Event>");
    advice("LocalAddress  LocalPort RemoteAddress RemotePort State\n::  135  ::  0  Listen\n", "Export-Csv");
    advice("Proto Recv-Q Send-Q\ntcp        0      0 0.0.0.0:22     0.0.0.0:*    LISTEN      1/sshd\n", "ss -tunap");
    advice("2026-03-02 08:00:00 DROP TCP 10.0.0.9 10.0.0.5 40000 49999 60 S 1 0 8192 - - - RECEIVE\n", "#Fields:");
    advice("\u{1b}[2J\u{202e}", "\\u{1b}[2J\\u{202e}");
}
