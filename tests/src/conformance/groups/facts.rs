//! The measured facts M1 to M8: what becomes of a request whose client leaves, and of two requests
//! at the same time.

use serde_json::{Value, json};

use super::Script;
use crate::conformance::stage::Trouble;
use crate::conformance::talk::Talk;

const BIG: &str = "~img/big:1";

pub(super) const ALL: &[Script] = &[
    ("M1: a pull's client leaves in the midst of a layer", m1),
    ("M2: two pulls of one image, one client leaves", m2),
    ("M3: a pull's client leaves before the manifest", m3),
    ("M4: a pull says nothing before the manifest", m4),
    ("M5: a stop's client leaves", m5),
    ("M6: rm -f during a stop", m6),
    ("M7: rm -f during rm -f", m7),
    ("M8: operations that the state does not allow", m8),
];

fn without_big(talk: &mut Talk<'_>) {
    talk.quietly(&format!("DELETE /images/{BIG}?force=1"), None);
}

fn m1(talk: &mut Talk<'_>) {
    without_big(talk);
    talk.trouble(Trouble::StallsLayers);
    let pull = talk.begin_pull(BIG);
    talk.until_transfers("a layer is transferred", |transfers| transfers.layers > 0);
    drop(pull);
    talk.note("the client leaves");
    talk.until_transfers("no layer is transferred", |transfers| transfers.layers == 0);
    talk.trouble(Trouble::None);
    talk.ask(&format!("GET /images/{BIG}/json"));
}

fn m2(talk: &mut Talk<'_>) {
    without_big(talk);
    talk.trouble(Trouble::Slow);
    let leaves = talk.begin_pull(BIG);
    talk.until_transfers("a layer is transferred", |transfers| transfers.layers > 0);
    let mut stays = talk.begin_pull(BIG);
    talk.head(&mut stays);
    drop(leaves);
    talk.note("the first client leaves");
    talk.trouble(Trouble::None);
    talk.finish_pull("the second", stays);
    talk.see(&format!("GET /images/{BIG}/json"), &["RepoTags"]);
    without_big(talk);
}

fn m3(talk: &mut Talk<'_>) {
    without_big(talk);
    talk.trouble(Trouble::HoldsManifests);
    let pull = talk.begin_pull(BIG);
    talk.until_transfers("a manifest is asked for", |transfers| transfers.held > 0);
    drop(pull);
    talk.note("the client leaves");
    talk.trouble(Trouble::Slow);
    talk.until_transfers("a layer is transferred", |transfers| transfers.layers > 0);
    talk.until_transfers("no layer is transferred", |transfers| transfers.layers == 0);
    talk.trouble(Trouble::None);
    talk.ask(&format!("GET /images/{BIG}/json"));
}

fn m4(talk: &mut Talk<'_>) {
    without_big(talk);
    talk.trouble(Trouble::HoldsManifests);
    let mut pull = talk.begin_pull(BIG);
    talk.until_transfers("a manifest is asked for", |transfers| transfers.held > 0);
    talk.silence(&mut pull);
    talk.trouble(Trouble::None);
    talk.finish_pull("the pull", pull);
    without_big(talk);
}

fn stubborn(talk: &mut Talk<'_>) {
    talk.run("a", &["sh", "-c", "trap '' TERM; echo ready; sleep infinity"], &Value::Null);
    talk.until_log("a", "ready");
}

fn m5(talk: &mut Talk<'_>) {
    stubborn(talk);
    let mut stop = talk.open("POST /containers/~a/stop?t=2");
    talk.silence(&mut stop);
    drop(stop);
    talk.note("the client leaves");
    talk.until_state("a", "exited");
    talk.see("GET /containers/~a/json", &["State.Status", "State.ExitCode"]);
}

fn m6(talk: &mut Talk<'_>) {
    // A time without end: only the removal can end it.
    stubborn(talk);
    let mut stop = talk.open("POST /containers/~a/stop?t=-1");
    talk.silence(&mut stop);
    talk.ask("DELETE /containers/~a?force=1");
    talk.finish("the stop", stop);
    talk.ask("GET /containers/~a/json");
}

fn m7(talk: &mut Talk<'_>) {
    // Whichever comes second finds it in progress, or gone.
    stubborn(talk);
    let mut statuses: Vec<u16> = std::thread::scope(|scope| {
        let asks: Vec<_> = (0..2)
            .map(|_| {
                let asker = talk.asker();
                scope.spawn(move || asker.status("DELETE /containers/~a?force=1"))
            })
            .collect();
        asks.into_iter().map(|ask| ask.join().unwrap_or_default()).collect()
    });
    statuses.sort_unstable();
    let other = if statuses.get(1).is_some_and(|one| matches!(one, 404 | 409)) {
        "409 or 404"
    } else {
        "?"
    };
    talk.note(format!("two at once: DELETE /containers/~a?force=1: {} and {other}", statuses[0]));
    talk.until_gone("a");
    talk.ask("GET /containers/~a/json");
}

fn m8(talk: &mut Talk<'_>) {
    talk.run("a", &["true"], &Value::Null);
    talk.until_state("a", "exited");
    talk.ask("POST /containers/~a/kill");
    talk.ask("POST /containers/~a/stop");
    talk.run("b", &["sleep", "infinity"], &json!({}));
    talk.ask("POST /containers/~b/start");
    talk.ask("DELETE /containers/~b");
    talk.ask("DELETE /containers/~c?force=1");
}
