//! What the registry does to pulls: silence, slowness, cuts, refusals; and what the client sees,
//! which is recorded from an Engine whose registry was made to do the same.

use super::{MEGABYTE, Rig, Talk, millis, seconds};
use crate::environment::daemon::{
    Chunk, Credentials, ImageSpec, Phase, Progress, Reply, Request, Status, json,
};
use crate::environment::{Fault, Faults};
use std::collections::BTreeSet;
use std::sync::Arc;

const IMAGE: &str = "registry/app:1";

fn pull(rig: &Rig) -> Talk {
    rig.send(Request::Pull { reference: IMAGE.into(), credentials: None })
}

fn ruled(rule: &str) -> Rig {
    let rig = Rig::new();
    rig.daemon.set_rules(vec![rule.parse().unwrap()]);
    rig
}

fn lines(talk: &Talk) -> Vec<Progress> {
    let line = |chunk| match chunk {
        Chunk::Progress(line) => Some(line),
        _ => None,
    };
    talk.chunks().into_iter().filter_map(line).collect()
}

/// What was said about the first layer, each thing once.
fn of_first_layer(talk: &Talk) -> Vec<String> {
    let first = ImageSpec::new("app", &[1]).layers.remove(0).digest;
    let mut texts: Vec<String> = lines(talk)
        .into_iter()
        .filter(|line| *line.id == first["sha256:".len()..][..12])
        .map(|line| line.status.text())
        .collect();
    texts.dedup();
    texts
}

fn failure(talk: &Talk) -> String {
    match talk.replies().last() {
        Some(Reply::Failed(message)) => message.to_string(),
        other => panic!("no failure in the stream: {other:?}"),
    }
}

#[test]
fn m4_no_head_comes_before_the_manifest() {
    let rig = ruled("pull:silence=30s");
    let talk = pull(&rig);
    rig.pass(seconds(29));
    assert!(talk.is_silent());
    rig.pass(seconds(1) + millis(100));
    assert!(matches!(talk.replies()[0], Reply::Opened(_)));
    assert_eq!(lines(&talk)[0].status.text(), "Pulling from registry/app");
    assert_eq!(&*lines(&talk)[0].id, "1");
}

#[test]
fn a_whole_pull_says_what_an_engine_says() {
    let rig = Rig::new();
    let talk = pull(&rig);
    rig.settle();
    let texts: Vec<String> = lines(&talk).iter().map(|line| line.status.text()).collect();
    assert_eq!(texts[..3], ["Pulling from registry/app", "Pulling fs layer", "Pulling fs layer"]);
    let digest = ImageSpec::new("app", &[]).manifest_digest();
    assert_eq!(
        texts[texts.len() - 2..],
        [format!("Digest: {digest}"), format!("Status: Downloaded newer image for {IMAGE}")]
    );
    assert_eq!(
        of_first_layer(&talk),
        [
            "Pulling fs layer",
            "Downloading",
            "Verifying Checksum",
            "Download complete",
            "Extracting",
            "Pull complete",
        ]
    );
    assert!(matches!(talk.replies().last(), Some(Reply::Ended)));
    let again = pull(&rig);
    rig.settle();
    let texts: Vec<String> = lines(&again).iter().map(|line| line.status.text()).collect();
    assert_eq!(texts[2], format!("Status: Image is up to date for {IMAGE}"));
    assert_eq!(texts.len(), 3);
}

#[test]
fn a_layer_is_extracted_upon_the_one_below() {
    let rig = Rig::new();
    // The first layer takes a second, the second half of that.
    let talk = pull(&rig);
    rig.settle();
    let complete: Vec<Arc<str>> = lines(&talk)
        .into_iter()
        .filter(|line| line.status == Status::PullComplete)
        .map(|line| line.id)
        .collect();
    let layers = ImageSpec::new("app", &[1, 1]).layers;
    let ids: Vec<&str> = layers.iter().map(|layer| &layer.digest[7..19]).collect();
    assert_eq!(complete.iter().map(|id| &**id).collect::<Vec<_>>(), ids);
    let downloaded = |line: &&Progress| line.status == Status::DownloadComplete;
    assert_eq!(&*lines(&talk).iter().find(downloaded).unwrap().id, ids[1]);
}

