//! What payload says: the protocol of a conversation, which side is the server, what it is called, and who announced which
//! port to whom. Facts: nothing here knows a vendor's document.

use super::flow::{Endpoint, Side, Transport};
use super::frame::{CaptureIndex, Position};
use std::net::IpAddr;

macro_rules! named {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident $stored:literal,)* }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name { $($(#[$doc])* $variant,)* }

        impl $name {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// Name as printed and stored.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $stored,)* }
            }

            /// The one of a stored name.
            #[must_use]
            pub fn named(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|one| one.name() == name)
            }
        }
    };
}

named! {
    /// Application protocols that are recognised by what is said, never by a port number alone.
    Protocol {
        /// EtherNet/IP implicit I/O (CIP class 0 and 1) over UDP.
        CipIo "cip-io",
        /// Connectionless LDAP (MS-ADTS section 6.3.3): the domain controller's ping.
        Cldap "cldap",
        /// WIBU CodeMeter licence server.
        CodeMeter "codemeter",
        /// DCE/RPC over a connection (C706 chapter 12, MS-RPCE).
        DceRpc "dce-rpc",
        /// Connectionless DCE/RPC (C706 section 12.5).
        DceRpcDatagram "dce-rpc-datagram",
        /// DNS (RFC 1035).
        Dns "dns",
        /// DTLS (RFC 9147).
        Dtls "dtls",
        /// EtherNet/IP encapsulation (ODVA volume 2).
        EtherNetIp "ethernet-ip",
        /// FlexNet (FLEXlm) licence manager.
        FlexNet "flexnet",
        /// FTP control connection (RFC 959).
        Ftp "ftp",
        /// HTTP/1 (RFC 9112).
        Http "http",
        /// Kerberos (RFC 4120).
        Kerberos "kerberos",
        /// LDAP (RFC 4511).
        Ldap "ldap",
        /// LLMNR (RFC 4795).
        Llmnr "llmnr",
        /// Multicast DNS (RFC 6762).
        Mdns "mdns",
        /// Modbus over TCP.
        Modbus "modbus",
        /// MySQL and MariaDB.
        MySql "mysql",
        /// NetBIOS datagram service (RFC 1002 section 4.4).
        NetBiosDatagram "netbios-datagram",
        /// NetBIOS name service (RFC 1002 section 4.2).
        NetBiosName "netbios-name",
        /// NetBIOS session service (RFC 1002 section 4.3), before it says what it carries.
        NetBiosSession "netbios-session",
        /// NTP (RFC 5905).
        Ntp "ntp",
        /// ONC RPC (RFC 5531), portmapper and rpcbind (RFC 1833) included.
        OncRpc "onc-rpc",
        /// OPC UA binary (IEC 62541-6).
        OpcUa "opc-ua",
        /// PostgreSQL.
        PostgreSql "postgresql",
        /// QUIC (RFC 9000).
        Quic "quic",
        /// Remote desktop (MS-RDPBCGR): its X.224 connection request.
        Rdp "rdp",
        /// Siemens S7 communication over ISO on TCP (RFC 1006).
        S7 "s7",
        /// SMB 1 (MS-CIFS).
        Smb1 "smb1",
        /// SMB 2 and 3 (MS-SMB2).
        Smb2 "smb2",
        /// SMTP (RFC 5321).
        Smtp "smtp",
        /// SNMP (RFC 3416, RFC 3412).
        Snmp "snmp",
        /// Engine.IO, the transport of Socket.IO.
        SocketIo "socket.io",
        /// SSH (RFC 4253).
        Ssh "ssh",
        /// SQL Server Resolution Protocol (MC-SQLR): the SQL browser.
        Ssrp "ssrp",
        /// Syslog (RFC 5424, RFC 3164).
        Syslog "syslog",
        /// Tabular data stream (MS-TDS): SQL Server.
        Tds "tds",
        /// TLS (RFC 8446, RFC 5246); what is inside is not seen.
        Tls "tls",
        /// WebSocket (RFC 6455) that is no Engine.IO.
        WebSocket "websocket",
    }
}

