//! How long, how big, how often: every number by which the way to a real Engine is bounded.
//!
//! All times run on [`process::clock`], so a test moves them by hand.

use std::time::Duration;

/// The limits of a [`Bollard`](crate::Bollard), of a [`Guarded`](crate::Guarded) and of a
/// [`ConfigFiles`](crate::ConfigFiles). The defaults suit an Engine on the same machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How long a short request may take, connecting included: one that the daemon answers when
    /// it has done it. Also how long a long one (wait, attach) may take to be accepted. Enough for
    /// a daemon that is busy removing gigabytes, short enough to be noticed.
    pub answer: Duration,
    /// How much longer than its grace period a stop may take: the daemon itself waits twelve
    /// seconds for the end after the kill.
    pub stop_margin: Duration,
    /// No answer to a short request may be longer, in bytes.
    pub answer_bytes_max: usize,
    /// So much of it may come on top that is not the answer itself, in bytes: headers above all.
    pub head_bytes_max: usize,
    /// No line of a stream may be longer, in bytes.
    pub line_bytes_max: usize,
    /// How long a pull is followed whose client has left before the daemon had anything to say:
    /// the daemon notices when the registry answers.
    pub let_go_unanswered: Duration,
    /// The same for a pull whose progress was being told: the daemon notices at once, or at its
    /// next write.
    pub let_go_answered: Duration,
    /// How long a program that holds credentials may take.
    pub credential_helper: Duration,
    /// No answer of such a program, and no file of credentials, may be longer, in bytes.
    pub credentials_bytes_max: usize,
    /// How often a container is looked at when the outcome of a request is unknown.
    pub look_interval: Duration,
    /// For how long. Longer than the shortest restart of a daemon.
    pub look: Duration,
    /// How long a removal that somebody else has begun may take.
    pub removal: Duration,
    /// The limits of a pull.
    pub pull: PullLimits,
}

/// After how long without any progress a pull has stalled. What counts depends on the phase.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PullLimits {
    /// While no layer is at work: the registry has not answered, other pulls go first, or the
    /// image is being registered.
    pub waiting: Duration,
    /// Without a byte of a layer that is being downloaded.
    pub downloading: Duration,
    /// For the digest of one layer.
    pub verifying: Duration,
    /// Without a byte of a layer that is being extracted. Slow disks keep silent for long.
    pub extracting: Duration,
    /// For the whole pull, whatever its progress.
    pub total: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            answer: Duration::from_secs(60),
            stop_margin: Duration::from_secs(60),
            answer_bytes_max: 16 << 20,
            head_bytes_max: 256 << 10,
            line_bytes_max: 1 << 20,
            let_go_unanswered: Duration::from_secs(300),
            let_go_answered: Duration::from_secs(2),
            credential_helper: Duration::from_secs(30),
            credentials_bytes_max: 1 << 20,
            look_interval: Duration::from_millis(500),
            look: Duration::from_secs(30),
            removal: Duration::from_secs(60),
            pull: PullLimits::default(),
        }
    }
}

impl Default for PullLimits {
    fn default() -> Self {
        PullLimits {
            waiting: Duration::from_secs(300),
            downloading: Duration::from_secs(120),
            verifying: Duration::from_secs(600),
            extracting: Duration::from_secs(900),
            total: Duration::from_secs(24 * 3600),
        }
    }
}
