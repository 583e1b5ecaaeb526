//! The backend against a real Docker Engine: what each request does there, the rows of the table of
//! statuses, and the facts M1 to M8 about the Engine on which the backend relies.

#![allow(clippy::disallowed_methods, reason = "a test of a real Engine in real time")]

mod live;

use docker::{
    Answer, Api, ApiError, Attachment, Bollard, ConfigFiles, CreateBody, Docker, Engine, ErrorKind,
    Guarded, Limits, Lingering, Output, PullEnd, PullEvent, PullLimits, PullListener, PullPhase,
    PullState, WaitCondition,
};
use drydock_tests::{DockerLab, Fault, ImageSpec, PushedImage, Stats, Target, names};
use live::{LIMIT, until, within};
use parking_lot::Mutex;
use process::future::Value;
use process::{Nothing, Outcome};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::sync::watch;

/// How soon something must have happened that the Engine does at once.
const SOON: Duration = Duration::from_secs(5);

struct Stage {
    lab: DockerLab,
    api: Bollard,
    guarded: Guarded,
    /// Of busybox, in the Engine.
    image: String,
}

impl Stage {
    async fn new() -> Option<Stage> {
        let lab = DockerLab::require()?;
        let image = lab.images.load(&ImageSpec::busybox()).await.expect("loaded");
        let image = image.at(&lab.registry.host());
        let api = Bollard::connect(Some(&lab.engine.host())).expect("the Engine of the lab");
        let guarded = Guarded::new(Arc::new(api.clone()), Limits::default());
        Some(Stage { lab, api, guarded, image })
    }

    fn body(&self, name: &str, script: &str) -> CreateBody {
        CreateBody {
            image: self.image.clone(),
            command: vec!["-c".to_owned(), script.to_owned()],
            entrypoint: Some(vec!["/bin/sh".to_owned()]),
            env: vec![format!("MESOS_CONTAINER_NAME={name}")],
            ..CreateBody::default()
        }
    }

    /// A container that was made and not started.
    async fn created(&self, script: &str) -> String {
        let name = names::unique("drydock-engine");
        let body = self.body(&name, script);
        get(self.api.create_container(&name, &body)).await.expect("created");
        name
    }

    async fn running(&self, script: &str) -> String {
        let name = self.created(script).await;
        get(self.api.start_container(&name)).await.expect("started");
        name
    }

    async fn exited(&self) -> String {
        let name = self.created("exit 3").await;
        let wait = self.api.wait_container(&name, WaitCondition::NextExit);
        get(self.api.start_container(&name)).await.expect("started");
        assert_eq!(get(wait).await, Ok(3));
        name
    }

    /// One that runs, and is not impressed by a SIGTERM; its output tells of both.
    async fn stubborn(&self) -> Stubborn {
        let script = "trap 'echo asked' TERM; echo up; while :; do sleep 0.1; done";
        let name = self.created(script).await;
        let directory = tempfile::tempdir().expect("a directory");
        let output = Output::Path(directory.path().join("stdout"));
        let attach = self.api.attach_container(&name, &output, &Output::Null);
        let attachment = get(attach).await.expect("attached");
        get(self.api.start_container(&name)).await.expect("started");
        let stubborn = Stubborn { name, directory, _attachment: attachment };
        stubborn.says("up").await;
        stubborn
    }

    async fn is_running(&self, name: &str) -> bool {
        get(self.api.inspect_container(name)).await.expect("there").pid.is_some()
    }
}

struct Stubborn {
    name: String,
    directory: TempDir,
    _attachment: Attachment,
}

impl Stubborn {
    async fn says(&self, word: &str) {
        let file = self.directory.path().join("stdout");
        let said = || std::fs::read_to_string(&file).unwrap_or_default().contains(word);
        until(word, LIMIT, async || said()).await;
    }
}

async fn get<T: Value>(answer: Answer<T>) -> Result<T, ApiError> {
    match within("an answer", LIMIT, answer.outcome()).await {
        Outcome::Ready(result) => result,
        _ => panic!("no answer: {answer}"),
    }
}

async fn code(answer: Answer<Nothing>) -> Result<(), u16> {
    get(answer).await.map(drop).map_err(|error| error.code().unwrap_or_else(|| panic!("{error}")))
}

