//! Zip.

use super::meter::{Meter, Packed};
use super::tree::{Attributes, Tree};
use std::fs::File;
use std::io::{BufReader, Read};
use zip::ZipArchive;
use zip::result::ZipError;

/// The longest target of a link that a file system takes.
const MAX_LINK: u64 = 4095;

const TYPE: u32 = 0o170_000;
const DIRECTORY: u32 = 0o040_000;
const REGULAR: u32 = 0o100_000;
const LINK: u32 = 0o120_000;

/// Unpacks it into the tree, in the order of its directory. Of two entries of one name the later
/// one stays.
pub fn unpack(file: File, tree: &mut Tree, meter: &Meter) -> Result<(), String> {
    let file = Packed::new(BufReader::new(file), meter);
    // The whole directory is read, into memory.
    let mut archive = meter.headers(|| ZipArchive::new(file)).map_err(header)?;
    for index in 0..archive.len() {
        meter.entry()?;
        let mut entry = archive.by_index(index).map_err(header)?;
        let path = entry.name_raw().to_owned();
        let mode = entry.unix_mode();
        let kind = mode.unwrap_or(0) & TYPE;
        // differs: its time is local, of a zone that nobody knows.
        let attributes = |default| Attributes { mode: mode.unwrap_or(default), modified: None };
        if path.ends_with(b"/") || kind == DIRECTORY {
            tree.directory(&path, attributes(0o755))?;
        } else if kind == LINK {
            let mut target = Vec::new();
            let read = meter.unpacked(&mut entry).take(MAX_LINK + 1).read_to_end(&mut target);
            read.map_err(|error| format!("Failed to read archive data block: {error}"))?;
            tree.symlink(&path, &target, attributes(0o777))?;
        } else if kind == 0 || kind == REGULAR {
            tree.file(&path, attributes(0o644), &mut meter.unpacked(entry))?;
        } else {
            return Err(tree.refused(&path, "it is neither a file nor a directory nor a link"));
        }
    }
    Ok(())
}

fn header(error: ZipError) -> String {
    format!("Failed to read archive header: {error}")
}
