//! Known findings: where the faithful port violates an oracle because upstream does.
//!
//! Each has a page under `docs/findings/`. A violation that matches one is counted apart and does
//! not fail a campaign; everything else is our own bug.

use crate::oracle::{TWICE, Violation};

/// A defect of upstream that the port keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Its number, as in the name of its page.
    pub id: &'static str,
    /// The oracle it violates.
    pub oracle: &'static str,
    /// How the cause of such a violation begins.
    pub cause: &'static str,
    /// What happens, in a line.
    pub title: &'static str,
}

/// All known findings.
pub const FINDINGS: [Finding; 6] = [
    Finding {
        id: "F01",
        oracle: "I-DOCKER",
        cause: "a docker container runs after its termination, its stop came before its start",
        title: "a stop overtakes the start that is on its way: the container runs unattended",
    },
    Finding {
        id: "F02",
        oracle: "I-DOCKER",
        cause: "a docker container runs after its termination, its stop had failed",
        title: "a failed docker stop has no consequence: the container runs unattended",
    },
    Finding {
        id: "F03",
        oracle: "I-DOCKER",
        cause: "a docker container stays for ever, its removal was refused",
        title: "a failed removal is not repeated: the container stays",
    },
    Finding {
        id: "F04",
        oracle: "I-TERM",
        cause: "terminated too late, its executor was forked after the destroy",
        title: "a destroy before the fork signals nobody and waits for the executor's own end",
    },
    Finding {
        id: "F05",
        oracle: "I-CACHE",
        cause: TWICE,
        title: "a cached URI that is named twice is not waited for: the cache loses count",
    },
    Finding {
        id: "F06",
        oracle: "I-DOCKER",
        cause: "a docker container runs after its termination, its executor had ended first",
        title: "an executor that gives up ends without its container, which runs unattended",
    },
];

/// The finding that a violation is an instance of.
pub fn known(violation: &Violation) -> Option<&'static Finding> {
    FINDINGS.iter().find(|finding| {
        finding.oracle == violation.oracle && violation.cause.starts_with(finding.cause)
    })
}