#[tokio::test]
async fn every_row_of_the_table_of_statuses() {
    let Some(stage) = Stage::new().await else { return };
    let (api, guarded) = (&stage.api, &stage.guarded);
    let nobody = &*names::unique("drydock-engine");
    let running = &*stage.running("sleep 1000").await;
    let exited = &*stage.exited().await;

    // Start (M8). A container that is dead, or being removed, cannot be had for the asking.
    assert_eq!(code(api.start_container(running)).await, Err(304));
    assert_eq!(code(guarded.start_container(running)).await, Ok(()));
    assert_eq!(code(api.start_container(nobody)).await, Err(404));
    assert_eq!(code(guarded.start_container(nobody)).await, Err(404));

    // Stop (M8).
    assert_eq!(code(api.stop_container(exited, 1)).await, Err(304));
    assert_eq!(code(guarded.stop_container(exited, 1)).await, Ok(()));
    assert_eq!(code(api.stop_container(nobody, 1)).await, Err(404));
    assert_eq!(code(guarded.stop_container(nobody, 1)).await, Ok(()));

    // Kill (M8).
    assert_eq!(code(api.kill_container(exited, 9)).await, Err(409));
    assert_eq!(code(guarded.kill_container(exited, 9)).await, Ok(()));
    assert_eq!(code(api.kill_container(nobody, 9)).await, Err(404));
    assert_eq!(code(guarded.kill_container(nobody, 9)).await, Err(404));

    // Remove (M8); M7 is below.
    assert_eq!(code(api.remove_container(running, false, true)).await, Err(409));
    assert_eq!(code(guarded.remove_container(running, false, true)).await, Err(409));
    assert_eq!(code(api.remove_container(nobody, false, true)).await, Err(404));
    assert_eq!(code(guarded.remove_container(nobody, false, true)).await, Ok(()));
    assert_eq!(code(api.remove_container(nobody, true, true)).await, Err(404));

    // Create.
    let of = |answer: Answer<String>| code(answer.map(|answer| answer.clone().map(|_| Nothing)));
    let missing = CreateBody { image: format!("{}-none", stage.image), ..stage.body("x", "true") };
    assert_eq!(of(api.create_container(nobody, &missing)).await, Err(404));
    assert_eq!(of(guarded.create_container(nobody, &missing)).await, Err(404));
    let body = stage.body(running, "sleep 1000");
    assert_eq!(of(api.create_container(running, &body)).await, Err(409));
    // It is ours, but it runs.
    assert_eq!(of(guarded.create_container(running, &body)).await, Err(409));

    // The command line's view, in its words.
    let engine = Engine::new(Arc::new(api.clone()), api.socket());
    let ready = async |future: process::Future<Nothing>| {
        within("an end", LIMIT, future.outcome()).await == Outcome::Ready(Nothing)
    };
    assert!(ready(engine.stop(exited, SOON, false)).await);
    assert!(!ready(engine.stop(nobody, SOON, false)).await);
    assert!(!ready(engine.kill(exited, 9)).await);
    assert!(!ready(engine.rm(nobody, false)).await);
    assert!(ready(engine.rm(nobody, true)).await);
}

#[tokio::test]
async fn a_create_adopts_what_is_its_own_and_nothing_else() {
    let Some(stage) = Stage::new().await else { return };
    let name = stage.created("exit 0").await;
    let (api, guarded) = (&stage.api, &stage.guarded);
    let first = get(api.inspect_container(&name)).await.expect("there").id;
    let other = stage.body(&name, "exit 1");
    let error = get(guarded.create_container(&name, &other)).await.expect_err("another one's");
    assert_eq!(error.code(), Some(409));
    // As after a create whose answer got lost.
    let body = stage.body(&name, "exit 0");
    assert_eq!(get(guarded.create_container(&name, &body)).await, Ok(first.clone()));
    let wait = api.wait_container(&name, WaitCondition::NextExit);
    get(guarded.start_container(&name)).await.expect("started");
    assert_eq!(get(wait).await, Ok(0));
    // It has been used.
    let second = get(guarded.create_container(&name, &body)).await.expect("a new one");
    assert_ne!(second, first);
    assert!(!get(api.inspect_container(&name)).await.expect("there").started);
}

/// M5: the client of a stop leaves, and the daemon goes on.
#[tokio::test]
async fn a_stop_goes_on_without_its_client() {
    let Some(stage) = Stage::new().await else { return };
    let container = stage.stubborn().await;
    let name = &*container.name;
    let stop = stage.api.stop_container(name, 2);
    container.says("asked").await;
    stop.discard();
    assert!(stop.is_discarded() && stage.is_running(name).await);
    until("the end", LIMIT, async || !stage.is_running(name).await).await;
    let inspected = stage.lab.engine.inspect_container(name).await.expect("an answer");
    assert_eq!(inspected.expect("there")["State"]["ExitCode"], 137);
}

