//! Creates: the name is unique, so it tells what became of them.

use super::adopt::{Claim, claim};
use super::doubt::{Doubt, Judgement, resolve};
use super::{Guarded, Op};
use crate::status::{Call, Meaning, meaning};
use crate::{Answer, ApiError, Container, CreateBody, ErrorKind};
use std::sync::Arc;

/// How often a create may be sent, in all.
const ATTEMPTS: u32 = 5;

#[derive(Clone)]
struct Create {
    guard: Guarded,
    name: String,
    body: Arc<CreateBody>,
    attempts_left: u32,
}

pub(super) fn create(guard: &Guarded, name: &str, body: &CreateBody) -> Answer<String> {
    let operation = Op::new();
    let (guard, name, body) = (guard.clone(), name.to_owned(), Arc::new(body.clone()));
    send(&operation, Create { guard, name, body, attempts_left: ATTEMPTS });
    operation.future()
}

fn send(operation: &Arc<Op<String>>, mut create: Create) {
    create.attempts_left = create.attempts_left.saturating_sub(1);
    let sent = create.clone();
    operation.request(
        || sent.guard.api.create_container(&sent.name, &sent.body),
        move |operation, answer| match answer {
            Ok(id) => operation.set(Ok(id)),
            Err(error) => refused(operation, create, error),
        },
    );
}

fn refused(operation: &Arc<Op<String>>, create: Create, error: ApiError) {
    let limits = Arc::clone(&create.guard.limits);
    let (is_over, limit) = match meaning(Call::Create, &error) {
        // Until whoever has the name is gone, should it be going.
        Meaning::NameTaken => (false, limits.removal),
        Meaning::Doubtful => (true, limits.look),
        Meaning::Unknown => (false, limits.look),
        _ => return operation.set(Err(error)),
    };
    let taken = error.code() == Some(409);
    let lost = error.kind == ErrorKind::Broken;
    // A name that is taken by nobody is that of a container which is being made, perhaps by a
    // request of ours that got lost, or one that is free by now.
    let mut looks = 2 * (ATTEMPTS - create.attempts_left);
    let judge = {
        let (create, error) = (create.clone(), error.clone());
        Box::new(move |container: Option<&Container>| {
            if let Some(container) = container {
                // Once it is gone the name is free.
                looks = 1;
                return occupied(&create, container, &error);
            }
            looks = looks.saturating_sub(1);
            match (lost || taken && looks == 0, create.attempts_left) {
                (true, 1..) => then_send(create.clone()),
                (true, 0) if taken => Judgement::Settled(Err(error.clone())),
                _ => Judgement::NotYet,
            }
        })
    };
    let Create { guard, name, .. } = create;
    resolve(operation, Doubt { guard, call: "create", name, error, is_over, limit, judge });
}

/// There is a container of that name.
fn occupied(create: &Create, container: &Container, error: &ApiError) -> Judgement<String> {
    match claim(container, &create.body) {
        Claim::Adopt => Judgement::Settled(Ok(container.id.clone())),
        Claim::Wait => Judgement::NotYet,
        Claim::Replace if create.attempts_left > 0 => {
            let (create, id) = (create.clone(), container.id.clone());
            Judgement::Then(Box::new(move |operation| replace(operation, create, &id)))
        }
        Claim::Replace | Claim::Leave => Judgement::Settled(Err(error.clone())),
    }
}

fn then_send(create: Create) -> Judgement<String> {
    Judgement::Then(Box::new(move |operation| send(operation, create)))
}

/// Removes the container of this id, and no other that may have got its name meanwhile.
fn replace(operation: &Arc<Op<String>>, create: Create, id: &str) {
    let guard = create.guard.clone();
    operation.request(
        || crate::Api::remove_container(&guard, id, true, true),
        move |operation, removed| match removed {
            Ok(_) => send(operation, create),
            Err(error) => operation.set(Err(error)),
        },
    );
}
