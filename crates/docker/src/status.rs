//! What the daemon's HTTP statuses mean, request by request: the one table.
//!
//! [`Engine`](crate::Engine) reads in it what the command line makes of a status,
//! [`Guarded`](crate::Guarded) what may be made of it by somebody who wants the effect and not the
//! answer.

use crate::{ApiError, ErrorKind};

/// A request that changes something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Call {
    Create,
    Start,
    Stop,
    Kill,
    Remove,
    /// With `force`.
    RemoveForced,
}

/// What an error says about the container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// What was asked for is so already.
    Already,
    /// There is no such container; for a create, no such image.
    Gone,
    /// It does not run.
    NotRunning,
    /// It is dead, or being removed, and cannot be started.
    Dying,
    /// It runs, and that is in the way.
    Running,
    /// Somebody else is removing it.
    BeingRemoved,
    /// Another container has the name.
    NameTaken,
    /// The daemon tried and reports a failure; there may be an effect all the same.
    Doubtful,
    /// There is no telling whether the request arrived, or has ended.
    Unknown,
    /// No, for a reason that is the caller's affair.
    Refused,
}

struct Row {
    call: Call,
    code: u16,
    /// The daemon's message contains this.
    says: &'static str,
    meaning: Meaning,
    /// The command line exits with 0.
    command_line_succeeds: bool,
    /// Whoever wants the effect has it.
    has_effect: bool,
}

const fn row(call: Call, code: u16, says: &'static str, meaning: Meaning) -> Row {
    Row { call, code, says, meaning, command_line_succeeds: false, has_effect: false }
}

impl Row {
    const fn succeeding(mut self) -> Row {
        self.command_line_succeeds = true;
        self.has_effect = true;
        self
    }

    const fn effective(mut self) -> Row {
        self.has_effect = true;
        self
    }
}

/// The first row that fits decides. What has no row is [`Meaning::Refused`] below 500.
const TABLE: &[Row] = &[
    row(Call::Create, 404, "", Meaning::Gone),
    row(Call::Create, 409, "", Meaning::NameTaken),
    row(Call::Start, 304, "", Meaning::Already).succeeding(),
    row(Call::Start, 404, "", Meaning::Gone),
    row(Call::Start, 409, "", Meaning::Dying),
    row(Call::Stop, 304, "", Meaning::Already).succeeding(),
    row(Call::Stop, 404, "", Meaning::Gone).effective(),
    row(Call::Kill, 404, "", Meaning::Gone),
    row(Call::Kill, 409, "", Meaning::NotRunning).effective(),
    row(Call::Remove, 404, "", Meaning::Gone).effective(),
    row(Call::Remove, 409, "already in progress", Meaning::BeingRemoved),
    row(Call::Remove, 409, "", Meaning::Running),
    row(Call::RemoveForced, 404, "", Meaning::Gone).succeeding(),
    row(Call::RemoveForced, 409, "already in progress", Meaning::BeingRemoved),
];

fn find(call: Call, error: &ApiError) -> Option<&'static Row> {
    let code = error.code()?;
    let fits =
        |row: &&Row| row.call == call && row.code == code && error.message.contains(row.says);
    TABLE.iter().find(fits)
}

/// What the error says about the container.
pub(crate) fn meaning(call: Call, error: &ApiError) -> Meaning {
    match find(call, error) {
        Some(row) => row.meaning,
        None => match error.kind {
            // A gateway, which knows no more than we do.
            ErrorKind::Status(502..=504) => Meaning::Unknown,
            ErrorKind::Status(500..) => Meaning::Doubtful,
            _ if error.leaves_outcome_unknown() => Meaning::Unknown,
            _ => Meaning::Refused,
        },
    }
}

/// The answer as the command line sees it: some errors are a success there.
pub(crate) fn as_command_line<T>(
    call: Call,
    answer: Result<T, ApiError>,
    nothing: T,
) -> Result<T, ApiError> {
    match answer {
        Err(error) if find(call, &error).is_some_and(|row| row.command_line_succeeds) => {
            Ok(nothing)
        }
        answer => answer,
    }
}

/// Whether somebody who wanted the effect has it, whatever the daemon says.
pub(crate) fn has_effect(call: Call, error: &ApiError) -> bool {
    find(call, error).is_some_and(|row| row.has_effect)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Call, status, message, meaning, the command line succeeds, the effect is there.
    type Expected = (Call, u16, &'static str, Meaning, bool, bool);

    #[test]
    fn every_row() {
        let in_use = "Conflict. The container name \"/c\" is already in use by container \"x\"";
        let dying = "container is marked for removal and cannot be started";
        let running = "You cannot remove a running container x. Stop the container before";
        let removing = "removal of container c is already in progress";
        let rows: &[Expected] = &[
            (Call::Create, 404, "No such image: bb:1", Meaning::Gone, false, false),
            (Call::Create, 409, in_use, Meaning::NameTaken, false, false),
            (Call::Start, 304, "", Meaning::Already, true, true),
            (Call::Start, 404, "No such container: c", Meaning::Gone, false, false),
            (Call::Start, 409, dying, Meaning::Dying, false, false),
            (Call::Stop, 304, "", Meaning::Already, true, true),
            (Call::Stop, 404, "No such container: c", Meaning::Gone, false, true),
            (Call::Kill, 404, "No such container: c", Meaning::Gone, false, false),
            (Call::Kill, 409, "Container c is not running", Meaning::NotRunning, false, true),
            (Call::Remove, 404, "No such container: c", Meaning::Gone, false, true),
            (Call::Remove, 409, removing, Meaning::BeingRemoved, false, false),
            (Call::Remove, 409, running, Meaning::Running, false, false),
            (Call::RemoveForced, 404, "No such container: c", Meaning::Gone, true, true),
            (Call::RemoveForced, 409, removing, Meaning::BeingRemoved, false, false),
        ];
        assert_eq!(rows.len(), TABLE.len());
        for &(call, code, says, expected, succeeds, effect) in rows {
            let error = ApiError::status(code, says);
            assert_eq!(meaning(call, &error), expected, "{call:?} {code}");
            let seen = as_command_line(call, Err(error.clone()), ());
            assert_eq!(seen, if succeeds { Ok(()) } else { Err(error.clone()) }, "{call:?} {code}");
            assert_eq!(has_effect(call, &error), effect, "{call:?} {code}");
        }
    }

    #[test]
    fn what_has_no_row() {
        let calls =
            [Call::Create, Call::Start, Call::Stop, Call::Kill, Call::Remove, Call::RemoveForced];
        for call in calls {
            for (kind, expected) in [
                (ErrorKind::Status(400), Meaning::Refused),
                (ErrorKind::Status(500), Meaning::Doubtful),
                (ErrorKind::Status(501), Meaning::Doubtful),
                (ErrorKind::Status(502), Meaning::Unknown),
                (ErrorKind::Status(503), Meaning::Unknown),
                (ErrorKind::Status(504), Meaning::Unknown),
                (ErrorKind::Timeout, Meaning::Unknown),
                (ErrorKind::Broken, Meaning::Unknown),
                (ErrorKind::Malformed, Meaning::Unknown),
                (ErrorKind::Unreachable, Meaning::Refused),
                (ErrorKind::Stream, Meaning::Refused),
            ] {
                let error = ApiError { kind, message: "x".to_owned() };
                assert_eq!(meaning(call, &error), expected, "{call:?} {kind:?}");
                assert_eq!(as_command_line(call, Err(error.clone()), ()), Err(error.clone()));
                assert!(!has_effect(call, &error));
            }
        }
    }
}