#[test]
fn no_more_than_three_layers_come_at_a_time() {
    let rig = Rig::new();
    let image = ImageSpec::new("many", &[10 * MEGABYTE; 5]);
    rig.daemon.publish(IMAGE, Arc::new(image));
    let talk = pull(&rig);
    rig.pass(millis(500));
    let waiting = lines(&talk).iter().filter(|line| line.status == Status::Waiting).count();
    assert_eq!((rig.daemon.transfers().len(), waiting), (5, 2));
    rig.pass(seconds(1));
    let ids: BTreeSet<Arc<str>> = lines(&talk)
        .into_iter()
        .filter(|line| line.status == Status::Downloading)
        .map(|line| line.id)
        .collect();
    assert_eq!(ids.len(), 3);
    rig.settle();
    assert!(rig.daemon.has_image(IMAGE));
    assert_eq!(rig.daemon.layers(), 6);
}

#[test]
fn refusals_before_the_stream_are_statuses() {
    let app = "registry/app";
    for (rule, status, message) in [
        ("pull:status=401", 500, "unauthorized: authentication required".to_owned()),
        (
            "pull:denied",
            404,
            format!(
                "pull access denied for {app}, repository does not exist or may require 'docker \
             login': denied: requested access to the resource is denied"
            ),
        ),
        (
            "pull:status=404",
            404,
            format!("manifest for {app}:1 not found: manifest unknown: manifest unknown"),
        ),
        (
            "pull:status=429",
            500,
            "toomanyrequests: You have reached your pull rate limit.".to_owned(),
        ),
        (
            "pull:status=500",
            500,
            "received unexpected HTTP status: 500 Internal Server Error".to_owned(),
        ),
        (
            "pull:status=503",
            500,
            "received unexpected HTTP status: 503 Service Unavailable".to_owned(),
        ),
        ("pull:cut", 500, "unexpected EOF".to_owned()),
    ] {
        let rig = ruled(rule);
        let talk = pull(&rig);
        rig.settle();
        let refusal = talk.refusal();
        assert_eq!(
            (refusal.status, refusal.message.as_ref()),
            (status, message.as_str()),
            "{rule}"
        );
        assert_eq!(talk.replies().len(), 1);
        assert!(rig.daemon.pulls().is_empty());
    }
}

#[test]
fn errors_in_the_stream_are_lines() {
    for (rule, message, after) in [
        ("pull:status=401@50%", "unauthorized: authentication required", 1),
        ("pull:status=404@50%", "unknown blob", 1),
        ("pull:status=429@50%", "toomanyrequests: You have reached your pull rate limit.", 1),
        (
            "pull:status=500@config",
            "error pulling image configuration: received unexpected HTTP \
          status: 500 Internal Server Error",
            1,
        ),
        ("pull:cut@config", "error pulling image configuration: unexpected EOF", 1),
        // Those are tried again five times: after 5, 10, 15, 20 and 25 seconds.
        ("pull:cut@50%", "unexpected EOF", 75),
        ("pull:status=503@50%", "received unexpected HTTP status: 503 Service Unavailable", 75),
        (
            "pull:no-space",
            "failed to register layer: Error processing tar file(exit status 1): \
          write /layer: no space left on device",
            1,
        ),
    ] {
        let rig = ruled(rule);
        let talk = pull(&rig);
        rig.pass(millis(1));
        rig.settle();
        assert_eq!(failure(&talk), message, "{rule}");
        let took = rig.simulation.now().since_epoch().as_secs();
        assert!((after - 1..after + 5).contains(&took), "{rule}: {took} s");
        assert!(!rig.daemon.has_image(IMAGE) && rig.daemon.transfers().is_empty());
        assert_eq!(rig.daemon.layers(), 1, "{rule}: nothing is kept of it");
    }
    let line = json::failed("unexpected EOF");
    let expected =
        "{\"errorDetail\":{\"message\":\"unexpected EOF\"},\"error\":\"unexpected EOF\"}\r\n";
    assert_eq!(String::from_utf8(line).unwrap(), expected);
}

