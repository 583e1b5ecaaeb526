//! Task states and their reasons: printing, and which are final; mirrors `src/common/protobuf_utils.cpp`.

use std::fmt;

use crate::{TaskState, task_status};

impl TaskState {
    /// Whether no other state follows. TASK_UNREACHABLE and TASK_UNKNOWN are not final: the agent
    /// may come back.
    #[doc(alias = "isTerminalState")]
    pub fn is_terminal(self) -> bool {
        match self {
            Self::TaskFinished
            | Self::TaskFailed
            | Self::TaskKilled
            | Self::TaskLost
            | Self::TaskError
            | Self::TaskDropped
            | Self::TaskGone
            | Self::TaskGoneByOperator => true,
            Self::TaskKilling
            | Self::TaskStaging
            | Self::TaskStarting
            | Self::TaskRunning
            | Self::TaskUnreachable
            | Self::TaskUnknown => false,
        }
    }
}

macro_rules! display_proto_name {
    ($($name:ty)*) => {$(
        /// The name that the protocol gives it.
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str_name())
            }
        }
    )*};
}

display_proto_name!(TaskState task_status::Reason task_status::Source);

#[cfg(test)]
mod tests {
    use crate::{
        TaskState,
        task_status::{Reason, Source},
    };

    #[test]
    fn names_are_the_protocols() {
        assert_eq!(TaskState::TaskRunning.to_string(), "TASK_RUNNING");
        assert_eq!(Reason::ContainerLaunchFailed.to_string(), "REASON_CONTAINER_LAUNCH_FAILED");
        assert_eq!(Source::Slave.to_string(), "SOURCE_SLAVE");
    }

    #[test]
    fn eight_states_are_terminal() {
        let terminal =
            (0..=13).filter_map(|n| TaskState::try_from(n).ok()).filter(|s| s.is_terminal());
        assert_eq!(terminal.count(), 8);
        assert!(!TaskState::TaskUnreachable.is_terminal());
    }
}
