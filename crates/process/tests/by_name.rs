//! Messages by name within one program: the way to a process is kept beside its name, and what
//! must not come of that.

mod support;

use process::actix::Actor;
use process::{Context, Message, Queue, Upid, post, process, spawn, terminate, wait};
use std::sync::mpsc;
use support::{World, in_both_worlds};

/// Tells what reaches it, and through which of its handlers.
struct Recorder {
    tag: &'static str,
    heard: Queue<String>,
}

impl Actor for Recorder {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        context.install_raw("note", |_: &mut Self, _, _, _| unreachable!("it was replaced"));
        for name in ["note", "other"] {
            context.install_raw(name, move |this: &mut Self, _, from, body| {
                let body = String::from_utf8_lossy(body);
                this.heard.put(format!("{}: {name} {body} from {}", this.tag, from.id()));
            });
        }
    }
}

process!(Recorder);

/// Sends a message on behalf of nobody in the program of `to`.
fn note(to: &Upid, name: &'static str, body: &'static str) {
    post(&Upid::new("nobody", to.address()), to, name, body);
}

#[test]
fn a_name_leads_to_whoever_has_it_now() {
    in_both_worlds(|world| {
        let heard = Queue::new();
        let start = |tag| spawn("recorder", Recorder { tag, heard: heard.clone() });
        let first = start("first");
        let name = first.upid().clone();
        note(&name, "note", "1");
        assert_eq!(world.ready(&heard.get()), "first: note 1 from nobody");

        terminate(&first, true);
        world.ready(&wait(&first));
        note(&name, "note", "2");

        let second = start("second");
        note(&name, "other", "3");
        assert_eq!(world.ready(&heard.get()), "second: other 3 from nobody");
        // A name that was made up has never been used before.
        let made_up = Upid::new(name.id(), name.address());
        assert_eq!(made_up, name);
        note(&made_up, "note", "4");
        assert_eq!(world.ready(&heard.get()), "second: note 4 from nobody");
        terminate(&second, true);
        world.ready(&wait(&second));
    });
}

#[test]
fn names_compare_by_what_they_say() {
    let heard = Queue::new();
    let world = World::live();
    let pid = spawn("compared", Recorder { tag: "", heard: heard.clone() });
    note(pid.upid(), "note", "");
    world.ready(&heard.get());
    let used = pid.upid().clone();
    let new = Upid::new("compared", used.address());
    let hash = |upid: &Upid| {
        use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
        BuildHasherDefault::<DefaultHasher>::default().hash_one(upid)
    };
    assert!(new == used && new.cmp(&used).is_eq() && hash(&new) == hash(&used));
    for other in [Upid::new("compared", "127.0.0.1:1"), Upid::new("d", used.address())] {
        assert!(other != used && other > used && hash(&other) != hash(&used));
    }
    terminate(&pid, true);
    world.ready(&wait(&pid));
}

#[test]
fn what_was_sent_to_a_terminated_process_is_dropped() {
    let world = World::live();
    let heard = Queue::new();
    let pid = spawn("doomed", Recorder { tag: "", heard: heard.clone() });
    let (release, released) = mpsc::channel::<()>();
    pid.run("block", move |_, _| {
        // Fails when the sender is dropped.
        let _ = released.recv();
    });
    note(pid.upid(), "note", "");
    terminate(&pid, true);
    drop(release);
    world.ready(&wait(&pid));
    assert!(heard.get().is_pending());
}

#[test]
fn a_message_in_hand_is_handled_as_one_from_the_mailbox() {
    in_both_worlds(|world| {
        let heard = Queue::new();
        let pid = spawn("recorder", Recorder { tag: "this", heard: heard.clone() });
        let queue = heard.clone();
        let handled = pid.call("consume", move |this, context| {
            let own = context.upid().clone();
            context.consume_message(this, &Message::new(own.clone(), own, "other", "5"));
            // At once, and not after what is in the mailbox.
            let heard = queue.get();
            assert!(heard.is_ready());
            heard
        });
        assert_eq!(world.ready(&handled), "this: other 5 from recorder");
        terminate(&pid, true);
        world.ready(&wait(&pid));
    });
}
