//! DCE/RPC: over a connection (C706 chapter 12, MS-RPCE), in datagrams (C706 section 12.5), and what announces ports over it:
//! the endpoint mapper (C706 appendices L and O, MS-RPCE section 2.2.1.2) and DCOM's activation and OXID resolution
//! (MS-DCOM sections 2.2.18, 2.2.19, 2.2.22, 3.1.2.5).
//!
//! Read are: PDU headers of both byte orders, the contexts of bind and alter_context with their acknowledgements, and of calls
//! to the endpoint mapper and to DCOM's resolver and activator the requests and answers, their fragments joined. Everything
//! else is passed over without being kept: no argument of any other call is looked at, and nothing is decrypted.
//!
//! Not read: RPC over HTTP version 2 (its streams are HTTP's), RPC over named pipes (a matter of SMB), and multiplexed
//! security contexts. A fault or a bind_nak is no answer about a port, so it tells nothing.

mod calls;
mod contexts;
mod datagram;
mod dcom;
mod mapper;
mod ndr;
mod pdu;
mod recogniser;
mod stream;
mod tower;

pub(super) use datagram::Datagrams;
pub(super) use datagram::follow as follow_datagrams;
pub(super) use recogniser::{look, look_datagram};
pub(super) use stream::Stream;
pub(super) use stream::follow;

#[cfg(test)]
mod datagram_tests;
#[cfg(test)]
mod property_tests;
#[cfg(test)]
mod samples;
#[cfg(test)]
mod stream_tests;
