//! Starting a child: its streams, the fork, the hooks while it waits, its exec.
//!
//! Mirrors `subprocess` in `3rdparty/libprocess/src/subprocess.cpp` and `cloneChild` in
//! `src/posix/subprocess.hpp`.

use super::child::{self, Image, Plan, REPORT_LENGTH, Stage, Step};
use super::descriptor::{self, Open};
use crate::host::{ChildHook, Command, Ends, FdType, Io, OsPid, ParentHook, parent_hook_failed};
use crate::io::Descriptor;
use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::waitpid;
use nix::unistd::Pid;
use std::collections::BTreeMap;
use std::ffi::CString;
use std::fs::File;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStringExt;
use std::path::Path;
use std::sync::Arc;

/// Where programs are looked for when the child has no `PATH`: what `execvp` does.
const DEFAULT_PATH: &str = "/bin:/usr/bin";

/// Starts a child and gives its pid and our ends of its pipes.
#[doc(alias = "internal::cloneChild")]
pub(super) fn spawn(command: &Command, hooks: Vec<ParentHook>) -> Result<(OsPid, Ends), String> {
    let _given_away = GivenAway::of(command);
    let image = image(command)?;
    let floor = floor(command);
    let mut ends = Ends::default();
    let stdin = input(&command.stdin, floor, &mut ends.stdin)?;
    let stdout = output(&command.stdout, std::io::stdout().as_fd(), floor, &mut ends.stdout)?;
    let stderr = output(&command.stderr, std::io::stderr().as_fd(), floor, &mut ends.stderr)?;
    let (report, reporter) = pipe_above(floor)?;
    let (gate, go) = match hooks.is_empty() {
        true => (None, None),
        false => {
            let (gate, go) = pipe_above(floor)?;
            (Some(gate), Some(go))
        }
    };
    let whitelist = opened(command.whitelist.iter())?;
    let dup2s = opened(command.child_hooks.iter().filter_map(|hook| match hook {
        ChildHook::Dup2 { from, .. } => Some(from),
        _ => None,
    }))?;

    let mut plan = Plan {
        streams: [stdin.as_fd(), stdout.as_fd(), stderr.as_fd()],
        go: gate.as_ref().map(AsFd::as_fd),
        report: reporter.as_fd(),
        steps: steps(&command.child_hooks, &dup2s)?,
        whitelist: whitelist.iter().map(|open| open.fd.as_fd()).collect(),
        kept: Vec::new(),
        descriptors_end: descriptors_end(),
        image,
    };
    plan.kept = kept(&plan);
    let pid = child::fork(plan).map_err(|errno| format!("Failed to fork: {}", errno.desc()))?;
    // differs: of a child whose parent hook has failed, upstream leaves a zombie, and the pipes'
    // ends open. Here nothing is left of one that did not get as far as its exec.
    let newborn = Newborn(Some(pid));
    // Closed, so that the ends of files are the ends of the child.
    drop((stdin, stdout, stderr, reporter, gate));

    for hook in hooks {
        hook(pid).map_err(|error| parent_hook_failed(pid, &error))?;
    }
    if let Some(go) = go {
        // Fails only if the child has ended, which its status will tell.
        let _ = retried(|| nix::unistd::write(&go, &[1]));
    }
    // differs: upstream has started the child when the exec fails; the child ends with the error's
    // number as its status, having said why on its standard error.
    await_exec(&report).map_err(|(stage, errno)| explain(command, stage, errno))?;
    Ok((newborn.grown_up(), ends))
}

/// A child that has not executed its program yet: killed and collected unless it gets there.
struct Newborn(Option<OsPid>);

impl Newborn {
    fn grown_up(mut self) -> OsPid {
        self.0.take().unwrap_or_default()
    }
}

impl Drop for Newborn {
    fn drop(&mut self) {
        let Some(pid) = self.0 else { return };
        let pid = Pid::from_raw(pid);
        // It is ours and was not collected: it is there, perhaps as a zombie.
        let _ = kill(pid, Signal::SIGKILL);
        let _ = retried(|| waitpid(pid, None));
    }
}

/// Closes what was given away, whatever becomes of the child.
struct GivenAway<'a>(Vec<&'a Descriptor>);

impl<'a> GivenAway<'a> {
    fn of(command: &'a Command) -> Self {
        let streams = [&command.stdin, &command.stdout, &command.stderr];
        let owned = streams.into_iter().filter_map(|io| match io {
            Io::Fd(descriptor, FdType::Owned) => Some(descriptor),
            _ => None,
        });
        GivenAway(owned.collect())
    }
}