/// M6: a container is removed by force while it is being stopped.
#[tokio::test]
async fn a_removal_by_force_does_not_wait_for_a_stop() {
    let Some(stage) = Stage::new().await else { return };
    let container = stage.stubborn().await;
    let name = &*container.name;
    // Longer than any answer is waited for.
    let stop = stage.api.stop_container(name, 3600);
    container.says("asked").await;
    assert_eq!(code(stage.api.remove_container(name, true, true)).await, Ok(()));
    assert_eq!(code(stop).await, Ok(()));
    let error = get(stage.api.inspect_container(name)).await.expect_err("gone");
    assert_eq!(error.code(), Some(404));
}

/// M7: two removals by force at once. One of them is told that it is not needed.
#[tokio::test]
async fn two_removals_at_once() {
    let Some(stage) = Stage::new().await else { return };
    let mut in_progress = 0;
    for _ in 0..5 {
        let name = stage.running("sleep 1000").await;
        let remove = || stage.api.remove_container(&name, true, true);
        let (one, other) = (remove(), remove());
        let codes = [code(one).await, code(other).await];
        assert!(codes.contains(&Ok(())), "{codes:?}");
        assert!(codes.iter().all(|code| matches!(code, Ok(()) | Err(409 | 404))), "{codes:?}");
        in_progress += usize::from(codes.contains(&Err(409)));

        let name = stage.running("sleep 1000").await;
        let remove = || stage.guarded.remove_container(&name, true, true);
        let (one, other) = (remove(), remove());
        assert_eq!([code(one).await, code(other).await], [Ok(()), Ok(())]);
        let error = get(stage.api.inspect_container(&name)).await.expect_err("gone");
        assert_eq!(error.code(), Some(404));
    }
    println!("M7: {in_progress} of 5 pairs met");
}

/// A big image in the registry, and its pull.
struct Big {
    image: PushedImage,
    name: String,
}

impl Stage {
    async fn big(&self) -> Big {
        let image = self.lab.images.push(&ImageSpec::big(8)).await.expect("pushed");
        let name = self.lab.proxy_name(&image);
        Big { image, name }
    }

    async fn image_is_there(&self, big: &Big) -> bool {
        let found = self.lab.engine.inspect_image(&big.image.id).await.expect("an answer");
        found.is_some()
    }

    /// The big layer has begun, and its client knows.
    async fn slow_pull(&self, big: &Big) -> Answer<Nothing> {
        self.lab.proxy.limit_total(Some(64 << 10));
        let (lines, mut seen) = watch::channel(0_u64);
        let progress: PullEvent = Arc::new(move |line| {
            lines.send_modify(|bytes| *bytes = line.current.max(*bytes));
        });
        let pull = self.api.pull_image(&big.name, Some(progress));
        within("progress", LIMIT, seen.wait_for(|bytes| *bytes > 0)).await.expect("the pull lives");
        pull
    }

    /// The Engine lets go of the only pull that lingers.
    async fn let_go(&self) -> Duration {
        let lingering = self.api.lingering_pulls();
        assert_eq!(lingering.len(), 1);
        let begin = Instant::now();
        let released = within("the Engine to let go", LIMIT, lingering[0].released.outcome()).await;
        assert_eq!(released, Outcome::Ready(true));
        assert!(self.api.lingering_pulls().is_empty());
        begin.elapsed()
    }
}

fn no_transfer(stats: &Stats) -> bool {
    stats.blob_transfers_in_flight() == 0
}

/// M1: the client leaves in the middle of a layer.
#[tokio::test]
async fn a_pull_that_is_left_ends_and_the_engine_says_so() {
    let Some(stage) = Stage::new().await else { return };
    let big = stage.big().await;
    let pull = stage.slow_pull(&big).await;
    pull.discard();
    assert!(pull.is_discarded());
    let elapsed = stage.let_go().await;
    println!("M1: the Engine let go after {elapsed:?}");
    let stats = stage.lab.expect("no transfer in flight", SOON, no_transfer).await;
    assert!(stats.blob_bytes_sent() < 8 << 20, "it must not have ended by finishing");
    assert!(!stage.image_is_there(&big).await);
}

/// M1 again, when nothing comes from the registry any more: the Engine does not need a byte to
/// notice.
#[tokio::test]
async fn a_pull_that_stands_still_is_let_go_as_well() {
    let Some(stage) = Stage::new().await else { return };
    let big = stage.big().await;
    let _stall = stage.lab.proxy.inject(Target::Blobs, Fault::StallAfter(1 << 20));
    let pull = stage.slow_pull(&big).await;
    stage.lab.proxy.limit_total(None);
    stage.lab.expect("a stalled transfer", LIMIT, |stats| stats.stalled() == 1).await;
    pull.discard();
    println!("M1, stalled: the Engine let go after {:?}", stage.let_go().await);
}

