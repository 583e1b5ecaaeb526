//! What an archive is, by its first bytes.

use std::fs::File;
use std::io::{self, Read, Seek};

/// How an archive is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Zip,
    Tar(Packing),
}

/// What a tar is packed with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packing {
    None,
    Gzip,
    Bzip2,
    Xz,
}

impl Format {
    /// Looks at the beginning of a file, and leaves it there.
    pub fn of(file: &mut File) -> io::Result<Format> {
        let mut start = Vec::new();
        file.by_ref().take(6).read_to_end(&mut start)?;
        file.rewind()?;
        Ok(Format::by_magic(&start))
    }

    fn by_magic(start: &[u8]) -> Format {
        match start {
            // A file comes first, or, in an empty archive, the end of the directory.
            [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] => Format::Zip,
            [0x1f, 0x8b, ..] => Format::Tar(Packing::Gzip),
            [b'B', b'Z', b'h', ..] => Format::Tar(Packing::Bzip2),
            [0xfd, b'7', b'z', b'X', b'Z', 0] => Format::Tar(Packing::Xz),
            // It has no magic number in its oldest form. Checksums show what is none.
            _ => Format::Tar(Packing::None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_content_decides() {
        for (start, expected) in [
            (&b"PK\x03\x04.."[..], Format::Zip),
            (b"PK\x05\x06", Format::Zip),
            (b"\x1f\x8b\x08", Format::Tar(Packing::Gzip)),
            (b"BZh9", Format::Tar(Packing::Bzip2)),
            (b"\xfd7zXZ\0", Format::Tar(Packing::Xz)),
            (b"a/b.c\0", Format::Tar(Packing::None)),
            (b"", Format::Tar(Packing::None)),
        ] {
            assert_eq!(Format::by_magic(start), expected, "{start:?}");
        }
    }
}
