//! What a new child does between its fork and its exec: the one place in this program that needs
//! `unsafe`.
//!
//! After a fork of a program with several threads the child has one of them, and locks that the
//! others held stay locked for ever. So nothing is allocated here, no lock is taken, nothing is
//! printed and nothing panics: only system calls that POSIX calls async-signal-safe, on data that
//! was prepared before the fork. The order of the steps is `childMain`'s in
//! `3rdparty/libprocess/src/posix/subprocess.hpp`.

use crate::host::OsPid;
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::libc::{self, c_char, c_int};
use nix::sys::prctl;
use nix::sys::signal::{SigSet, SigmaskHow, Signal};
use nix::unistd::{ForkResult, Pid};
use std::ffi::CString;
use std::os::fd::{AsRawFd, BorrowedFd, RawFd};

/// Everything that the child needs.
pub(super) struct Plan<'fd> {
    /// What becomes its standard streams. None of them is one of the standard streams here.
    pub(super) streams: [BorrowedFd<'fd>; 3],
    /// Where the byte comes from that lets it go on, if it has to wait for one.
    pub(super) go: Option<BorrowedFd<'fd>>,
    /// Where it says why it could not execute the program. Closed by the exec.
    pub(super) report: BorrowedFd<'fd>,
    pub(super) steps: Vec<Step<'fd>>,
    pub(super) whitelist: Vec<BorrowedFd<'fd>>,
    /// All descriptors that are named here, in ascending order.
    pub(super) kept: Vec<RawFd>,
    /// No descriptor of this program has this number or a higher one.
    pub(super) descriptors_end: RawFd,
    pub(super) image: Image,
}

/// A child hook, ready to be done.
pub(super) enum Step<'fd> {
    Chdir(CString),
    Setsid,
    Dup2(BorrowedFd<'fd>, RawFd),
    Supervisor,
}

/// The program, as `execve` wants it.
pub(super) struct Image {
    /// The paths to try.
    candidates: Vec<CString>,
    argv: Vec<*const c_char>,
    envp: Vec<*const c_char>,
    /// `/bin/sh`, the path, then the arguments: for a script that does not say what runs it.
    script: Vec<*const c_char>,
    /// What the pointers point into.
    _strings: Vec<CString>,
}

const SHELL: &std::ffi::CStr = c"/bin/sh";

impl Image {
    pub(super) fn new(
        candidates: Vec<CString>,
        argv: Vec<CString>,
        environment: Vec<CString>,
    ) -> Self {
        let end = std::iter::once(std::ptr::null());
        let pointer = |string: &CString| string.as_ptr();
        let program = std::iter::once(SHELL.as_ptr()).chain(std::iter::once(std::ptr::null()));
        Image {
            script: program.chain(argv.iter().skip(1).map(pointer)).chain(end.clone()).collect(),
            argv: argv.iter().map(pointer).chain(end.clone()).collect(),
            envp: environment.iter().map(pointer).chain(end).collect(),
            candidates,
            // A string's bytes stay where they are when the string itself is moved.
            _strings: argv.into_iter().chain(environment).collect(),
        }
    }

    /// Executes the first candidate that can be: `execvpe`, whose search is done beforehand.
    fn execute(&mut self) -> Errno {
        let (mut denied, mut last) = (false, Errno::ENOENT);
        for candidate in &self.candidates {
            last = execve(candidate.as_ptr(), &self.argv, &self.envp);
            match last {
                Errno::ENOEXEC => {
                    if let Some(path) = self.script.get_mut(1) {
                        *path = candidate.as_ptr();
                    }
                    return execve(SHELL.as_ptr(), &self.script, &self.envp);
                }
                Errno::EACCES => denied = true,
                Errno::ENOENT | Errno::ENOTDIR | Errno::ESTALE | Errno::ENODEV => {}
                Errno::ETIMEDOUT => {}
                _ => return last,
            }
        }
        if denied { Errno::EACCES } else { last }
    }
}

/// Where a child has failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    Streams,
    /// The child hook with this index.
    Hook(usize),
    Whitelist,
    Exec,
}

/// How a child reports a failure: a number for the stage, then the error's.
pub(super) const REPORT_LENGTH: usize = 8;

/// The first of the stages that are child hooks.
const HOOKS: u32 = 8;

fn encode(stage: Stage, errno: Errno) -> [u8; REPORT_LENGTH] {
    let stage = match stage {
        Stage::Streams => 0,
        Stage::Whitelist => 1,
        Stage::Exec => 2,
        Stage::Hook(index) => HOOKS.saturating_add(u32::try_from(index).unwrap_or(u32::MAX)),
    };
    let [a, b, c, d] = stage.to_ne_bytes();
    let [e, f, g, h] = (errno as i32).to_ne_bytes();
    [a, b, c, d, e, f, g, h]
}