#[test]
fn a_corrupt_layer_is_named() {
    let rig = ruled("pull:corrupt");
    let talk = pull(&rig);
    rig.settle();
    let digest = &ImageSpec::new("app", &[1]).layers[0].digest;
    assert_eq!(failure(&talk), format!("filesystem layer verification failed for digest {digest}"));
}

#[test]
fn a_cut_that_happens_once_costs_five_seconds() {
    let rig = ruled("pull:cut@50%*1");
    let talk = pull(&rig);
    rig.pass(seconds(3));
    // The rule is spent, but the registry goes on cutting this connection.
    assert_eq!(rig.daemon.rules().len(), 0);
    assert_eq!(
        of_first_layer(&talk)[..4],
        [
            "Pulling fs layer",
            "Retrying in 5 seconds",
            "Retrying in 4 seconds",
            "Retrying in 3 seconds"
        ]
    );
    rig.settle();
    assert_eq!(failure(&talk), "unexpected EOF");
    let again = pull(&rig);
    rig.settle();
    assert!(matches!(again.replies().last(), Some(Reply::Ended)));
}

#[test]
fn a_client_that_leaves_during_a_retry_is_noticed_within_a_second() {
    let rig = ruled("pull:cut@50%");
    let talk = pull(&rig);
    rig.pass(seconds(3));
    talk.call.hang_up();
    rig.pass(seconds(1));
    assert!(rig.daemon.pulls().is_empty() && rig.daemon.transfers().is_empty());
    assert!(rig.environment.is_empty());
}

#[test]
fn a_stall_lasts_until_the_rules_change() {
    for (place, phase) in [
        ("manifest", Phase::Manifest),
        ("config", Phase::Config),
        ("30%", Phase::Layers),
        ("0%", Phase::Layers),
        ("100%", Phase::Layers),
    ] {
        let rig = ruled(&format!("pull:stall@{place}"));
        let talk = pull(&rig);
        rig.pass(seconds(3600));
        assert_eq!(rig.daemon.pulls().first().map(|pull| pull.phase), Some(phase), "{place}");
        assert!(rig.environment.is_empty(), "nothing goes on");
        if place == "30%" {
            let done = lines(&talk).into_iter().filter_map(|line| line.bytes);
            let of_first = done.filter(|(_, total)| *total == 10 * MEGABYTE).map(|(done, _)| done);
            assert_eq!(of_first.max(), Some(3 * MEGABYTE));
        }
        rig.daemon.set_rules(Vec::new());
        rig.settle();
        assert!(rig.daemon.has_image(IMAGE), "{place}");
        assert!(talk.is_over());
    }
}

#[test]
fn a_stalled_pull_is_cancelled_when_its_client_leaves_but_not_before_the_manifest() {
    for (place, noticed) in [("30%", true), ("manifest", false)] {
        let rig = ruled(&format!("pull:stall@{place}"));
        let talk = pull(&rig);
        rig.pass(seconds(60));
        talk.call.hang_up();
        rig.pass(seconds(60));
        assert_eq!(rig.daemon.pulls().is_empty(), noticed, "{place}");
        rig.daemon.set_rules(Vec::new());
        rig.pass(seconds(1));
        assert!(rig.daemon.pulls().is_empty() && !rig.daemon.has_image(IMAGE));
        assert_eq!(rig.daemon.coverage().pulls_aborted, 1);
    }
}

#[test]
fn slowness_and_a_trickle_take_their_time() {
    for (rule, least, most) in [("pull:slow=10", 10, 15), ("pull:trickle=100k", 97, 110)] {
        let rig = ruled(rule);
        pull(&rig);
        rig.settle();
        let took = rig.simulation.now().since_epoch().as_secs();
        assert!((least..most).contains(&took), "{rule}: {took} s");
        assert!(rig.daemon.has_image(IMAGE));
    }
}

