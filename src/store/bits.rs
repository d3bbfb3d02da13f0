//! Numbers as Parquet packs them: variable lengths, bits in rows, and runs (Encodings.md of parquet-format, *RLE / bit-packing
//! hybrid*).

/// Appends a number in groups of 7 bits, lowest first (ULEB128).
pub(super) fn varint(mut number: u64, out: &mut Vec<u8>) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// A signed number as an unsigned one that is small when it is near 0.
pub(super) fn zigzag(number: i64) -> u64 {
    ((number << 1) ^ (number >> 63)).cast_unsigned()
}

/// Bits that numbers up to this one need.
pub(super) fn width(largest: u64) -> u32 {
    u64::BITS - largest.leading_zeros()
}

/// Appends `width` bits of each number, lowest first; the last byte is filled up with zeros.
pub(super) fn pack(numbers: impl Iterator<Item = u64>, width: u32, out: &mut Vec<u8>) {
    let (mut held, mut bits) = (0_u128, 0);
    for number in numbers {
        held |= u128::from(number) << bits;
        bits += width;
        if bits >= 64 {
            out.extend_from_slice(&(held as u64).to_le_bytes());
            held >>= 64;
            bits -= 64;
        }
    }
    out.extend_from_slice(&(held as u64).to_le_bytes()[..bits.div_ceil(8) as usize]);
}

/// Appends a run of one number.
pub(super) fn run(number: u16, count: usize, width: u32, out: &mut Vec<u8>) {
    varint((count as u64) << 1, out);
    out.extend_from_slice(&number.to_le_bytes()[..width.div_ceil(8) as usize]);
}

/// Appends a run of packed numbers: their count is rounded up to whole groups of eight.
pub(super) fn packed_run(numbers: impl ExactSizeIterator<Item = u64>, width: u32, out: &mut Vec<u8>) {
    let groups = numbers.len().div_ceil(8);
    varint((groups as u64) << 1 | 1, out);
    let end = out.len() + groups * width as usize;
    pack(numbers, width, out);
    out.resize(end, 0);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(act: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
        let mut out = Vec::new();
        act(&mut out);
        out
    }

    #[test]
    fn the_examples_of_the_format() {
        assert_eq!(bytes(|out| pack(0..8, 3, out)), [0b1000_1000, 0b1100_0110, 0b1111_1010]);
        assert_eq!(bytes(|out| varint(300, out)), [0xac, 2]);
        assert_eq!([0, -1, 1, -2, i64::MIN].map(zigzag), [0, 1, 2, 3, u64::MAX]);
    }

    #[test]
    fn wide_and_ragged_numbers() {
        assert_eq!(bytes(|out| pack([u64::MAX; 3].into_iter(), 64, out)), [0xff; 24]);
        assert_eq!(bytes(|out| pack([u64::MAX >> 1, 1].into_iter(), 63, out))[..8], [0xff; 8]);
        assert_eq!(bytes(|out| packed_run([1, 0, 1].into_iter(), 1, out)), [3, 5]);
        assert_eq!(bytes(|out| run(0x1234, 5, 13, out)), [10, 0x34, 0x12]);
        assert_eq!(bytes(|out| run(0, 5, 0, out)), [10]);
        assert_eq!([0, 1, 255, 256].map(width), [0, 1, 8, 9]);
    }
}
