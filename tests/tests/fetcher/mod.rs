//! What the suites about `mesos-fetcher` share: the program in a sandbox, archives, a server.

#![allow(dead_code, reason = "each suite uses a part")]

use nix::libc;
use serde_json::{Value, json};
use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use tempfile::TempDir;

/// A directory with a sandbox, and what the program is told about it.
pub struct Sandbox {
    directory: TempDir,
    /// The message in `MESOS_FETCHER_INFO`.
    pub info: Value,
    /// The rest of the environment.
    pub environment: Vec<(&'static str, String)>,
    /// The program's arguments.
    pub arguments: Vec<&'static str>,
}

/// How the program ended.
pub struct Ended {
    /// Its exit code; `None` when a signal ended it.
    pub code: Option<i32>,
    /// Its log.
    pub log: String,
    /// The most memory that it had, in bytes.
    pub peak: u64,
}

impl Ended {
    /// Fails unless everything was fetched.
    pub fn assert_ok(&self) -> &Self {
        assert_eq!(self.code, Some(0), "{}", self.log);
        self
    }

    /// Fails unless the program failed, and its log says this.
    pub fn assert_failed(&self, says: &str) -> &Self {
        assert_eq!(self.code, Some(1), "{}", self.log);
        assert!(self.log.contains("Failed to fetch"), "{}", self.log);
        assert!(self.log.contains(says), "'{says}' is not in: {}", self.log);
        self
    }
}

impl Sandbox {
    /// An empty one, and an empty directory `from` beside it.
    pub fn new() -> Sandbox {
        let directory = tempfile::Builder::new().prefix("drydock-fetch-").tempdir();
        let directory = directory.expect("a directory");
        let sandbox = directory.path().join("sandbox");
        for name in ["sandbox", "from"] {
            fs::create_dir(directory.path().join(name)).expect("made");
        }
        let info = json!({ "sandbox_directory": sandbox, "items": [] });
        Sandbox { directory, info, environment: Vec::new(), arguments: Vec::new() }
    }

    /// A path beside the sandbox.
    pub fn beside(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// A path in the sandbox.
    pub fn path(&self, name: &str) -> PathBuf {
        self.beside("sandbox").join(name)
    }

    /// A file in the sandbox.
    pub fn file(&self, name: &str) -> String {
        let path = self.path(name);
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// What is in the sandbox, sorted; the log is not.
    pub fn entries(&self) -> Vec<String> {
        let entries = fs::read_dir(self.path("")).expect("a sandbox");
        let names = entries.map(|entry| entry.expect("an entry").file_name());
        let mut names: Vec<_> = names.map(|name| name.to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    /// The permissions of a file in the sandbox.
    pub fn mode(&self, name: &str) -> u32 {
        let metadata = self.path(name).symlink_metadata().expect("it is there");
        metadata.permissions().mode() & 0o7777
    }

    /// Makes a file to fetch.
    pub fn source(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.beside("from").join(name);
        fs::write(&path, content).expect("written");
        path
    }

    /// Asks for a URI past the cache, with other fields of it, `{}` for none.
    pub fn uri(&mut self, value: impl AsRef<Path>, more: Value) -> &mut Self {
        let mut uri = json!({ "value": value.as_ref() });
        for (name, value) in more.as_object().expect("an object") {
            uri[name] = value.clone();
        }
        self.item(json!({ "uri": uri, "action": "BYPASS_CACHE" }))
    }

    /// Asks for an item.
    pub fn item(&mut self, item: Value) -> &mut Self {
        self.info["items"].as_array_mut().expect("an array").push(item);
        self
    }

    /// Lets other users in.
    pub fn open_to(&self, user: &nix::unistd::User) {
        fs::set_permissions(self.directory.path(), Permissions::from_mode(0o755)).expect("ours");
        nix::unistd::chown(&self.path(""), Some(user.uid), Some(user.gid)).expect("root");
    }

    /// Starts the program.
    pub fn start(&self) -> Child {
        let mut command = Command::new(super::live::drydock());
        command.arg("mesos-fetcher").args(&self.arguments).env_clear();
        command.env("MESOS_FETCHER_INFO", self.info.to_string());
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        command.spawn().expect("drydock can be run")
    }

    /// Runs the program.
    #[expect(clippy::zombie_processes, reason = "`wait4` reaps it, and says what it took")]
    pub fn run(&self) -> Ended {
        let mut child = self.start();
        let mut log = String::new();
        let mut stderr = child.stderr.take().expect("a pipe");
        stderr.read_to_string(&mut log).expect("UTF-8");
        let (status, peak) = wait(&child);
        let code = libc::WIFEXITED(status).then(|| libc::WEXITSTATUS(status));
        Ended { code, log, peak }
    }
}

/// The wait status of a child, and the most memory that it had. It is reaped.
fn wait(child: &Child) -> (i32, u64) {
    let pid = libc::pid_t::try_from(child.id()).expect("a pid");
    let mut status = 0;
    // SAFETY: plain numbers, for which zeros are values; the call fills in both.
    let (ended, usage) = unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        (libc::wait4(pid, &raw mut status, 0, &raw mut usage), usage)
    };
    assert_eq!(ended, pid, "nobody else reaps it");
    (status, u64::try_from(usage.ru_maxrss).expect("a size") << 10)
}

/// Builds a tar in memory. Its entries may be such as no program makes.
pub struct Tar(tar::Builder<Vec<u8>>);

impl Tar {
    /// An empty one.
    pub fn new() -> Tar {
        Tar(tar::Builder::new(Vec::new()))
    }

    /// Adds anything.
    pub fn entry(mut self, kind: tar::EntryType, name: &str, link: &str, data: &[u8]) -> Tar {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(kind);
        header.set_mode(if kind.is_dir() { 0o755 } else { 0o640 });
        header.set_mtime(1_000_000_000);
        header.set_size(data.len() as u64);
        // Past the library, which would refuse some.
        let fields = header.as_gnu_mut().expect("it is one");
        fields.name[..name.len()].copy_from_slice(name.as_bytes());
        fields.linkname[..link.len()].copy_from_slice(link.as_bytes());
        header.set_cksum();
        self.0.append(&header, data).expect("in memory");
        self
    }

    /// Adds a file.
    pub fn file(self, name: &str, data: impl AsRef<[u8]>) -> Tar {
        self.entry(tar::EntryType::Regular, name, "", data.as_ref())
    }

    /// Its bytes.
    pub fn bytes(self) -> Vec<u8> {
        self.0.into_inner().expect("in memory")
    }
}

/// Packs something.
pub fn gzip(data: &[u8]) -> Vec<u8> {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packer.write_all(data).expect("in memory");
    packer.finish().expect("in memory")
}

/// Answers requests for paths.
pub type Answer = dyn Fn(&str, &mut TcpStream) -> std::io::Result<()> + Send + Sync;

/// An HTTP server, for as long as the test runs: one request a connection.
pub fn server(answer: Arc<Answer>) -> SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a loopback port");
    let address = listener.local_addr().expect("it is bound");
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let answer = Arc::clone(&answer);
            std::thread::spawn(move || serve(stream, &*answer));
        }
    });
    address
}

fn serve(mut stream: TcpStream, answer: &Answer) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    answer(head.split(' ').nth(1)?, &mut stream).ok()
}

/// Answers with these lines of a head and this body, whose size it says.
pub fn respond(stream: &mut TcpStream, head: &str, body: &[u8]) -> std::io::Result<()> {
    let length = body.len();
    let head = format!("HTTP/1.1 {head}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n");
    stream.write_all(head.as_bytes())?;
    stream.write_all(body)
}