/// M2: of two pulls of one image, one is left.
#[tokio::test]
async fn a_pull_goes_on_when_another_one_of_the_same_image_is_left() {
    let Some(stage) = Stage::new().await else { return };
    let big = stage.big().await;
    let first = stage.slow_pull(&big).await;
    let second = stage.slow_pull(&big).await;
    first.discard();
    println!("M2: the Engine let go after {:?}", stage.let_go().await);
    assert!(second.is_pending());
    stage.lab.proxy.limit_total(None);
    assert_eq!(get(second).await, Ok(Nothing));
    assert!(stage.image_is_there(&big).await);
}

/// M3 and M4: the registry does not answer for the manifest. The Engine says nothing to the client,
/// and does not notice that it leaves.
#[tokio::test]
async fn a_pull_that_waits_for_its_manifest_lingers_until_the_registry_answers() {
    let Some(stage) = Stage::new().await else { return };
    let big = stage.big().await;
    stage.lab.proxy.limit_total(Some(64 << 10));
    let hold = stage.lab.proxy.inject(Target::Manifests, Fault::Hold);
    let lines = Arc::new(Mutex::new(0));
    let count = Arc::clone(&lines);
    let progress: PullEvent = Arc::new(move |_| *count.lock() += 1);
    let pull = stage.api.pull_image(&big.name, Some(progress));
    stage.lab.expect("a held request", LIMIT, |stats| stats.held == 1).await;
    assert!(pull.is_pending() && *lines.lock() == 0);
    pull.discard();
    assert!(pull.is_discarded());
    // It has no reason to notice, so this can only be watched for a while.
    let lingering = stage.api.lingering_pulls();
    let released = lingering[0].released.outcome();
    let noticed = tokio::time::timeout(Duration::from_secs(2), released).await;
    assert!(noticed.is_err(), "the Engine has noticed: M3 holds no longer");
    assert_eq!(stage.lab.proxy.stats().held, 1);

    hold.release();
    println!("M3: the Engine let go {:?} after the registry had answered", stage.let_go().await);
    let stats = stage.lab.expect("no transfer in flight", SOON, no_transfer).await;
    assert!(stats.blob_bytes_sent() < 8 << 20, "it must not have ended by finishing");
    assert!(!stage.image_is_there(&big).await);
    assert_eq!(*lines.lock(), 0, "nobody listens any more");
}

/// What a listener was told of one pull.
#[derive(Default)]
struct Told {
    phases: Vec<PullPhase>,
    last: Option<PullState>,
    ends: Vec<PullEnd>,
    lingering: Vec<Lingering>,
}

#[derive(Default)]
struct Listener(Mutex<Told>);

impl PullListener for Listener {
    fn progress(&self, _: &str, state: &PullState) {
        let mut told = self.0.lock();
        if told.phases.last() != Some(&state.phase()) {
            told.phases.push(state.phase());
        }
        told.last = Some(state.clone());
    }

    fn ended(&self, _: &str, end: PullEnd) {
        self.0.lock().ends.push(end);
    }

    fn lingers(&self, _: &str, state: Lingering) {
        self.0.lock().lingering.push(state);
    }
}

#[tokio::test]
async fn listeners_see_layers_and_bytes() {
    let Some(stage) = Stage::new().await else { return };
    let big = stage.big().await;
    stage.lab.proxy.limit_total(Some(8 << 20));
    let listener = Arc::new(Listener::default());
    let engine = Engine::new(Arc::new(stage.guarded.clone()), stage.api.socket())
        .with_pull_listener(Arc::clone(&listener) as _);
    let sandbox = tempfile::tempdir().expect("a directory");
    let pull = engine.pull(sandbox.path(), &big.name, false);
    let Outcome::Ready(image) = within("the pull", LIMIT, pull.outcome()).await else {
        panic!("{pull}")
    };
    assert_eq!(image.id, big.image.id);
    let told = listener.0.lock();
    assert_eq!((&told.ends[..], told.lingering.len()), (&[PullEnd::Pulled][..], 0));
    assert!(told.phases.contains(&PullPhase::Downloading), "{:?}", told.phases);
    assert_eq!(told.phases.last(), Some(&PullPhase::Finishing));
    let last = told.last.as_ref().expect("progress");
    assert_eq!((last.layers().len(), last.complete()), (2, 2));
    assert!(last.size() > 8 << 20 && last.downloaded() == last.size(), "{last}");
}

