//! What wait(2) says about a child; mirrors `src/common/status_utils.hpp` and the macros of
//! `<sys/wait.h>`, which are pure arithmetic on Linux.

/// Whether the process ended by itself.
#[doc(alias = "WIFEXITED")]
pub const fn wifexited(status: i32) -> bool {
    status & 0x7f == 0
}

/// Its exit code, if it ended by itself.
#[doc(alias = "WEXITSTATUS")]
pub const fn wexitstatus(status: i32) -> i32 {
    (status >> 8) & 0xff
}

/// Whether a signal ended the process.
#[doc(alias = "WIFSIGNALED")]
pub const fn wifsignaled(status: i32) -> bool {
    let signal = status & 0x7f;
    signal != 0 && signal != 0x7f
}

/// The signal that ended it.
#[doc(alias = "WTERMSIG")]
pub const fn wtermsig(status: i32) -> i32 {
    status & 0x7f
}

/// Whether it left a core file.
#[doc(alias = "WCOREDUMP")]
pub const fn wcoredump(status: i32) -> bool {
    status & 0x80 != 0
}

/// Whether it is stopped, and not ended at all.
#[doc(alias = "WIFSTOPPED")]
pub const fn wifstopped(status: i32) -> bool {
    status & 0xff == 0x7f
}

/// The signal that stopped it.
#[doc(alias = "WSTOPSIG")]
pub const fn wstopsig(status: i32) -> i32 {
    wexitstatus(status)
}

/// Whether it ended by itself with exit code 0.
#[doc(alias = "WSUCCEEDED")]
pub const fn wsucceeded(status: i32) -> bool {
    wifexited(status) && wexitstatus(status) == 0
}

/// The status of a process that ended with this exit code and signal.
#[doc(alias = "W_EXITCODE")]
pub const fn w_exitcode(code: i32, signal: i32) -> i32 {
    (code << 8) | signal
}

/// The status in words, as they appear in status messages: `exited with status 1`.
#[doc(alias = "WSTRINGIFY")]
pub fn wstringify(status: i32) -> String {
    if wifexited(status) {
        format!("exited with status {}", wexitstatus(status))
    } else if wifsignaled(status) {
        let core = if wcoredump(status) { " (core dumped)" } else { "" };
        format!("terminated with signal {}{core}", strsignal(wtermsig(status)))
    } else if wifstopped(status) {
        format!("stopped on signal {}", strsignal(wstopsig(status)))
    } else {
        format!("wait status {status}")
    }
}

/// A signal in words, as glibc on Linux (x86, arm) has them.
pub fn strsignal(signal: i32) -> String {
    // glibc keeps 32 and 33 for itself.
    const REAL_TIME: std::ops::RangeInclusive<i32> = 34..=64;

    if let Some(name) = usize::try_from(signal).ok().and_then(|n| SIGNALS.get(n.wrapping_sub(1))) {
        (*name).to_string()
    } else if REAL_TIME.contains(&signal) {
        format!("Real-time signal {}", signal - REAL_TIME.start())
    } else {
        format!("Unknown signal {signal}")
    }
}

/// From signal 1 on.
const SIGNALS: [&str; 31] = [
    "Hangup",
    "Interrupt",
    "Quit",
    "Illegal instruction",
    "Trace/breakpoint trap",
    "Aborted",
    "Bus error",
    "Floating point exception",
    "Killed",
    "User defined signal 1",
    "Segmentation fault",
    "User defined signal 2",
    "Broken pipe",
    "Alarm clock",
    "Terminated",
    "Stack fault",
    "Child exited",
    "Continued",
    "Stopped (signal)",
    "Stopped",
    "Stopped (tty input)",
    "Stopped (tty output)",
    "Urgent I/O condition",
    "CPU time limit exceeded",
    "File size limit exceeded",
    "Virtual timer expired",
    "Profiling timer expired",
    "Window changed",
    "I/O possible",
    "Power failure",
    "Bad system call",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn in_words() {
        for (status, expected) in [
            (0, "exited with status 0"),
            (1 << 8, "exited with status 1"),
            (137 << 8, "exited with status 137"),
            (9, "terminated with signal Killed"),
            (15, "terminated with signal Terminated"),
            (11 | 0x80, "terminated with signal Segmentation fault (core dumped)"),
            (34, "terminated with signal Real-time signal 0"),
            (32, "terminated with signal Unknown signal 32"),
            ((19 << 8) | 0x7f, "stopped on signal Stopped (signal)"),
            (0xffff, "wait status 65535"),
            (-1, "wait status -1"),
        ] {
            assert_eq!(wstringify(status), expected, "{status:#x}");
        }
    }

    #[test]
    fn success_is_exit_code_zero_only() {
        assert!(wsucceeded(w_exitcode(0, 0)));
        assert!(!wsucceeded(w_exitcode(1, 0)));
        assert!(!wsucceeded(w_exitcode(0, 9)));
        assert_eq!(wexitstatus(w_exitcode(3, 0)), 3);
        assert_eq!(wtermsig(w_exitcode(0, 9)), 9);
    }
}
