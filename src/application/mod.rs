//! Payload knowledge, one protocol per file.
//!
//! *Recognisers* look at the first bytes of both directions and say which protocol it is, how sure that is and which side is
//! the server: stateless functions, listed in `registry`. *Followers* ([`Follower`], a closed enum) read a conversation to
//! its end, in order, and tell who announced which port to whom. Neither knows addresses, the flow cache or a catalogue; what
//! they hear goes into [`Heard`] and leaves by the metering process.
//!
//! Payload is hostile: every length is checked against what is there, every loop is bounded by the bytes at hand, and what
//! is kept is bounded by [`OPENING_BYTES`] and by the constants of each follower. Text is cut to [`TEXT_BYTES`].
//! No payload is kept beyond its conversation, and no user name or password is ever told.

mod ber;
mod cip_io;
mod codemeter;
mod conversation;
mod dcerpc;
mod dns;
mod dns_names;
mod dtls;
mod enip;
mod flexnet;
mod follower;
mod frames;
mod ftp;
mod heard;
mod http;
mod kerberos;
mod ldap;
mod modbus;
mod mysql;
mod netbios;
mod ntp;
mod onc_rpc;
mod opcua;
mod opening;
mod portmapper;
mod postgresql;
mod quic;
mod rdp;
mod reader;
mod registry;
mod s7;
mod smb;
mod smb_pipes;
mod smtp;
mod snmp;
mod ssh;
mod ssrp;
mod syslog;
mod tds;
mod text;
mod tls;
mod tls_certificate;
mod tls_hello;

pub use conversation::{Attention, Conversation, Datagrams};
pub use follower::Follower;
pub use heard::{Heard, Moment, Named, TEXT_BYTES};
pub use opening::{Look, OPENING_BYTES, Opening, Said, Verdict};

#[cfg(test)]
mod hostile;
#[cfg(test)]
mod tests;
