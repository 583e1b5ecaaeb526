//! `process!`, `dispatch!` and `defer!`.

/// Makes an actix actor with [`Context`](crate::Context) a process: gives it the one handler
/// through which dispatched methods and deferred callbacks reach it.
#[macro_export]
macro_rules! process {
    ($actor:ty) => {
        impl $crate::actix::Handler<$crate::Event<$actor>> for $actor {
            type Result = ();

            fn handle(
                &mut self,
                event: $crate::Event<$actor>,
                context: &mut $crate::Context<$actor>,
            ) {
                event.deliver(self, context);
            }
        }
    };
}

/// Runs a method of a process in its context and returns the future of the result:
/// `dispatch!(pid, Slave::shutdown, |this, ctx| this.shutdown(ctx))`.
///
/// The path names the event in traces; that it exists is checked by the compiler.
#[macro_export]
macro_rules! dispatch {
    ($pid:expr, $method:path, |$this:pat_param, $context:pat_param| $body:expr) => {{
        let _ = $method;
        $pid.call(stringify!($method), move |$this, $context| $body)
    }};
}

/// A callback for `then` that runs as a method of a process:
/// `.then(defer!(pid, Self::pull, |this, ctx, _| this.pull(ctx, &id)))`.
///
/// The path names the event in traces; that it exists is checked by the compiler.
#[macro_export]
macro_rules! defer {
    ($pid:expr, $method:path, |$this:pat_param, $context:pat_param, $value:pat_param| $body:expr) => {{
        let _ = $method;
        $pid.defer(stringify!($method), move |$this, $context, $value| $body)
    }};
}

/// A callback for `on_any` that runs as a method of a process and gets the completed future.
#[macro_export]
macro_rules! defer_any {
    ($pid:expr, $method:path, |$this:pat_param, $context:pat_param, $future:pat_param| $body:expr) => {{
        let _ = $method;
        $pid.defer_any(stringify!($method), move |$this, $context, $future| $body)
    }};
}
