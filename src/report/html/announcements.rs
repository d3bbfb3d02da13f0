//! The section about brokers: who announced which port to whom, and what followed.

use super::cells::{Head, Look, address, dash, endpoint, evidence, number, table, text, when};
use super::evidence::{name, names};
use crate::model::{AnnouncementRow, Endpoint, FollowUp};
use crate::report::ReportData;
use crate::report::announcements::sentence;
use maud::{Markup, html};

pub(super) fn announcements(data: &ReportData) -> Markup {
    let names = names(data);
    let heads = [
        Head("Broker → told", Look::Text),
        Head("Announced port", Look::Text),
        Head("For", Look::Text),
        Head("Times", Look::Number),
        Head("What followed", Look::Text),
        Head("Calls", Look::Number),
        Head("Seen", Look::Text),
        Head("Where to look", Look::Evidence),
    ];
    let row = |a: &AnnouncementRow| {
        vec![
            html! {
                (address(name(&names, a.announcer.ip), a.announcer.ip)) span class="proto" { ":" (a.announcer.port) }
                br; span class="arrow" { "→ " } (address(name(&names, a.told), a.told))
            },
            match a.port {
                Some(port) => endpoint(name(&names, a.host), Endpoint { ip: a.host, port }, a.transport),
                None => dash(),
            },
            html! {
                (text(&a.subject)) br;
                span class="for" {
                    (a.mechanism.name())
                    @if !a.subject.contains(&a.subject_id) { ", " (text(&a.subject_id)) }
                    @if let Some(id) = a.process_id { ", process " (id) " (low 16 bits)" }
                }
            },
            number(a.times),
            html! {
                span class=(class(a.follow_up)) { (a.follow_up.name()) }
                @if let Some((capture, frame)) = &a.first_call {
                    br; span class="for" {
                        "first in frame " (frame) @if *capture != a.capture { " of " (text(capture)) }
                    }
                }
            },
            number(a.flows),
            when(a.first_seen_ns, a.last_seen_ns),
            evidence(&a.capture, a.frame, &a.display_filter),
        ]
    };
    html! {
        p class="lead" { (sentence(data)) }
        @if !data.announcements.is_empty() {
            (table("announcements", &heads, data.announcements.iter().map(row), data.announcements.len(), "announcements"))
        }
    }
}

fn class(follow_up: FollowUp) -> &'static str {
    match follow_up {
        FollowUp::Followed => "pill good",
        FollowUp::Unanswered | FollowUp::Refused | FollowUp::Prohibited => "pill bad",
        FollowUp::NotRegistered | FollowUp::Unreadable => "pill look",
        FollowUp::Undetermined | FollowUp::NotFollowed | FollowUp::Alternative => "pill",
    }
}