impl Drop for GivenAway<'_> {
    fn drop(&mut self) {
        for descriptor in &self.0 {
            descriptor.close();
        }
    }
}

fn retried<T>(mut call: impl FnMut() -> nix::Result<T>) -> nix::Result<T> {
    loop {
        match call() {
            Err(Errno::EINTR) => {}
            result => return result,
        }
    }
}

/// Ready when the child executes its program, which closes its end of the pipe, or when it says
/// why it cannot.
fn await_exec(report: &OwnedFd) -> Result<(), (Stage, Errno)> {
    let mut message = [0; REPORT_LENGTH];
    match retried(|| nix::unistd::read(report, &mut message)) {
        Ok(REPORT_LENGTH) => Err(child::decode(message)),
        // Also when it was killed before: its status will tell.
        _ => Ok(()),
    }
}

fn explain(command: &Command, stage: Stage, errno: Errno) -> String {
    let why = errno.desc();
    let hook = match stage {
        Stage::Streams => return format!("Failed to redirect the standard streams: {why}"),
        Stage::Whitelist => return format!("Failed to keep a whitelisted descriptor open: {why}"),
        Stage::Exec => return format!("Failed to execute '{}': {why}", command.path),
        Stage::Hook(index) => match command.child_hooks.get(index) {
            Some(ChildHook::Chdir(path)) => {
                format!("could not change to directory '{}'", path.display())
            }
            Some(ChildHook::Setsid) | None => "could not setsid".to_owned(),
            Some(ChildHook::Dup2 { to, .. }) => format!("could not duplicate to descriptor {to}"),
            Some(ChildHook::Supervisor) => "could not start supervisor process".to_owned(),
        },
    };
    format!("Failed to execute Subprocess::ChildHook for '{}': {hook}: {why}", command.path)
}

/// Descriptors of ours that the child uses have at least this number, so that neither its standard
/// streams nor its hooks put something else in their place.
fn floor(command: &Command) -> RawFd {
    let targets = command.child_hooks.iter().map(|hook| match hook {
        ChildHook::Dup2 { to, .. } => to.saturating_add(1),
        _ => 0,
    });
    targets.max().unwrap_or_default().max(3)
}

fn duplicate(fd: impl AsFd, floor: RawFd) -> Result<OwnedFd, String> {
    rustix::io::fcntl_dupfd_cloexec(fd, floor)
        .map_err(|errno| format!("Failed to duplicate a descriptor: {errno}"))
}

fn above(fd: OwnedFd, floor: RawFd) -> Result<OwnedFd, String> {
    if fd.as_raw_fd() >= floor { Ok(fd) } else { duplicate(fd, floor) }
}

fn pipe_above(floor: RawFd) -> Result<(OwnedFd, OwnedFd), String> {
    let (read, write) = descriptor::pipe()?;
    Ok((above(read, floor)?, above(write, floor)?))
}

fn input(io: &Io, floor: RawFd, end: &mut Option<Descriptor>) -> Result<OwnedFd, String> {
    let opened = |path: &Path| {
        let file = File::open(path);
        file.map_err(|error| format!("Failed to open '{}': {error}", path.display()))
    };
    match io {
        Io::Null => above(opened(Path::new("/dev/null"))?.into(), floor),
        Io::Path(path) => above(opened(path)?.into(), floor),
        Io::Inherit => duplicate(std::io::stdin(), floor),
        Io::Fd(descriptor, _) => duplicate(&descriptor::open(descriptor)?.fd, floor),
        Io::Pipe => {
            let (read, write) = descriptor::pipe()?;
            *end = Some(descriptor::descriptor(write));
            above(read, floor)
        }
    }
}

fn output(
    io: &Io,
    own: BorrowedFd<'_>,
    floor: RawFd,
    end: &mut Option<Descriptor>,
) -> Result<OwnedFd, String> {
    match io {
        Io::Null => above(descriptor::append(Path::new("/dev/null"))?, floor),
        Io::Path(path) => above(descriptor::append(path)?, floor),
        Io::Inherit => duplicate(own, floor),
        Io::Fd(descriptor, _) => duplicate(&descriptor::open(descriptor)?.fd, floor),
        Io::Pipe => {
            let (read, write) = descriptor::pipe()?;
            *end = Some(descriptor::descriptor(read));
            above(write, floor)
        }
    }
}

/// Keeps the descriptors open while they are needed.
fn opened<'a>(descriptors: impl Iterator<Item = &'a Descriptor>) -> Result<Vec<Arc<Open>>, String> {
    descriptors.map(descriptor::open).collect()
}

