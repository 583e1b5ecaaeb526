//! A Docker that does as a test says, one expectation at a time. Mirrors `MockDocker` of
//! `src/tests/mock_docker.hpp`.

use crate::{Container, Docker, Image, Output, RunOptions, Version};
use parking_lot::Mutex;
use process::{Future, Nothing};
use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// A call that a [`Mock`] received.
#[derive(Clone, Debug, PartialEq)]
pub enum Call {
    /// [`Docker::run`].
    Run {
        /// Its options.
        options: Box<RunOptions>,
        /// Where standard output goes.
        stdout: Output,
        /// Where standard error goes.
        stderr: Output,
    },
    /// [`Docker::stop`].
    Stop {
        /// The container's name.
        container: String,
        /// The grace period.
        timeout: Duration,
        /// Whether to remove it, too.
        remove: bool,
    },
    /// [`Docker::kill`].
    Kill {
        /// The container's name.
        container: String,
        /// The signal's number.
        signal: i32,
    },
    /// [`Docker::rm`].
    Rm {
        /// The container's name.
        container: String,
        /// Also when it runs.
        force: bool,
    },
    /// [`Docker::inspect`].
    Inspect {
        /// The container's name.
        container: String,
        /// How often to try again.
        retry_interval: Option<Duration>,
    },
    /// [`Docker::ps`].
    Ps {
        /// Also those that do not run.
        all: bool,
        /// What their names start with.
        prefix: Option<String>,
    },
    /// [`Docker::pull`].
    Pull {
        /// Where credentials are looked for.
        directory: PathBuf,
        /// The image.
        image: String,
        /// Whether to pull even if it is there.
        force: bool,
    },
    /// [`Docker::version`].
    Version,
}

/// What is expected of one method: single calls, in their order, then any number of calls.
struct Expectations<F: ?Sized, R: ?Sized> {
    once: VecDeque<Box<F>>,
    always: Option<Arc<R>>,
}

enum Next<F: ?Sized, R: ?Sized> {
    Once(Box<F>),
    Always(Arc<R>),
    None,
}

impl<F: ?Sized, R: ?Sized> Default for Expectations<F, R> {
    fn default() -> Self {
        Expectations { once: VecDeque::new(), always: None }
    }
}

impl<F: ?Sized, R: ?Sized> Expectations<F, R> {
    fn next(&mut self) -> Next<F, R> {
        match (self.once.pop_front(), &self.always) {
            (Some(once), _) => Next::Once(once),
            (None, Some(always)) => Next::Always(Arc::clone(always)),
            (None, None) => Next::None,
        }
    }
}

macro_rules! mock {
    ($(
        $method:ident, $expect:ident, $always:ident:
        ($($argument:ident: $type:ty),*) -> $result:ty, $call:expr;
    )*) => {
        #[derive(Default)]
        struct All {
            $($method: Expectations<
                dyn FnOnce($($type),*) -> Future<$result> + Send,
                dyn Fn($($type),*) -> Future<$result> + Send + Sync,
            >,)*
        }

        impl Mock {
            $(
                #[doc = concat!("Expects one call of `", stringify!($method), "`, after those ")]
                #[doc = "expected before, and answers it with `f`."]
                pub fn $expect(
                    &self,
                    f: impl FnOnce($($type),*) -> Future<$result> + Send + 'static,
                ) -> &Self {
                    self.expected.lock().$method.once.push_back(Box::new(f));
                    self
                }

                #[doc = concat!("Answers all calls of `", stringify!($method), "` with `f` that ")]
                #[doc = "no single expectation is for."]
                pub fn $always(
                    &self,
                    f: impl Fn($($type),*) -> Future<$result> + Send + Sync + 'static,
                ) -> &Self {
                    self.expected.lock().$method.always = Some(Arc::new(f));
                    self
                }
            )*

            /// Methods with expected calls that have not come, each with how many.
            pub fn outstanding(&self) -> Vec<(&'static str, usize)> {
                let expected = self.expected.lock();
                let all = [$((stringify!($method), expected.$method.once.len())),*];
                all.into_iter().filter(|(_, count)| *count > 0).collect()
            }
        }

        impl Docker for Mock {
            $(
                fn $method(&self, $($argument: $type),*) -> Future<$result> {
                    self.calls.lock().push($call);
                    // The guard must be gone before the expectation runs: it may call us.
                    let next = self.expected.lock().$method.next();
                    match (next, &self.inner) {
                        (Next::Once(f), _) => f($($argument),*),
                        (Next::Always(f), _) => f($($argument),*),
                        (Next::None, Some(inner)) => inner.$method($($argument),*),
                        (Next::None, None) => {
                            Future::failed(concat!("unexpected call: ", stringify!($method)))
                        }
                    }
                }
            )*
        }
    };
}