/// What a child has reported.
pub(super) fn decode([a, b, c, d, e, f, g, h]: [u8; REPORT_LENGTH]) -> (Stage, Errno) {
    let stage = match u32::from_ne_bytes([a, b, c, d]) {
        0 => Stage::Streams,
        1 => Stage::Whitelist,
        hook if hook >= HOOKS => Stage::Hook((hook - HOOKS) as usize),
        _ => Stage::Exec,
    };
    (stage, Errno::from_raw(i32::from_ne_bytes([e, f, g, h])))
}

/// Forks. The child does what the plan says, and never returns.
pub(super) fn fork(mut plan: Plan<'_>) -> nix::Result<OsPid> {
    // A signal that came before the child has reset its handlers would run ours in it.
    let mask = SigSet::all().thread_swap_mask(SigmaskHow::SIG_SETMASK)?;
    // SAFETY: the child calls `run`, which does only what is safe after a fork (see above) and
    // returns neither normally nor by a panic.
    let forked = unsafe { nix::unistd::fork() };
    if matches!(forked, Ok(ForkResult::Child)) {
        run(&mut plan);
    }
    // Sets what was set before, which cannot be refused.
    let _ = mask.thread_set_mask();
    match forked? {
        ForkResult::Parent { child } => Ok(child.as_raw()),
        ForkResult::Child => exit(1),
    }
}

/// The child. Being `extern "C"`, it would abort rather than unwind into its parent's code.
#[doc(alias = "internal::childMain")]
extern "C" fn run(plan: &mut Plan<'_>) -> ! {
    // differs: upstream leaves signals as they are.
    reset_signals();
    close_others(plan);
    if let Err(errno) = redirect(plan) {
        fail(plan, Stage::Streams, errno);
    }
    if let Some(go) = plan.go
        && !may_go(go)
    {
        // The parent has given up, or is gone.
        exit(1);
    }
    for (index, step) in plan.steps.iter().enumerate() {
        if let Err(errno) = take(step) {
            fail(plan, Stage::Hook(index), errno);
        }
    }
    if let Err(errno) = keep_whitelist(plan) {
        fail(plan, Stage::Whitelist, errno);
    }
    let errno = plan.image.execute();
    fail(plan, Stage::Exec, errno)
}

fn fail(plan: &Plan<'_>, stage: Stage, errno: Errno) -> ! {
    // Few enough bytes to be written as one. If nobody reads them, nobody wants to know.
    let _ = nix::unistd::write(plan.report, &encode(stage, errno));
    exit(errno as c_int)
}

fn exit(code: c_int) -> ! {
    // SAFETY: ends the process at once, without running anything of ours.
    unsafe { libc::_exit(code) }
}

fn execve(path: *const c_char, argv: &[*const c_char], envp: &[*const c_char]) -> Errno {
    // SAFETY: the path is a C string, the others are arrays of C strings that end with a null
    // pointer: `Image::new` has made them.
    unsafe { libc::execve(path, argv.as_ptr(), envp.as_ptr()) };
    Errno::last()
}

/// Undoes what this program has done about signals, as an exec will: handlers that touch this
/// program's state must not run in the child. What is ignored stays ignored, except for SIGPIPE,
/// which is ignored by all Rust programs (and by libprocess) and by hardly another.
fn reset_signals() {
    for signal in 1..=64 {
        // SAFETY: both are given valid pointers or none, and set nothing but the default action;
        // for numbers that are no signals they fail. All zeroes are a valid `sigaction`.
        unsafe {
            let mut old: libc::sigaction = std::mem::zeroed();
            let known = libc::sigaction(signal, std::ptr::null(), &mut old) == 0;
            let handled = !matches!(old.sa_sigaction, libc::SIG_DFL | libc::SIG_IGN);
            if known && (handled || signal == libc::SIGPIPE) {
                libc::signal(signal, libc::SIG_DFL);
            }
        }
    }
    let _ = SigSet::empty().thread_set_mask();
}

/// Closes all descriptors above the standard streams that the plan does not name.
#[doc(alias = "internal::handleWhitelistFds")]
fn close_others(plan: &Plan<'_>) {
    // differs: upstream does this last. A child that waits for its hooks would hold the ends of
    // other children's pipes meanwhile: they would not see the end of their input, and after a
    // death of this program each would wait for the other to let go.
    let mut first = libc::STDERR_FILENO + 1;
    for &kept in &plan.kept {
        if kept > first {
            close_range(first, kept - 1, plan.descriptors_end);
        }
        first = first.max(kept.saturating_add(1));
    }
    close_range(first, RawFd::MAX, plan.descriptors_end);
}

