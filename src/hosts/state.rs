//! Words and numbers for the state of a TCP socket.

use crate::model::SocketState;

/// The state that a word names, whatever its spelling (`TIME_WAIT`, `TimeWait`, `TIME-WAIT`); `None` for words of languages
/// that are not known here. Windows translates them in German; French, Japanese and most others keep the English ones.
pub(super) fn of_word(word: &str) -> Option<SocketState> {
    let letters: String = word.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_uppercase).take(32).collect();
    Some(match letters.as_str() {
        // The German words are from memory: unverified.
        "LISTEN" | "LISTENING" | "ABHÖREN" => SocketState::Listen,
        "SYNSENT" | "SYNGESENDET" => SocketState::SynSent,
        "SYNRECEIVED" | "SYNRECV" | "SYNEMPFANGEN" => SocketState::SynReceived,
        "ESTABLISHED" | "ESTAB" | "HERGESTELLT" => SocketState::Established,
        "FINWAIT1" | "FINWARTEN1" => SocketState::FinWait1,
        "FINWAIT2" | "FINWARTEN2" => SocketState::FinWait2,
        "CLOSEWAIT" | "SCHLIESSENWARTEN" => SocketState::CloseWait,
        "CLOSING" | "WIRDGESCHLOSSEN" => SocketState::Closing,
        "LASTACK" | "LETZTESACK" | "LETZTEACK" => SocketState::LastAck,
        "TIMEWAIT" | "WARTEND" => SocketState::TimeWait,
        "CLOSED" | "DELETETCB" | "GESCHLOSSEN" => SocketState::Closed,
        "BOUND" | "GEBUNDEN" => SocketState::Bound,
        "UNCONN" => SocketState::Unconnected,
        _ => return None,
    })
}

/// The state that a number of `MSFT_NetTCPConnection` names (numbers from memory: unverified), or a word.
pub(super) fn of_number_or_word(text: &str) -> Option<SocketState> {
    let Ok(number) = text.trim().parse::<u32>() else { return of_word(text) };
    Some(match number {
        1 | 12 => SocketState::Closed,
        2 => SocketState::Listen,
        3 => SocketState::SynSent,
        4 => SocketState::SynReceived,
        5 => SocketState::Established,
        6 => SocketState::FinWait1,
        7 => SocketState::FinWait2,
        8 => SocketState::CloseWait,
        9 => SocketState::Closing,
        10 => SocketState::LastAck,
        11 => SocketState::TimeWait,
        100 => SocketState::Bound,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_names_the_same_state() {
        for word in ["TIME_WAIT", "TimeWait", "TIME-WAIT", "WARTEND", "time wait"] {
            assert_eq!(of_word(word), Some(SocketState::TimeWait), "{word}");
        }
        assert_eq!((of_word("ABHÖREN"), of_word("listening")), (Some(SocketState::Listen), Some(SocketState::Listen)));
        assert_eq!((of_word(""), of_word("ABH\u{fffd}REN")), (None, None));
        assert_eq!(of_number_or_word("2"), of_number_or_word("Listen"));
        assert_eq!((of_number_or_word("100"), of_number_or_word("99")), (Some(SocketState::Bound), None));
    }
}
