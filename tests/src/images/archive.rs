//! Writes an image as `docker save` does: a tar file of a manifest, a configuration, and one tar
//! file for each layer. Same input, same bytes: no time stamps, seeded random numbers.
//!
//! Limitation: the whole archive is in memory, twice for a moment. Keep images below some 500 MiB.

use std::io;
use std::path::Path;
use std::process::Command;

use bytes::Bytes;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};
use serde_json::json;
use sha2::{Digest, Sha256};

use super::ImageSpec;

const MIB: usize = 1 << 20;

/// Seed of the bytes that do not compress. The namespace is mixed in.
const SEED: u64 = 0xd0c4;

/// The content of the images.
pub(super) struct Busybox {
    program: Vec<u8>,
    applets: Vec<String>,
}

impl Busybox {
    /// Reads the program and asks it for its applets; an error says what is wrong with it.
    pub(super) fn read(path: &Path) -> Result<Busybox, String> {
        let program = std::fs::read(path).map_err(|error| error.to_string())?;
        let head = &program[..program.len().min(4096)];
        if head.windows(4).any(|bytes| bytes == b"/ld-") {
            return Err("it is linked dynamically".to_owned());
        }
        let list = Command::new(path).arg("--list").output().map_err(|error| error.to_string())?;
        let list = String::from_utf8_lossy(&list.stdout);
        let applets: Vec<String> =
            list.lines().filter(|applet| *applet != "busybox").map(str::to_owned).collect();
        if !applets.iter().any(|applet| applet == "sh") {
            return Err("it has no shell".to_owned());
        }
        Ok(Busybox { program, applets })
    }
}

/// An image for `POST /images/load`.
pub(super) struct Archive {
    /// The image's ID: `sha256:` and the digest of its configuration.
    pub(super) id: String,
    /// The tar file.
    pub(super) tar: Bytes,
}

/// Writes the image, to be loaded under `name`; `namespace` makes its layers unique.
pub(super) fn build(
    busybox: &Busybox,
    spec: &ImageSpec,
    namespace: &str,
    name: &str,
) -> io::Result<Archive> {
    let mut layers = vec![base_layer(busybox, namespace)?];
    if spec.big_mib > 0 {
        layers.push(big_layer(spec.big_mib, namespace)?);
    }
    let digests: Vec<String> = layers.iter().map(|layer| hex_digest(layer)).collect();
    let config = configuration(spec, &digests).into_bytes();
    let config_digest = hex_digest(&config);
    let layer_path = |digest: &String| format!("{digest}/layer.tar");
    let manifest = json!([{
        "Config": format!("{config_digest}.json"),
        "RepoTags": [name],
        "Layers": digests.iter().map(layer_path).collect::<Vec<_>>(),
    }]);
    let mut tar = Tar::new();
    tar.file("manifest.json", 0o644, manifest.to_string().as_bytes())?;
    tar.file(&format!("{config_digest}.json"), 0o644, &config)?;
    for (digest, layer) in digests.iter().zip(layers) {
        tar.directory(digest)?;
        tar.file(&layer_path(digest), 0o644, &layer)?;
    }
    Ok(Archive { id: format!("sha256:{config_digest}"), tar: tar.finish()?.into() })
}

/// Busybox, a symbolic link for each applet, the usual directories, and a file of the namespace.
fn base_layer(busybox: &Busybox, namespace: &str) -> io::Result<Vec<u8>> {
    let mut tar = Tar::new();
    for directory in ["bin", "dev", "etc", "proc", "root", "sys", "tmp", "var"] {
        tar.directory(directory)?;
    }
    tar.file("bin/busybox", 0o755, &busybox.program)?;
    for applet in &busybox.applets {
        tar.link(&format!("bin/{applet}"), "busybox")?;
    }
    tar.file("etc/passwd", 0o644, b"root:x:0:0:root:/root:/bin/sh\n")?;
    tar.file("etc/group", 0o644, b"root:x:0:\n")?;
    tar.file("etc/drydock-image", 0o644, namespace.as_bytes())?;
    tar.finish()
}

/// One file of bytes that do not compress.
fn big_layer(mib: usize, namespace: &str) -> io::Result<Vec<u8>> {
    let mix = namespace.bytes().fold(SEED, |mix, byte| mix.rotate_left(5) ^ u64::from(byte));
    let mut bytes = vec![0; mib * MIB];
    ChaCha8Rng::seed_from_u64(mix).fill_bytes(&mut bytes);
    let mut tar = Tar::new();
    tar.file("ballast", 0o644, &bytes)?;
    tar.finish()
}

fn configuration(spec: &ImageSpec, digests: &[String]) -> String {
    let mut environment = vec!["PATH=/bin".to_owned()];
    environment.extend(spec.environment.iter().cloned());
    let none_if_empty = |list: &[String]| if list.is_empty() { None } else { Some(list.to_vec()) };
    let diff_ids: Vec<String> = digests.iter().map(|digest| format!("sha256:{digest}")).collect();
    let history: Vec<_> =
        digests.iter().map(|_| json!({ "created": "1970-01-01T00:00:00Z" })).collect();
    json!({
        "architecture": architecture(),
        "os": "linux",
        "created": "1970-01-01T00:00:00Z",
        "config": {
            "Env": environment,
            "Entrypoint": none_if_empty(&spec.entrypoint),
            "Cmd": none_if_empty(&spec.command),
            "WorkingDir": spec.working_directory,
        },
        "rootfs": { "type": "layers", "diff_ids": diff_ids },
        "history": history,
    })
    .to_string()
}

/// This machine's architecture, as Go names it.
fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

fn hex_digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A tar file whose entries belong to root and have no time.
struct Tar(tar::Builder<Vec<u8>>);

impl Tar {
    fn new() -> Tar {
        Tar(tar::Builder::new(Vec::new()))
    }

    fn directory(&mut self, path: &str) -> io::Result<()> {
        let mode = if path == "tmp" { 0o1777 } else { 0o755 };
        let mut header = header(tar::EntryType::Directory, mode, 0);
        self.0.append_data(&mut header, path, io::empty())
    }

    fn file(&mut self, path: &str, mode: u32, bytes: &[u8]) -> io::Result<()> {
        let mut header = header(tar::EntryType::Regular, mode, bytes.len() as u64);
        self.0.append_data(&mut header, path, bytes)
    }

    fn link(&mut self, path: &str, target: &str) -> io::Result<()> {
        let mut header = header(tar::EntryType::Symlink, 0o777, 0);
        self.0.append_link(&mut header, path, target)
    }

    fn finish(self) -> io::Result<Vec<u8>> {
        self.0.into_inner()
    }
}

fn header(kind: tar::EntryType, mode: u32, size: u64) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_size(size);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header
}