/// Closes the descriptors with these numbers. `end` is beyond the last one that can be open, for
/// kernels before 5.9, which have to be asked about each.
fn close_range(first: RawFd, last: RawFd, end: RawFd) {
    // SAFETY: whoever owned these descriptors does not run in this process.
    unsafe {
        if libc::syscall(libc::SYS_close_range, first, last, 0) != 0 {
            for descriptor in first..end.min(last.saturating_add(1)) {
                libc::close(descriptor);
            }
        }
    }
}

fn redirect(plan: &Plan<'_>) -> nix::Result<()> {
    let [stdin, stdout, stderr] = plan.streams;
    nix::unistd::dup2_stdin(stdin)?;
    nix::unistd::dup2_stdout(stdout)?;
    nix::unistd::dup2_stderr(stderr)
}

/// Waits for the parent's word.
fn may_go(go: BorrowedFd<'_>) -> bool {
    let mut word = [0];
    loop {
        match nix::unistd::read(go, &mut word) {
            Err(Errno::EINTR) => {}
            result => return result == Ok(1),
        }
    }
}

fn take(step: &Step<'_>) -> nix::Result<()> {
    match step {
        Step::Chdir(directory) => nix::unistd::chdir(directory.as_c_str()),
        Step::Setsid => nix::unistd::setsid().map(drop),
        // Its other number is its own: `dup2` would leave it to be closed by the exec.
        Step::Dup2(from, to) if from.as_raw_fd() == *to => keep(*from),
        Step::Dup2(from, to) => {
            // SAFETY: whoever owned what had this number does not run in this process.
            let result = unsafe { libc::dup2(from.as_raw_fd(), *to) };
            Errno::result(result).map(drop)
        }
        Step::Supervisor => supervise(),
    }
}

fn keep_whitelist(plan: &Plan<'_>) -> nix::Result<()> {
    plan.whitelist.iter().try_for_each(|descriptor| keep(*descriptor))
}

/// Keeps a descriptor open beyond the exec.
fn keep(descriptor: BorrowedFd<'_>) -> nix::Result<()> {
    let flags = FdFlag::from_bits_retain(fcntl(descriptor, FcntlArg::F_GETFD)?);
    fcntl(descriptor, FcntlArg::F_SETFD(flags - FdFlag::FD_CLOEXEC)).map(drop)
}

/// Makes this process the supervisor of another one, which goes on.
///
/// Mirrors `Subprocess::ChildHook::SUPERVISOR` in `3rdparty/libprocess/src/subprocess.cpp`.
fn supervise() -> nix::Result<()> {
    prctl::set_pdeathsig(Signal::SIGTERM)?;
    nix::unistd::setpgid(Pid::from_raw(0), Pid::from_raw(0))?;
    // SAFETY: the handler does only what is allowed in one.
    let installed = unsafe {
        libc::signal(libc::SIGTERM, kill_group as extern "C" fn(c_int) as libc::sighandler_t)
    };
    if installed == libc::SIG_ERR {
        return Err(Errno::last());
    }
    // SAFETY: this process has one thread; see also `fork`.
    match unsafe { nix::unistd::fork() }? {
        // In case that somebody kills the supervisor. The handler is gone with the exec.
        ForkResult::Child => prctl::set_pdeathsig(Signal::SIGKILL),
        ForkResult::Parent { child } => {
            close_range(0, RawFd::MAX, RawFd::from(i16::MAX));
            exit(exit_code_of(child))
        }
    }
}

/// What happens when the thread ends that has started the supervisor.
extern "C" fn kill_group(_: c_int) {
    // SAFETY: both calls are allowed in a signal handler.
    unsafe {
        libc::kill(0, libc::SIGKILL);
    }
    exit(libc::EXIT_FAILURE)
}

fn exit_code_of(child: Pid) -> c_int {
    let mut status = 0;
    // SAFETY: `status` is there to be written.
    while unsafe { libc::waitpid(child.as_raw(), &mut status, 0) } == -1 {
        if Errno::last() != Errno::EINTR {
            return libc::EXIT_FAILURE;
        }
    }
    match libc::WIFEXITED(status) {
        true => libc::WEXITSTATUS(status),
        false => libc::EXIT_FAILURE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_say_what_was_put_into_them() {
        for stage in [Stage::Streams, Stage::Hook(0), Stage::Hook(7), Stage::Whitelist, Stage::Exec]
        {
            assert_eq!(decode(encode(stage, Errno::ENOENT)), (stage, Errno::ENOENT));
        }
    }
}
