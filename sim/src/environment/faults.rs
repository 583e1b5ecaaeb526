//! Kinds of faults and how many of each a run may see.

/// A kind of fault. Its [`name`](Fault::name) is what `--faults` and reports call it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fault {
    /// The registry delivers an image at a small fraction of its speed.
    PullSlow,
    /// The registry falls silent, before the manifest or within a layer, until healed.
    PullStall,
    /// The pull ends with an error, before its stream or in it.
    PullFail,
    /// The registry is silent for 30 s before the manifest, so that a client that leaves is not
    /// noticed meanwhile.
    ClientUnnoticed,
    /// A request that its client gave up at once never reaches the daemon.
    RequestUnsent,
    /// Inspecting a container or an image is answered with an error.
    InspectFail,
    /// Inspecting a container or an image is not answered until healed.
    InspectHang,
    /// Listing containers is answered with an error.
    ListFail,
    /// The daemon refuses to create or to start a container.
    RunFail,
    /// Stopping is answered with an error and has no effect.
    StopFail,
    /// Stopping is not answered, and has no effect, until healed.
    StopHang,
    /// Killing is answered with an error and has no effect.
    KillFail,
    /// Removing is answered with an error and has no effect.
    RemoveFail,
    /// The program in the container takes no notice of SIGTERM.
    TaskIgnoresTerm,
    /// The fetcher exits with status 1.
    FetchFail,
    /// The fetcher neither gets on nor exits until healed.
    FetchStall,
    /// An executor exits by itself.
    ExecutorExit,
    /// No process can be started.
    ForkFail,
    /// A checkpoint cannot be written.
    CheckpointFail,
    /// A file's owner cannot be changed.
    ChownFail,
    /// A symbolic link cannot be made.
    SymlinkFail,
    /// A mount is refused.
    MountFail,
    /// An unmount is refused: busy.
    UnmountFail,
    /// The registry delivers layers byte by byte, as good as never.
    PullTrickle,
    /// The daemon creates, starts, stops, kills or removes as it was asked to, but the connection
    /// breaks before it says so.
    AnswerLost,
    /// A removal gets stuck half way: the container is dead, and stays.
    RemoveDead,
    /// The program in the container takes more memory than there is, and is killed for it.
    TaskOom,
    /// A message between two programs is lost.
    MessageLost,
    /// A message between two programs arrives twice.
    MessageDoubled,
    /// The connection between two programs breaks.
    ConnectionBroken,
    /// The server of a file does not say how large it is.
    SizeFail,
    /// A file is larger than its server says.
    SizeWrong,
    /// A file cannot be removed.
    UnlinkFail,
}

impl Fault {
    /// All kinds with their names, in the order of declaration.
    pub const ALL: [(Fault, &'static str); 33] = [
        (Fault::PullSlow, "pull-slow"),
        (Fault::PullStall, "pull-stall"),
        (Fault::PullFail, "pull-fail"),
        (Fault::ClientUnnoticed, "client-unnoticed"),
        (Fault::RequestUnsent, "request-unsent"),
        (Fault::InspectFail, "inspect-fail"),
        (Fault::InspectHang, "inspect-hang"),
        (Fault::ListFail, "list-fail"),
        (Fault::RunFail, "run-fail"),
        (Fault::StopFail, "stop-fail"),
        (Fault::StopHang, "stop-hang"),
        (Fault::KillFail, "kill-fail"),
        (Fault::RemoveFail, "remove-fail"),
        (Fault::TaskIgnoresTerm, "task-ignores-term"),
        (Fault::FetchFail, "fetch-fail"),
        (Fault::FetchStall, "fetch-stall"),
        (Fault::ExecutorExit, "executor-exit"),
        (Fault::ForkFail, "fork-fail"),
        (Fault::CheckpointFail, "checkpoint-fail"),
        (Fault::ChownFail, "chown-fail"),
        (Fault::SymlinkFail, "symlink-fail"),
        (Fault::MountFail, "mount-fail"),
        (Fault::UnmountFail, "unmount-fail"),
        (Fault::PullTrickle, "pull-trickle"),
        (Fault::AnswerLost, "answer-lost"),
        (Fault::RemoveDead, "remove-dead"),
        (Fault::TaskOom, "task-oom"),
        (Fault::MessageLost, "message-lost"),
        (Fault::MessageDoubled, "message-doubled"),
        (Fault::ConnectionBroken, "connection-broken"),
        (Fault::SizeFail, "size-fail"),
        (Fault::SizeWrong, "size-wrong"),
        (Fault::UnlinkFail, "unlink-fail"),
    ];

    /// Its name for people.
    pub fn name(self) -> &'static str {
        Fault::ALL[self as usize].1
    }

    /// The kind of this name.
    pub fn from_name(name: &str) -> Option<Fault> {
        Fault::ALL.iter().find(|(_, known)| *known == name).map(|(fault, _)| *fault)
    }
}

/// Budgets: how often each kind of fault may strike in one run, and how many faults in all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Faults {
    budgets: [u32; Fault::ALL.len()],
    total: u32,
}

impl Default for Faults {
    fn default() -> Self {
        Faults::none()
    }
}

impl Faults {
    /// No faults at all: such a run is never asked about any.
    pub fn none() -> Self {
        Faults { budgets: [0; Fault::ALL.len()], total: 0 }
    }

    /// Allows `budget` faults of this kind. The total grows along; see
    /// [`at_most`](Faults::at_most).
    #[must_use]
    pub fn with(mut self, fault: Fault, budget: u32) -> Self {
        let old = std::mem::replace(&mut self.budgets[fault as usize], budget);
        self.total = (self.total - old.min(self.total)).saturating_add(budget);
        self
    }

    /// Allows at most `total` faults, of whatever kinds.
    #[must_use]
    pub fn at_most(mut self, total: u32) -> Self {
        self.total = self.total.min(total);
        self
    }

    /// How many faults of this kind may still strike.
    pub fn left(&self, fault: Fault) -> u32 {
        self.budgets[fault as usize].min(self.total)
    }

    /// The budget of this kind alone.
    pub fn budget(&self, fault: Fault) -> u32 {
        self.budgets[fault as usize]
    }

    /// How many faults may still strike in all.
    pub fn total(&self) -> u32 {
        self.total
    }

    /// Takes one fault of this kind off the budgets.
    pub(super) fn spend(&mut self, fault: Fault) {
        let budget = &mut self.budgets[fault as usize];
        *budget = budget.saturating_sub(1);
        self.total = self.total.saturating_sub(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_is_found_by_its_name() {
        for (index, (fault, name)) in Fault::ALL.into_iter().enumerate() {
            assert_eq!(fault as usize, index);
            assert_eq!(Fault::from_name(name), Some(fault));
        }
        assert_eq!(Fault::from_name("pull-sideways"), None);
    }

    #[test]
    fn the_total_bounds_every_kind() {
        let mut faults =
            Faults::none().with(Fault::PullStall, 2).with(Fault::StopHang, 3).at_most(1);
        assert_eq!(faults.left(Fault::PullStall), 1);
        faults.spend(Fault::PullStall);
        assert_eq!(faults.left(Fault::StopHang), 0);
    }
}
