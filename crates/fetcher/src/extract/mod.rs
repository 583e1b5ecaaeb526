//! Archives into the sandbox.
//!
//! An archive is unpacked into a directory of its own, within the sandbox, and moved from there when
//! it is complete. So one that is damaged, hostile or too large leaves nothing.

mod format;
mod gzip;
mod limits;
mod merge;
mod meter;
mod tarball;
mod tree;
mod zipfile;

pub use limits::Limits;

use crate::log::log;
use crate::target::at;
use format::Format;
use meter::Meter;
use std::fs::File;
use std::path::Path;
use tree::Tree;

/// The ends of names that libarchive is asked to read.
const ARCHIVES: [&str; 8] =
    [".tar", ".tgz", ".tar.gz", ".tbz2", ".tar.bz2", ".txz", ".tar.xz", ".zip"];

/// Extracts the file at `source` into a directory, if its name is that of an archive; says whether
/// it is. What is in it decides how it is read: a `.tar.gz` may well be a plain tar.
///
/// Mirrors `extract` in `src/launcher/fetcher.cpp`.
pub fn extract(source: &Path, directory: &Path, limits: &Limits) -> Result<bool, String> {
    let name = source.to_string_lossy();
    let extracted = if ARCHIVES.iter().any(|end| name.ends_with(end)) {
        archive(source, directory, limits)
    } else if name.ends_with(".gz") {
        gzip::extract(source, directory, limits)
    } else {
        return Ok(false);
    };
    let (source, directory) = (source.display(), directory.display());
    extracted.map_err(|problem| {
        format!("Failed to extract archive '{source}' to '{directory}': {problem}")
    })?;
    log!(Info, "Extracted '{source}' into '{directory}'");
    Ok(true)
}

/// Mirrors `archiver::extract` in `stout/archiver.hpp`, which leaves it to libarchive.
///
/// differs: libarchive follows links on its way, and knows more formats than upstream's names.
#[doc(alias = "archiver::extract")]
fn archive(source: &Path, directory: &Path, limits: &Limits) -> Result<(), String> {
    let mut file = File::open(source).map_err(at(source))?;
    let size = file.metadata().map_err(at(source))?.len();
    let meter = Meter::new(limits, size, source);
    let staging = tempfile::Builder::new()
        .prefix(".extracting-")
        .tempdir_in(directory)
        .map_err(at(directory))?;
    let mut tree = Tree::new(staging.path())?;

    let format = Format::of(&mut file).map_err(at(source))?;
    let unpacked = match format {
        Format::Zip => zipfile::unpack(file, &mut tree, &meter),
        Format::Tar(packed) => tarball::unpack(packed, file, &mut tree, &meter),
    };
    // The reason of a refusal says more than what the libraries make of it.
    unpacked.map_err(|problem| meter.refusal().unwrap_or(problem))?;
    merge::check(staging.path(), directory)?;
    merge::merge(staging.path(), directory)?;
    // Last, for nothing can be moved into a directory that is read-only.
    tree.finish(directory)
}
