//! Delivery: out of an outbox, into a process's hands.
//!
//! As a rule the receiver is idle, and handles what it gets at once: that is the shortest path an
//! event can take, and all others leave it early.

use super::state::{Control, Direct, Mailed, Outer, Received};
use super::{AnyCell, ContextId, Simulation};
use crate::future::Nothing;
use crate::label::Label;
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

impl Simulation {
    /// Delivers the head of the `index`th flushable outbox and lets everybody handle what they
    /// now can. `false` when there is no such outbox.
    pub fn flush(&self, index: usize) -> bool {
        let mut state = self.state.borrow_mut();
        let Some(Direct { from, to, mail, method, cell }) = state.begin_direct(index) else {
            drop(state);
            return self.flush_to_mailbox(index);
        };
        drop(state);
        if self.perform(from, to, cell, mail, method) {
            self.go_on(from, to);
        }
        true
    }

    /// Delivers what cannot be handled at once.
    #[cold]
    fn flush_to_mailbox(&self, index: usize) -> bool {
        let delivered = self.state.borrow_mut().flush(index);
        let Some((from, to, undeliverable)) = delivered else { return false };
        match undeliverable {
            None => self.pump(&[from, to]),
            // Dropped outside the borrow: it may hold the promise of a dispatched call.
            Some((mail, cause)) => {
                self.run_in(from, mail.label(), cause, move || drop(mail));
                self.pump(&[from]);
            }
        }
        true
    }

    /// After an event of `to`, which `from` had sent: both may have more to do.
    #[cold]
    fn go_on(&self, from: ContextId, to: ContextId) {
        self.work(to);
        self.pump(&[from]);
    }

    /// Lets processes handle mail until each that has some also has something in its outbox: new
    /// ones before all others, the last of `first` before the one before it.
    pub(super) fn pump(&self, first: &[ContextId]) {
        let mut first = first.iter().rev().copied();
        loop {
            let spawned = {
                let mut state = self.state.borrow_mut();
                if state.busy {
                    return;
                }
                state.spawned.pop()
            };
            let next = spawned.or_else(|| first.next());
            let Some(context) = next else { return };
            self.work(context);
        }
    }

    /// Lets a process handle mail as long as it may.
    fn work(&self, context: ContextId) {
        loop {
            let mut state = self.state.borrow_mut();
            let Some((cell, Received { mail, cause })) = state.take_work(context) else { return };
            let method = state.begin_mail(context, &mail, cause);
            drop(state);
            self.perform(context, context, cell, mail, method);
        }
    }

    /// Has a process handle an event, and ends it; there is none around it. Says whether the
    /// process, or the sender, or a process that was started by this, has something to do now.
    #[inline(always)]
    fn perform(
        &self,
        from: ContextId,
        context: ContextId,
        mut cell: Box<dyn AnyCell>,
        mail: Mailed,
        method: &'static str,
    ) -> bool {
        let event = match mail {
            Mailed::Event(event) => event,
            Mailed::Control(control) => {
                self.control(context, cell, control);
                return true;
            }
        };
        let label = |cell: &dyn AnyCell| Label { process: cell.process(), method };
        let handled = catch_unwind(AssertUnwindSafe(|| event.deliver(&mut *cell)));
        if let Err(panic) = handled {
            self.crashed(context, label(&*cell), &*panic);
        }
        if cell.is_stopping() {
            let label = label(&*cell);
            self.stop(context, cell, label);
            return true;
        }
        let mut state = self.state.borrow_mut();
        if let Some(killed) = state.put_back(context, cell) {
            drop(state);
            let label = label(&*killed);
            self.guarded(context, label, || drop(killed));
            self.state.borrow_mut().end(Outer::NONE);
            return true;
        }
        state.end(Outer::NONE);
        state.has_work(context) || state.has_work(from) || !state.spawned.is_empty()
    }

    /// The start and the end of a process.
    #[cold]
    fn control(&self, context: ContextId, mut cell: Box<dyn AnyCell>, control: Control) {
        let label = control.label();
        let starts = control == Control::Initialize;
        if starts {
            self.guarded(context, label, || cell.started());
        }
        if !starts || cell.is_stopping() {
            return self.stop(context, cell, label);
        }
        let killed = self.state.borrow_mut().put_back(context, cell);
        self.guarded(context, label, || drop(killed));
        self.state.borrow_mut().end(Outer::NONE);
    }

    /// Ends a process in the event that it has just handled.
    #[cold]
    fn stop(&self, context: ContextId, mut cell: Box<dyn AnyCell>, label: Label) {
        self.guarded(context, label, || cell.stopped());
        let remains = self.state.borrow_mut().take_process(context, false);
        self.guarded(context, label, || {
            drop(remains);
            drop(cell);
        });
        self.finish(context);
        self.state.borrow_mut().end(Outer::NONE);
    }

    /// Tells those who wait that the process has ended.
    pub(super) fn finish(&self, context: ContextId) {
        let waiters = self.state.borrow_mut().take_waiters(context);
        if let Some(waiters) = waiters {
            waiters.set(Nothing);
        }
    }

    /// Runs what may panic.
    pub(super) fn guarded(&self, context: ContextId, label: Label, f: impl FnOnce()) {
        if let Err(panic) = catch_unwind(AssertUnwindSafe(f)) {
            self.crashed(context, label, &*panic);
        }
    }

    #[cold]
    fn crashed(&self, context: ContextId, label: Label, panic: &(dyn Any + Send)) {
        self.state.borrow_mut().crashed(context, label, panic);
    }
}