named! {
    /// How sure it is that payload is what it is taken for.
    Certainty {
        /// It looks so, and the port is the usual one: no published description of the protocol was there to check against.
        Hint "hint",
        /// A signature fits that other protocols could have by chance.
        Likely "likely",
        /// Structure was checked: lengths, versions, or both sides.
        Certain "certain",
    }
}

/// What the first bytes of a conversation say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recognised {
    /// The protocol.
    pub protocol: Protocol,
    /// How sure that is.
    pub certainty: Certainty,
    /// The side that behaved as server: it answered, or the other one asked. Evidence of direction.
    pub server: Option<Side>,
}

named! {
    /// What a detail says of a conversation.
    DetailKind {
        /// Protocol offered by ALPN (RFC 7301); the server's is the one that was taken.
        Alpn "alpn",
        /// Subject of the server's certificate, where it is not encrypted.
        CertificateSubject "certificate-subject",
        /// Calls, packets or connection kind that the protocol names, e.g. a CIP service.
        Command "command",
        /// Interface: a DCE/RPC UUID with version, or an ONC RPC program.
        Interface "interface",
        /// JA4 fingerprint of the TLS client.
        Ja4 "ja4",
        /// Method and path of the first HTTP request, without its query but for Engine.IO's words.
        Request "request",
        /// Named pipe or share of SMB.
        Pipe "pipe",
        /// Low half of the identifier of the process that serves, as a DCOM client addresses it by an IPID.
        ProcessId "process-id",
        /// Product or model that a device gives of itself.
        Product "product",
        /// Port that the server says it serves at: the secondary address of a DCE/RPC bind_ack.
        SecondaryAddress "secondary-address",
        /// Name that the client wants to reach: SNI, HTTP host, NetBIOS called name.
        ServerName "server-name",
        /// Software of the server: banner, HTTP Server header, SSH identification.
        ServerSoftware "server-software",
        /// Software of the client: user agent, application name.
        ClientSoftware "client-software",
        /// Version of the protocol.
        Version "version",
    }
}

/// Something more about a conversation, as one side said it. Hostile text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Detail {
    /// Who said it.
    pub side: Side,
    /// What it is.
    pub kind: DetailKind,
    /// The text, at most 255 bytes.
    pub text: String,
}

named! {
    /// How a port was announced.
    Mechanism {
        /// ept_map of the DCE/RPC endpoint mapper (C706 appendix O): the answer to a client that means to call.
        EptMap "ept-map",
        /// ept_lookup: an enumeration. By itself it shows no use.
        EptLookup "ept-lookup",
        /// IObjectExporter ResolveOxid or ResolveOxid2 (MS-DCOM section 3.1.2.5.1).
        ResolveOxid "resolve-oxid",
        /// IActivation RemoteActivation (MS-DCOM section 3.1.2.5.2.3.1).
        RemoteActivation "remote-activation",
        /// IRemoteSCMActivator RemoteGetClassObject (MS-DCOM section 3.1.2.5.2.3.2).
        GetClassObject "remote-get-class-object",
        /// IRemoteSCMActivator RemoteCreateInstance (MS-DCOM section 3.1.2.5.2.3.3).
        CreateInstance "remote-create-instance",
        /// Answer of the SQL browser (MC-SQLR section 2.2.5).
        SqlBrowser "sql-browser",
        /// Its answer about the dedicated administrator connection (MC-SQLR section 2.2.6).
        SqlBrowserDac "sql-browser-dac",
        /// Redirection of a licence manager to its vendor daemon. Hint-grade: its bytes are not published.
        FlexNetRedirect "flexnet-redirect",
        /// FTP 227 or 229 (RFC 959, RFC 2428): the server listens.
        FtpPassive "ftp-passive",
        /// FTP PORT or EPRT: the client listens.
        FtpActive "ftp-active",
        /// Portmapper GETPORT, rpcbind GETADDR (RFC 1833).
        Portmapper "portmapper",
        /// Forward_Open of EtherNet/IP: where implicit I/O goes (ODVA volume 1, sockaddr items).
        ForwardOpen "forward-open",
    }
}