#[test]
fn a_pull_that_fails_leaves_the_layers_of_others_alone() {
    let rig = Rig::new();
    let first = pull(&rig);
    rig.pass(millis(10));
    rig.daemon.set_rules(vec!["pull:no-space*1".parse().unwrap()]);
    // It joins the transfers of the first, so its own trouble has nothing to befall.
    let second = pull(&rig);
    rig.settle();
    for talk in [first, second] {
        assert!(matches!(talk.replies().last(), Some(Reply::Ended)));
    }
    assert_eq!(rig.daemon.coverage().layers_joined, 2);
}

#[test]
fn a_layer_upon_another_base_is_another_layer() {
    let rig = Rig::new();
    let mut other = ImageSpec::new("other", &[MEGABYTE]);
    // The second layer of `app`, but not upon its first.
    other.layers.push(ImageSpec::new("app", &[1, 5 * MEGABYTE]).layers.remove(1));
    rig.daemon.publish("registry/other:1", Arc::new(other));
    let first = pull(&rig);
    let second =
        rig.send(Request::Pull { reference: "registry/other:1".into(), credentials: None });
    rig.pass(millis(300));
    assert_eq!(rig.daemon.coverage().layers_joined, 0);
    assert_eq!(rig.daemon.transfers().len(), 4);
    rig.settle();
    assert!(first.is_over() && second.is_over());
    assert_eq!(rig.daemon.layers(), 5);
}

#[test]
fn who_asks_matters_to_a_registry_that_is_not_for_everybody() {
    let rig = Rig::new();
    let credentials = Credentials { user: "me".into(), password: "secret".into() };
    let image = Arc::new(ImageSpec::new("private", &[MEGABYTE]));
    rig.daemon.publish_for(Some(credentials.clone()), "registry/private:1", image);
    let ask = |credentials| {
        let reference = "registry/private:1".into();
        let talk = rig.send(Request::Pull { reference, credentials });
        rig.settle();
        talk
    };
    let nobody = ask(None).refusal();
    assert_eq!(nobody.status, 500);
    assert!(
        nobody.message.ends_with("manifests/1\": no basic auth credentials"),
        "{}",
        nobody.message
    );
    let wrong = Credentials { password: "guess".into(), ..credentials.clone() };
    assert_eq!(ask(Some(wrong)).refusal().message, "unauthorized: authentication required");
    assert!(matches!(ask(Some(credentials)).replies().last(), Some(Reply::Ended)));
}

#[test]
fn bad_references_are_refused() {
    let rig = Rig::new();
    for (reference, status, message) in [
        ("BAD", 400, "invalid reference format: repository name must be lowercase"),
        ("a//b", 400, "invalid reference format"),
        ("scratch", 403, "'scratch' is a reserved name"),
    ] {
        let refusal =
            rig.ask(Request::Pull { reference: reference.into(), credentials: None }).refusal();
        assert_eq!((refusal.status, refusal.message.as_ref()), (status, message));
    }
}

#[test]
fn the_stream_of_choices_knows_every_trouble() {
    // Which end, and whether it is in the stream.
    for (how, streamed) in [
        (0, false),
        (1, false),
        (2, true),
        (3, true),
        (4, false),
        (5, false),
        (6, false),
        (7, true),
        (8, true),
        (9, true),
    ] {
        let rig = Rig::choosing(Faults::none().with(Fault::PullFail, 1), &[1, how]);
        let talk = pull(&rig);
        rig.settle();
        let failed = matches!(talk.replies().last(), Some(Reply::Failed(_)));
        let refused = matches!(talk.replies().last(), Some(Reply::Answer(Err(_))));
        assert_eq!((failed, refused), (streamed, !streamed), "{how}");
    }
    let rig = Rig::choosing(Faults::none().with(Fault::PullTrickle, 1), &[1]);
    pull(&rig);
    rig.pass(seconds(900));
    assert_eq!(rig.daemon.pulls()[0].phase, Phase::Layers);
    rig.settle();
    assert!(rig.daemon.has_image(IMAGE));
}
