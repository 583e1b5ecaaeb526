//! Archives in `mesos-fetcher`: every kind, hostile ones, and how much memory large ones take.

#![allow(clippy::disallowed_methods, reason = "a test of a real program in real time")]

mod fetcher;
mod live;

use fetcher::{Sandbox, Tar, gzip, server};
use serde_json::json;
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::sync::Arc;
use tar::EntryType;

/// No archive may take more, whatever its size.
const MEMORY: u64 = 128 << 20;

fn bzip2(data: &[u8]) -> Vec<u8> {
    let mut packer = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::default());
    packer.write_all(data).expect("in memory");
    packer.finish().expect("in memory")
}

fn xz(data: &[u8]) -> Vec<u8> {
    let options = lzma_rust2::XzOptions::with_preset(1);
    let mut packer = lzma_rust2::XzWriter::new(Vec::new(), options).expect("options");
    packer.write_all(data).expect("in memory");
    packer.finish().expect("in memory")
}

/// Extracts an archive of this name; `from` also has a file that no archive may touch.
fn extract(name: &str, archive: &[u8]) -> (Sandbox, fetcher::Ended) {
    extract_with(name, archive, &[])
}

fn extract_with(
    name: &str,
    archive: &[u8],
    arguments: &[&'static str],
) -> (Sandbox, fetcher::Ended) {
    let mut sandbox = Sandbox::new();
    sandbox.source("victim", "untouched");
    sandbox.arguments.extend(arguments);
    let file = sandbox.source(name, archive);
    let ended = sandbox.uri(file, json!({ "extract": true })).run();
    (sandbox, ended)
}

/// Fails unless nothing is there but the archive itself.
fn assert_nothing_left(sandbox: &Sandbox, name: &str) {
    assert_eq!(sandbox.entries(), [name]);
    let victim = sandbox.beside("from/victim");
    assert_eq!(std::fs::read(victim).expect("it is there"), b"untouched");
}

#[test]
fn every_kind_of_archive_is_extracted_by_its_content() {
    let tar = || {
        Tar::new()
            .entry(EntryType::Directory, "d/", "", b"")
            .file("d/f", "content")
            .entry(EntryType::Symlink, "d/s", "../d/f", b"")
            .entry(EntryType::Link, "h", "d/f", b"")
            .bytes()
    };
    for (name, archive) in [
        ("a.tar", tar()),
        ("a.tgz", gzip(&tar())),
        ("a.tar.gz", gzip(&tar())),
        ("a.tbz2", bzip2(&tar())),
        ("a.tar.bz2", bzip2(&tar())),
        ("a.txz", xz(&tar())),
        ("a.tar.xz", xz(&tar())),
        ("a.zip", gzip(&tar())),
    ] {
        let (sandbox, ended) = extract(name, &archive);
        assert!(ended.assert_ok().log.contains("Extracted '"), "{}", ended.log);
        assert_eq!(sandbox.entries(), [name, "d", "h"]);
        assert_eq!(sandbox.file("d/s"), "content", "{name}");
        assert_eq!(sandbox.mode("d/f") & 0o700, 0o600, "{name}");
        let (one, other) = (sandbox.path("d/f").metadata(), sandbox.path("h").metadata());
        let (one, other) = (one.expect("a file"), other.expect("a link"));
        assert_eq!((one.ino(), one.mtime()), (other.ino(), 1_000_000_000), "{name}");
    }
}

#[test]
fn hostile_archives_are_refused_and_leave_nothing() {
    let file = |name: &str| Tar::new().file("before", "").file(name, "x").bytes();
    let entry = |kind, link| Tar::new().file("before", "").entry(kind, "evil", link, b"").bytes();
    let through =
        |target| Tar::new().entry(EntryType::Symlink, "d", target, b"").file("d/evil", "x").bytes();
    for (what, archive, problem) in [
        ("upwards", file("../from/victim"), "its path leads upwards"),
        ("upwards later", file("a/../../from/victim"), "its path leads upwards"),
        ("absolute", file("/tmp/evil"), "its path is absolute"),
        ("link up", entry(EntryType::Symlink, "../from/victim"), "outside of the sandbox"),
        ("link away", entry(EntryType::Symlink, "/etc/passwd"), "outside of the sandbox"),
        ("hard link up", entry(EntryType::Link, "../from/victim"), "outside of the sandbox"),
        ("hard link away", entry(EntryType::Link, "/etc/passwd"), "outside of the sandbox"),
        ("hard link to nothing", entry(EntryType::Link, "later"), "no file that came before it"),
        ("through a link", through("."), "leads through a link or a file"),
        ("through a link out", through("../from"), "outside of the sandbox"),
        ("a device", entry(EntryType::Char, ""), "it is a device node"),
        ("a disk", entry(EntryType::Block, ""), "it is a device node"),
        ("a pipe", entry(EntryType::Fifo, ""), "it is a named pipe"),
        ("no archive", b"no archive".repeat(100), "Failed to read archive header"),
    ] {
        let (sandbox, ended) = extract("evil.tar", &archive);
        ended.assert_failed(problem);
        assert_nothing_left(&sandbox, "evil.tar");
        assert!(!std::path::Path::new("/tmp/evil").exists(), "{what}");
    }
}

#[test]
fn hostile_zips_are_refused_and_leave_nothing() {
    let options = zip::write::SimpleFileOptions::default();
    for (name, link, problem) in [
        ("../from/victim", None, "its path leads upwards"),
        ("/tmp/evil", None, "its path is absolute"),
        ("link", Some("../from/victim"), "outside of the sandbox"),
    ] {
        let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        match link {
            None => writer.start_file(name, options).expect("in memory"),
            Some(target) => writer.add_symlink(name, target, options).expect("in memory"),
        }
        let archive = writer.finish().expect("in memory").into_inner();
        let (sandbox, ended) = extract("evil.zip", &archive);
        ended.assert_failed(problem);
        assert_nothing_left(&sandbox, "evil.zip");
    }
}

#[test]
fn truncated_archives_are_refused_and_leave_nothing() {
    let tar = Tar::new().file("a", vec![7; 4000]).file("b", vec![8; 4000]).bytes();
    for (name, archive) in [
        ("t.tar", tar.clone()),
        ("t.tar.gz", gzip(&tar)),
        ("t.tar.bz2", bzip2(&tar)),
        ("t.tar.xz", xz(&tar)),
        ("t.gz", gzip(&tar)),
    ] {
        // Within the second file of what is not packed.
        let length = if name == "t.tar" { 6000 } else { archive.len() - 5 };
        let (sandbox, ended) = extract(name, &archive[..length]);
        ended.assert_failed("Failed to extract");
        assert_nothing_left(&sandbox, name);
    }
}

#[test]
fn bombs_are_refused_and_leave_nothing() {
    let zeros = Tar::new().file("zeros", vec![0; 8 << 20]).bytes();
    let many = (0..20).fold(Tar::new(), |tar, n| tar.file(&format!("f{n}"), "")).bytes();
    // A name of 16 MiB, which the library would hold in memory.
    let name = vec![b'a'; 16 << 20];
    let named = Tar::new().entry(EntryType::GNULongName, "././@LongLink", "", &name);
    let named = named.file("a", "").bytes();
    for (what, archive, arguments, problem) in [
        ("size", gzip(&zeros), &["--max_extracted_size=4MB"][..], "--max_extracted_size"),
        ("entries", many, &["--max_extracted_entries=19"], "--max_extracted_entries"),
        ("names", gzip(&named), &[], "bytes of headers"),
    ] {
        let (sandbox, ended) = extract_with("bomb.tar.gz", &archive, arguments);
        ended.assert_failed(problem);
        assert_nothing_left(&sandbox, "bomb.tar.gz");
        assert!(ended.peak < MEMORY, "{what}: {} bytes", ended.peak);
    }
}

#[test]
fn what_the_sandbox_has_is_not_written_through() {
    let mut sandbox = Sandbox::new();
    std::os::unix::fs::symlink(sandbox.beside("from"), sandbox.path("d")).expect("made");
    let file = sandbox.source("a.tar", Tar::new().file("d/evil", "x").bytes());
    let ended = sandbox.uri(file, json!({ "extract": true })).run();
    ended.assert_failed("it has a directory where the sandbox has a link");
    assert!(!sandbox.beside("from/evil").exists());
}

#[test]
fn a_download_that_breaks_or_stalls_leaves_nothing() {
    let server = server(Arc::new(|path, stream| {
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf.")?;
        if path == "/stalls" {
            // Until the client has gone.
            std::io::copy(stream, &mut std::io::sink())?;
        }
        Ok(())
    }));
    for (path, problem) in [("breaks", "Error downloading"), ("stalls", "Timeout was reached")] {
        let mut sandbox = Sandbox::new();
        sandbox.info["stall_timeout"] = json!({ "nanoseconds": 1_000_000_000 });
        sandbox.uri(format!("http://{server}/{path}"), json!({})).run().assert_failed(problem);
        assert_eq!(sandbox.entries(), [""; 0], "{path}");
    }
}

/// With `DRYDOCK_LARGE_FETCHES` in the environment the numbers are those of the issue.
fn scale(small: usize, large: usize) -> usize {
    if std::env::var_os("DRYDOCK_LARGE_FETCHES").is_some() { large } else { small }
}

#[test]
fn many_small_files_take_little_memory() {
    let files = scale(500, 10_000);
    let mut sandbox = Sandbox::new();
    let mut archive = Tar::new();
    for n in 0..files {
        archive = archive.file(&format!("d{}/f{n}", n % 100), n.to_string());
    }
    let file = sandbox.source("many.tar.gz", gzip(&archive.bytes()));
    let start = std::time::Instant::now();
    let ended = sandbox.uri(file, json!({ "extract": true })).run();
    eprintln!("{files} files: {:?}, peak {} KiB", start.elapsed(), ended.assert_ok().peak >> 10);
    let last = files - 1;
    assert_eq!(sandbox.file(&format!("d{}/f{last}", last % 100)), last.to_string());
    assert!(ended.peak < MEMORY, "{} bytes", ended.peak);
}

#[test]
fn a_large_archive_takes_little_memory() {
    let megabytes = scale(32, 1024);
    // Of what hardly gets smaller.
    let mut state = 1_u64;
    let mut block = Vec::with_capacity(1 << 20);
    while block.len() < 1 << 20 {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        block.extend_from_slice(&state.to_be_bytes()[..4]);
    }
    let mut header = tar::Header::new_gnu();
    header.set_path("large").expect("short");
    header.set_mode(0o644);
    header.set_size((megabytes as u64) << 20);
    header.set_cksum();
    // A file, for the test's own memory is no matter, but the machine's is.
    let mut sandbox = Sandbox::new();
    let path = sandbox.source("large.tar.gz", "");
    let file = std::fs::File::create(&path).expect("written");
    let mut packer = flate2::write::GzEncoder::new(file, flate2::Compression::fast());
    packer.write_all(header.as_bytes()).expect("written");
    for _ in 0..megabytes {
        packer.write_all(&block).expect("written");
    }
    packer.write_all(&[0; 1024]).expect("written");
    packer.finish().expect("written");

    let served = path.clone();
    let server = server(Arc::new(move |_, stream| {
        let mut file = std::fs::File::open(&served)?;
        let length = file.metadata()?.len();
        write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n")?;
        std::io::copy(&mut file, stream)?;
        Ok(())
    }));
    let start = std::time::Instant::now();
    let ended =
        sandbox.uri(format!("http://{server}/large.tar.gz"), json!({ "extract": true })).run();
    eprintln!("{megabytes} MiB: {:?}, peak {} KiB", start.elapsed(), ended.assert_ok().peak >> 10);
    let size = sandbox.path("large").metadata().expect("it is there").len();
    assert_eq!(size, (megabytes as u64) << 20);
    assert!(ended.peak < MEMORY, "{} bytes", ended.peak);
}