named! {
    /// How an announcement was read.
    Tier {
        /// A signature was found in bytes that could not be parsed from their beginning.
        SignatureScan "signature-scan",
        /// Parsed as its specification says.
        Structural "structural",
    }
}

/// What a broker answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Answer {
    /// This port.
    Port(u16),
    /// Nobody registered (ept_s_not_registered and its like): error 1753 at the client.
    NotRegistered,
    /// It cannot be read: encrypted (RPC packet privacy).
    Encrypted,
    /// It cannot be read: the recording cut it off or lost it.
    Cut,
}

impl Answer {
    /// Name as printed and stored.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Port(_) => "port",
            Self::NotRegistered => "not-registered",
            Self::Encrypted => "encrypted",
            Self::Cut => "cut",
        }
    }

    /// The port, where one was named.
    #[must_use]
    pub fn port(self) -> Option<u16> {
        match self {
            Self::Port(port) => Some(port),
            _ => None,
        }
    }

    /// The answer of a stored name.
    #[must_use]
    pub fn of(name: &str, port: Option<u16>) -> Option<Self> {
        match (name, port) {
            ("port", Some(port)) => Some(Self::Port(port)),
            ("not-registered", None) => Some(Self::NotRegistered),
            ("encrypted", None) => Some(Self::Encrypted),
            ("cut", None) => Some(Self::Cut),
            _ => None,
        }
    }
}

/// What one side of a conversation said about a port. Whose addresses these are, the flow says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Announced {
    /// Who said it.
    pub by: Side,
    /// The side whose host is to listen there: usually the one that says so.
    pub listener: Side,
    /// How.
    pub mechanism: Mechanism,
    /// What.
    pub answer: Answer,
    /// Transport of the announced port.
    pub transport: Transport,
    /// Host as it was stated: address or name, empty where none was. Hostile text.
    pub stated_host: String,
    /// What is to be found there: interface UUID, SQL instance, licence vendor, ONC RPC program. Hostile text.
    pub subject: String,
    /// Version of that, or empty.
    pub version: String,
    /// How it was read.
    pub tier: Tier,
    /// The low 16 bits of the server's process identifier, where an IPID shows them.
    pub process_id: Option<u16>,
}

impl Announced {
    /// An announcement of its own listener by one side, parsed as specified, of which nothing more was said.
    #[must_use]
    pub fn by(by: Side, mechanism: Mechanism, transport: Transport, answer: Answer) -> Self {
        Self {
            by,
            listener: by,
            mechanism,
            answer,
            transport,
            stated_host: String::new(),
            subject: String::new(),
            version: String::new(),
            tier: Tier::Structural,
            process_id: None,
        }
    }
}

/// Who told whom about a port: a row of the `announcements` facts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Announcement {
    /// The frame that completed it.
    pub position: Position,
    /// Its time.
    pub time_ns: i64,
    /// File of the first frame of the flow that carried it.
    pub flow_capture: CaptureIndex,
    /// That first frame.
    pub flow_first_frame: u64,
    /// Who said it.
    pub announcer: Endpoint,
    /// Who was told.
    pub told: Endpoint,
    /// Host that is to listen, as the packets give it: the stated one may be translated, or 0.0.0.0.
    pub host: IpAddr,
    /// Host that is to call there: the other side than the listener's.
    pub caller: IpAddr,
    /// What was said.
    pub said: Announced,
}

/// A detail of a flow: a row of the `details` facts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlowDetail {
    /// File of the flow's first frame.
    pub flow_capture: CaptureIndex,
    /// The flow's first frame.
    pub flow_first_frame: u64,
    /// The frame that said it.
    pub position: Position,
    /// What was said.
    pub detail: Detail,
}
