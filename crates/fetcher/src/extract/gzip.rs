//! A single file that is packed.

use super::limits::Limits;
use super::meter::Meter;
use crate::progress::Progress;
use crate::sink::{Placement, Sink};
use crate::target::at;
use flate2::bufread::MultiGzDecoder;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

/// Unpacks it into the directory, under its name without `.gz`. Upstream runs `gunzip`.
pub fn extract(source: &Path, directory: &Path, limits: &Limits) -> Result<(), String> {
    let file = File::open(source).map_err(at(source))?;
    let size = file.metadata().map_err(at(source))?.len();
    let name = source.file_stem().filter(|name| !name.is_empty() && *name != ".gz");
    let name = name.ok_or("it has no name but '.gz'")?;
    let meter = Meter::new(limits, size, source);
    let mut content = meter.unpacked(MultiGzDecoder::new(BufReader::new(file)));
    let path = directory.join(name);
    if path.is_dir() {
        return Err(format!("'{}' is a directory", path.display()));
    }
    // The meter says how far it is.
    let mut sink = Sink::create(&path, Placement::Atomic, 0o644, Progress::silent())?;
    sink.fill(&mut content, |error| meter.refusal().unwrap_or_else(|| error.to_string()))?;
    sink.finish()
}