/// A scriptable [`Docker`].
///
/// A call that nothing is expected of fails with `unexpected call`, or goes to the Docker that is
/// [wrapped](Mock::wrapping). All calls are recorded.
#[doc(alias = "MockDocker")]
#[derive(Default)]
pub struct Mock {
    inner: Option<Arc<dyn Docker>>,
    expected: Mutex<All>,
    calls: Mutex<Vec<Call>>,
}

impl Mock {
    /// A mock of nothing: all that is not expected fails.
    pub fn new() -> Self {
        Mock::default()
    }

    /// A mock that passes on to `inner` what is not expected.
    pub fn wrapping(inner: Arc<dyn Docker>) -> Self {
        Mock { inner: Some(inner), ..Mock::default() }
    }

    /// All calls so far, in order, expected or not.
    pub fn calls(&self) -> Vec<Call> {
        self.calls.lock().clone()
    }
}

mock! {
    run, expect_run, on_run:
        (options: &RunOptions, stdout: Output, stderr: Output) -> Option<i32>,
        Call::Run { options: Box::new(options.clone()), stdout: stdout.clone(), stderr: stderr.clone() };
    stop, expect_stop, on_stop:
        (container: &str, timeout: Duration, remove: bool) -> Nothing,
        Call::Stop { container: container.to_owned(), timeout, remove };
    kill, expect_kill, on_kill:
        (container: &str, signal: i32) -> Nothing,
        Call::Kill { container: container.to_owned(), signal };
    rm, expect_rm, on_rm:
        (container: &str, force: bool) -> Nothing,
        Call::Rm { container: container.to_owned(), force };
    inspect, expect_inspect, on_inspect:
        (container: &str, retry_interval: Option<Duration>) -> Container,
        Call::Inspect { container: container.to_owned(), retry_interval };
    ps, expect_ps, on_ps:
        (all: bool, prefix: Option<&str>) -> Vec<Container>,
        Call::Ps { all, prefix: prefix.map(str::to_owned) };
    pull, expect_pull, on_pull:
        (directory: &Path, image: &str, force: bool) -> Image,
        Call::Pull { directory: directory.to_owned(), image: image.to_owned(), force };
    version, expect_version, on_version:
        () -> Version,
        Call::Version;
}

#[cfg(test)]
mod tests {
    use super::*;
    use process::Promise;

    #[test]
    fn expectations_come_in_order_then_the_standing_one_then_failure() {
        let mock = Mock::new();
        mock.expect_pull(|_, image, _| Future::failed(format!("first {image}")))
            .expect_pull(|_, _, force| Future::failed(format!("second {force}")));
        mock.on_rm(|_, _| Future::ready(Nothing));
        assert_eq!(mock.outstanding(), [("pull", 2)]);

        let pull = || mock.pull(Path::new("/d"), "a:1", true).failure().map(str::to_owned);
        assert_eq!(pull().as_deref(), Some("first a:1"));
        assert_eq!(pull().as_deref(), Some("second true"));
        assert_eq!(pull().as_deref(), Some("unexpected call: pull"));
        for _ in 0..2 {
            assert!(mock.rm("c", false).is_ready());
        }
        assert!(mock.outstanding().is_empty());
        assert_eq!(mock.calls().len(), 5);
        assert_eq!(mock.calls()[4], Call::Rm { container: "c".into(), force: false });
    }

    #[test]
    fn wraps_another() {
        let inner = Arc::new(Mock::new());
        inner.on_version(|| Future::ready(Version::new(1, 2, 3)));
        let outer = Mock::wrapping(Arc::clone(&inner) as Arc<dyn Docker>);
        let promise = Promise::new();
        let future = promise.future();
        outer.expect_version(move || future);
        assert!(outer.version().is_pending());
        assert_eq!(outer.version().get(), Some(&Version::new(1, 2, 3)));
        assert_eq!((outer.calls().len(), inner.calls().len()), (2, 1));
    }
}
