//! pcapng blocks byte by byte, sound and unsound.

/// Byte order of a section.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bytes {
    Little,
    Big,
}

/// Writes blocks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Blocks(pub(crate) Bytes);

pub(crate) const LITTLE: Blocks = Blocks(Bytes::Little);
pub(crate) const BIG: Blocks = Blocks(Bytes::Big);

impl Blocks {
    pub(crate) fn u16(self, n: u16) -> [u8; 2] {
        if self.0 == Bytes::Little { n.to_le_bytes() } else { n.to_be_bytes() }
    }

    pub(crate) fn u32(self, n: u32) -> [u8; 4] {
        if self.0 == Bytes::Little { n.to_le_bytes() } else { n.to_be_bytes() }
    }

    pub(crate) fn u64(self, n: u64) -> [u8; 8] {
        if self.0 == Bytes::Little { n.to_le_bytes() } else { n.to_be_bytes() }
    }

    /// Any block.
    pub(crate) fn block(self, kind: u32, body: &[u8]) -> Vec<u8> {
        let length = self.u32(12 + body.len().next_multiple_of(4) as u32);
        [&self.u32(kind), &length, body, &vec![0; body.len().next_multiple_of(4) - body.len()], &length].concat()
    }

    /// One option, or one record of a name resolution block.
    pub(crate) fn option(self, code: u16, value: &[u8]) -> Vec<u8> {
        let padding = vec![0; value.len().next_multiple_of(4) - value.len()];
        [&self.u16(code)[..], &self.u16(value.len() as u16), value, &padding].concat()
    }

    fn ended(self, options: &[Vec<u8>]) -> Vec<u8> {
        if options.is_empty() { Vec::new() } else { [options.concat(), vec![0; 4]].concat() }
    }

    pub(crate) fn section(self, options: &[Vec<u8>]) -> Vec<u8> {
        let body = [&self.u32(0x1a2b_3c4d)[..], &self.u16(1), &self.u16(0), &[0xff; 8], &self.ended(options)].concat();
        self.block(0x0a0d_0d0a, &body)
    }

    pub(crate) fn interface(self, link_type: u16, snap_length: u32, options: &[Vec<u8>]) -> Vec<u8> {
        let body = [&self.u16(link_type)[..], &[0, 0], &self.u32(snap_length), &self.ended(options)].concat();
        self.block(1, &body)
    }

    /// An enhanced packet block.
    pub(crate) fn packet(self, interface: u32, ticks: u64, data: &[u8], options: &[Vec<u8>]) -> Vec<u8> {
        self.packet_of(interface, ticks, data, data.len() as u32, options)
    }

    pub(crate) fn packet_of(
        self,
        interface: u32,
        ticks: u64,
        data: &[u8],
        wire_bytes: u32,
        options: &[Vec<u8>],
    ) -> Vec<u8> {
        let words = [interface, (ticks >> 32) as u32, ticks as u32, data.len() as u32, wire_bytes];
        let mut body = words.map(|word| self.u32(word)).concat();
        body.extend(data);
        body.resize(body.len().next_multiple_of(4), 0);
        body.extend(self.ended(options));
        self.block(6, &body)
    }

    pub(crate) fn simple_packet(self, data: &[u8], wire_bytes: u32) -> Vec<u8> {
        self.block(3, &[&self.u32(wire_bytes), data].concat())
    }

    pub(crate) fn obsolete_packet(self, interface: u16, ticks: u64, data: &[u8], options: &[Vec<u8>]) -> Vec<u8> {
        let mut body = [self.u16(interface), self.u16(0)].concat();
        let words = [(ticks >> 32) as u32, ticks as u32, data.len() as u32, data.len() as u32];
        body.extend(words.map(|word| self.u32(word)).concat());
        body.extend(data);
        body.resize(body.len().next_multiple_of(4), 0);
        body.extend(self.ended(options));
        self.block(2, &body)
    }

    /// A name resolution block.
    pub(crate) fn names(self, records: &[Vec<u8>]) -> Vec<u8> {
        self.block(4, &self.ended(records))
    }

    /// A name resolution record: address and its names, each with its end mark.
    pub(crate) fn name(self, address: &[u8], names: &[&str]) -> Vec<u8> {
        let kind = if address.len() == 4 { 1 } else { 2 };
        let names: Vec<u8> = names.iter().flat_map(|name| [name.as_bytes(), &[0]].concat()).collect();
        self.option(kind, &[address, &names].concat())
    }

    pub(crate) fn statistics(self, interface: u32, received: u64, dropped: u64) -> Vec<u8> {
        let options = [self.option(4, &self.u64(received)), self.option(5, &self.u64(dropped))];
        self.block(5, &[&self.u32(interface)[..], &[0; 8], &self.ended(&options)].concat())
    }

    /// A Darwin process event block.
    pub(crate) fn process(self, id: u32, name: &str) -> Vec<u8> {
        let options = [self.option(2, name.as_bytes()), self.option(4, &[7; 16])];
        self.block(0x8000_0001, &[&self.u32(id)[..], &self.ended(&options)].concat())
    }
}
