//! What the generators of synthetic recordings share: everything below their scripts.
//!
//! | module | what |
//! |---|---|
//! | `cast` | the hosts and the listeners that they offer |
//! | `dice` | seeded numbers |
//! | `wire` | frames: Ethernet, IPv4, TCP, UDP, ICMP, ARP |
//! | `stage` | time line of frames, ports, the list of what was played |
//! | `dialogue` | one TCP connection, from handshake to close |
//! | `bytes` | first bytes of the protocols spoken |
//! | `services` | one conversation of each service |
//! | `script` | what happens when |
//! | `pcapng` | the recording as a file |

#![allow(dead_code, reason = "each generator uses some of it")]

pub(crate) mod bytes;
pub(crate) mod cast;
pub(crate) mod dialogue;
pub(crate) mod dice;
pub(crate) mod pcapng;
pub(crate) mod script;
pub(crate) mod services;
pub(crate) mod stage;
pub(crate) mod wire;
