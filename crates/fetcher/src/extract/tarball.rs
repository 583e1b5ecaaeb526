//! Tar, packed or not.

use super::format::Packing;
use super::meter::Meter;
use super::tree::{Attributes, Tree};
use bzip2::bufread::MultiBzDecoder;
use flate2::bufread::MultiGzDecoder;
use lzma_rust2::XzReader;
use std::borrow::Cow;
use std::fs::File;
use std::io::{self, BufReader, Read};
use tar::{Archive, Entry, EntryType};

/// What an xz file may make its reader allocate, in KiB; `xz -9` takes 65 MiB.
const XZ_MEMORY: u32 = 136 << 10;

/// Unpacks it into the tree.
pub fn unpack(packing: Packing, file: File, tree: &mut Tree, meter: &Meter) -> Result<(), String> {
    let file = BufReader::with_capacity(128 << 10, file);
    let content: Box<dyn Read> = match packing {
        Packing::None => Box::new(file),
        Packing::Gzip => Box::new(MultiGzDecoder::new(file)),
        Packing::Bzip2 => Box::new(MultiBzDecoder::new(file)),
        Packing::Xz => Box::new(XzReader::new_mem_limit(file, true, XZ_MEMORY)),
    };
    let mut archive = Archive::new(meter.unpacked(content));
    let mut entries = archive.entries().map_err(header)?;
    while let Some(entry) = meter.headers(|| entries.next()) {
        meter.entry()?;
        let mut entry = entry.map_err(header)?;
        self::entry(&mut entry, tree)?;
        // What nobody has read, so that only headers come next.
        io::copy(&mut entry, &mut io::sink()).map_err(data)?;
    }
    // What follows the archive's end are zeros, and the checksum of what it is packed with.
    io::copy(&mut archive.into_inner(), &mut io::sink()).map_err(data)?;
    Ok(())
}

fn entry<R: Read>(entry: &mut Entry<'_, R>, tree: &mut Tree) -> Result<(), String> {
    let kind = entry.header().entry_type();
    if kind.is_pax_global_extensions() {
        return Ok(());
    }
    let path = entry.path_bytes().into_owned();
    let mode = entry.header().mode().map_err(header)?;
    let modified = entry.header().mtime().map_err(header)?;
    let attributes = Attributes { mode, modified: Some(modified) };
    let link = |link: Option<Cow<'_, [u8]>>| link.map(Cow::into_owned).unwrap_or_default();
    match kind {
        EntryType::Directory => tree.directory(&path, attributes),
        EntryType::Symlink => tree.symlink(&path, &link(entry.link_name_bytes()), attributes),
        EntryType::Link => tree.hard_link(&path, &link(entry.link_name_bytes())),
        // In the oldest form a slash is all that tells a directory.
        EntryType::Regular if path.ends_with(b"/") => tree.directory(&path, attributes),
        EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => {
            tree.file(&path, attributes, entry)
        }
        EntryType::Block | EntryType::Char => Err(tree.refused(&path, "it is a device node")),
        EntryType::Fifo => Err(tree.refused(&path, "it is a named pipe")),
        other => Err(tree.refused(&path, &format!("it is of the unknown type {other:?}"))),
    }
}

fn header(error: io::Error) -> String {
    format!("Failed to read archive header: {error}")
}

fn data(error: io::Error) -> String {
    format!("Failed to read archive data block: {error}")
}