fn steps<'fd>(hooks: &[ChildHook], dup2s: &'fd [Arc<Open>]) -> Result<Vec<Step<'fd>>, String> {
    let mut sources = dup2s.iter();
    let steps = hooks.iter().map(|hook| match hook {
        ChildHook::Chdir(path) => {
            let bytes = path.clone().into_os_string().into_vec();
            Ok(Step::Chdir(c_string(bytes, "the working directory")?))
        }
        ChildHook::Setsid => Ok(Step::Setsid),
        ChildHook::Dup2 { to, .. } => {
            let from = sources.next().expect("`dup2s` has the source of each Dup2");
            Ok(Step::Dup2(from.fd.as_fd(), *to))
        }
        ChildHook::Supervisor => Ok(Step::Supervisor),
    });
    steps.collect()
}

fn kept(plan: &Plan<'_>) -> Vec<RawFd> {
    let dup2s = plan.steps.iter().filter_map(|step| match step {
        Step::Dup2(from, _) => Some(*from),
        _ => None,
    });
    let all = plan.streams.into_iter().chain(plan.go).chain([plan.report]);
    let all = all.chain(plan.whitelist.iter().copied()).chain(dup2s);
    let mut kept: Vec<_> = all.map(|fd| fd.as_raw_fd()).collect();
    kept.sort_unstable();
    kept
}

fn descriptors_end() -> RawFd {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    limit.and_then(|limit| RawFd::try_from(limit).ok()).unwrap_or(RawFd::from(i16::MAX))
}

fn c_string(bytes: impl Into<Vec<u8>>, what: &str) -> Result<CString, String> {
    CString::new(bytes).map_err(|error| {
        let text = error.into_vec();
        format!("{what} has a zero byte: {:?}", String::from_utf8_lossy(&text))
    })
}

fn image(command: &Command) -> Result<Image, String> {
    let environment = environment(command);
    let candidates = candidates(&command.path, &environment)?;
    let argv = command.argv.iter().map(|argument| c_string(argument.as_bytes(), "an argument"));
    let variables = environment.iter().map(|(name, value)| {
        let mut variable = name.clone();
        variable.push(b'=');
        variable.extend_from_slice(value);
        c_string(variable, "the environment")
    });
    Ok(Image::new(
        candidates,
        argv.collect::<Result<_, _>>()?,
        variables.collect::<Result<_, _>>()?,
    ))
}

fn environment(command: &Command) -> BTreeMap<Vec<u8>, Vec<u8>> {
    match &command.environment {
        Some(variables) => variables
            .iter()
            .map(|(name, value)| (name.clone().into_bytes(), value.clone().into_bytes()))
            .collect(),
        None => {
            std::env::vars_os().map(|(name, value)| (name.into_vec(), value.into_vec())).collect()
        }
    }
}

/// What a bare name may mean, by the child's `PATH`.
fn candidates(
    path: &str,
    environment: &BTreeMap<Vec<u8>, Vec<u8>>,
) -> Result<Vec<CString>, String> {
    if path.is_empty() {
        return Err("Failed to execute a program: its path is empty".to_owned());
    }
    if path.contains('/') {
        return Ok(vec![c_string(path, "the program's path")?]);
    }
    let directories = environment.get(b"PATH".as_slice()).map(Vec::as_slice);
    let directories = directories.unwrap_or(DEFAULT_PATH.as_bytes());
    let candidates = directories.split(|byte| *byte == b':').map(|directory| {
        let mut candidate = directory.to_vec();
        if !candidate.is_empty() {
            candidate.push(b'/');
        }
        candidate.extend_from_slice(path.as_bytes());
        c_string(candidate, "the program's path")
    });
    candidates.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bare_name_is_looked_for_in_the_childs_path() {
        let check = |path: &str, directories: Option<&str>, expected: &[&str]| {
            let environment: BTreeMap<Vec<u8>, Vec<u8>> = directories
                .map(|directories| (b"PATH".to_vec(), directories.as_bytes().to_vec()))
                .into_iter()
                .collect();
            let found = candidates(path, &environment).expect("a path");
            let found: Vec<_> = found.iter().map(|found| found.to_str().expect("text")).collect();
            assert_eq!(found, expected, "{path} in {directories:?}");
        };
        check("sh", Some("/a:/b/"), &["/a/sh", "/b//sh"]);
        check("sh", Some("/a::/b"), &["/a/sh", "sh", "/b/sh"]);
        check("sh", None, &["/bin/sh", "/usr/bin/sh"]);
        check("./sh", Some("/a"), &["./sh"]);
        assert!(candidates("", &BTreeMap::new()).is_err());
    }
}