#[tokio::test]
async fn a_pull_without_progress_is_given_up() {
    let Some(stage) = Stage::new().await else { return };
    let big = stage.big().await;
    let _stall = stage.lab.proxy.inject(Target::Blobs, Fault::StallAfter(1 << 20));
    let pull = PullLimits { downloading: Duration::from_secs(2), ..PullLimits::default() };
    let limits = Limits { pull, ..Limits::default() };
    let listener = Arc::new(Listener::default());
    let guarded = Guarded::new(Arc::new(stage.api.clone()), limits);
    let engine = Engine::new(Arc::new(guarded), stage.api.socket())
        .with_pull_listener(Arc::clone(&listener) as _);
    let sandbox = tempfile::tempdir().expect("a directory");
    let pull = engine.pull(sandbox.path(), &big.name, false);
    let Outcome::Failed(problem) = within("the end", LIMIT, pull.outcome()).await else {
        panic!("{pull}")
    };
    assert!(problem.contains("has stalled: no progress for 2 s in downloading"), "{problem}");
    until("the Engine to let go", SOON, async || {
        listener.0.lock().lingering == [Lingering::Begun, Lingering::LetGo]
    })
    .await;
    assert!(matches!(listener.0.lock().ends[..], [PullEnd::Failed(_)]));
}

#[tokio::test]
async fn a_registry_that_asks_for_a_password_gets_it() {
    let Some(stage) = Stage::new().await else { return };
    let image = stage.lab.images.push(&ImageSpec::entrypoint()).await.expect("pushed");
    let name = stage.lab.proxy_name(&image);
    // user:pass
    stage.lab.proxy.require_authorization("Basic dXNlcjpwYXNz");
    let engine = Engine::new(Arc::new(stage.api.clone()), stage.api.socket());
    let keys = ConfigFiles::new(None, Limits::default());
    let engine = engine.with_keychain(Arc::new(keys));
    let sandbox = tempfile::tempdir().expect("a directory");
    let pull = || {
        let pull = engine.pull(sandbox.path(), &name, true);
        async move { within("the end", LIMIT, pull.outcome()).await }
    };
    let Outcome::Failed(problem) = pull().await else { panic!("pulled without a password") };
    assert!(problem.contains("no basic auth credentials"), "{problem}");

    let registry = stage.lab.proxy.host();
    let file = sandbox.path().join(".dockercfg");
    std::fs::write(&file, format!("{{\"{registry}\":{{\"auth\":\"dXNlcjpubw==\"}}}}")).expect("ok");
    let Outcome::Failed(problem) = pull().await else { panic!("pulled with another password") };
    println!("a wrong password: {problem}");
    std::fs::write(&file, format!("{{\"{registry}\":{{\"auth\":\"dXNlcjpwYXNz\"}}}}")).expect("ok");
    let Outcome::Ready(pulled) = pull().await else { panic!("not pulled") };
    assert_eq!(pulled.id, image.id);
}

/// Both streams arrive where they belong, the exit code is a value, and the API's version is one
/// that the Engine knows.
#[tokio::test]
async fn output_and_exit_code_of_a_container() {
    let Some(stage) = Stage::new().await else { return };
    let version = get(stage.api.version()).await.expect("an answer");
    println!("Engine {version}");
    let name = stage.created("echo out; echo err >&2; exit 7").await;
    let directory = tempfile::tempdir().expect("a directory");
    let (out, err) = (directory.path().join("out"), directory.path().join("err"));
    let attach =
        stage.api.attach_container(&name, &Output::Path(out.clone()), &Output::Path(err.clone()));
    let attachment = get(attach).await.expect("attached");
    let wait = stage.api.wait_container(&name, WaitCondition::NextExit);
    assert_eq!(code(stage.api.start_container(&name)).await, Ok(()));
    assert_eq!(get(wait).await, Ok(7));
    within("the end of the output", LIMIT, attachment.finished.outcome()).await;
    let read = |path| std::fs::read_to_string(path).expect("the file");
    assert_eq!((&*read(out), &*read(err)), ("out\n", "err\n"));
    let rows = get(stage.api.list_containers(true)).await.expect("a list");
    assert!(rows.iter().any(|row| row.names == [format!("/{name}")]));
    let error = get(stage.api.inspect_container("a b?c")).await.expect_err("no such name");
    assert!(matches!(error.kind, ErrorKind::Status(400 | 404)), "{error}");
}
