//! Images that are there: names, lists, removal and what stands in its way.

use super::{MEGABYTE, Rig, Talk};
use crate::environment::daemon::{Filters, ImageSpec, Request};
use serde_json::{Value, json};
use std::sync::Arc;

fn remove(rig: &Rig, image: &str, force: bool) -> Talk {
    rig.ask(Request::RemoveImage { image: image.into(), force })
}

fn tag(rig: &Rig, image: &str, repository: &str, tag: &str) -> Talk {
    let (image, repository, tag) = (image.into(), repository.into(), tag.into());
    rig.ask(Request::Tag { image, repository, tag })
}

fn list(rig: &Rig, filters: Filters) -> Value {
    rig.ask(Request::Images { all: true, digests: true, filters }).body()
}

fn id(rig: &Rig, image: &str) -> String {
    let body = rig.ask(Request::InspectImage { image: image.into() }).body();
    body["Id"].as_str().unwrap().to_owned()
}

fn pull(rig: &Rig, reference: &str) {
    rig.send(Request::Pull { reference: reference.into(), credentials: None });
    rig.settle();
}

#[test]
fn an_image_is_found_by_its_names_and_its_id() {
    let rig = Rig::interpreting();
    let full = id(&rig, "bb:1");
    let short = &full["sha256:".len()..][..12];
    tag(&rig, short, "registry:5000/x", "2").expect(204);
    tag(&rig, "bb:1", "other", "").expect(204);
    for name in [&full, short, &full[7..], "registry:5000/x:2", "other", "docker.io/library/other"]
    {
        assert_eq!(id(&rig, name), full, "{name}");
    }
    let body = rig.ask(Request::InspectImage { image: full.as_str().into() }).body();
    assert_eq!(body["RepoTags"], json!(["bb:1", "other:latest", "registry:5000/x:2"]));
    let missing = rig.ask(Request::InspectImage { image: "nono".into() }).refusal();
    assert_eq!(
        (missing.status, missing.message.as_ref()),
        (404, "no such image: nono: No such image: nono:latest")
    );
    assert_eq!(tag(&rig, "nono", "a", "b").refusal().message, "No such image: nono:latest");
    let upper = tag(&rig, "bb:1", "A", "b").refusal();
    assert_eq!(
        (upper.status, upper.message.as_ref()),
        (500, "invalid reference format: repository name must be lowercase")
    );
    rig.ask(Request::History { image: "nono".into() }).expect(404);
}

#[test]
fn a_pulled_image_is_known_by_its_digest_as_well() {
    let rig = Rig::new();
    pull(&rig, "registry/app:1");
    let body = rig.ask(Request::InspectImage { image: "registry/app:1".into() }).body();
    let digest = body["RepoDigests"][0].as_str().unwrap().to_owned();
    assert!(digest.starts_with("registry/app@sha256:"), "{digest}");
    assert_eq!(id(&rig, &digest), body["Id"]);
    assert_eq!(body["RootFS"]["Layers"].as_array().map(Vec::len), Some(2));
    // The registry has it under its digest, too.
    assert_eq!(
        remove(&rig, "registry/app:1", false).body(),
        json!([
            {"Untagged": "registry/app:1"},
            {"Untagged": digest},
            {"Deleted": body["Id"]},
            {"Deleted": rig_chain(1)},
            {"Deleted": rig_chain(0)},
        ])
    );
    pull(&rig, &digest);
    assert_eq!(id(&rig, &digest), body["Id"]);
    assert_eq!(list(&rig, Filters::default())[0]["RepoTags"], json!(["registry/app:<none>"]));
}

/// The chain id of a layer of the image `app`.
fn rig_chain(index: usize) -> String {
    let image = ImageSpec::new("app", &[10 * MEGABYTE, 5 * MEGABYTE]);
    let image = crate::environment::daemon::chain_ids(&image);
    image[index].to_string()
}

#[test]
fn an_image_in_use_is_not_removed() {
    let rig = Rig::interpreting();
    let full = id(&rig, "bb:1");
    rig.create("c1", &["sleep", "1000"]).expect(201);
    let container = rig.daemon.container("c1").unwrap().id;
    let (short, of) = (&full[7..19], &container[..12]);
    assert_eq!(
        remove(&rig, "bb:1", false).refusal().message,
        format!(
            "conflict: unable to remove repository reference \"bb:1\" (must force) - container {of} \
             is using its referenced image {short}"
        )
    );
    assert_eq!(
        remove(&rig, &full, false).refusal().message,
        format!(
            "conflict: unable to delete {short} (must be forced) - image is being used by stopped \
             container {of}"
        )
    );
    rig.start("c1").expect(204);
    assert_eq!(
        remove(&rig, &full, true).refusal().message,
        format!(
            "conflict: unable to delete {short} (cannot be forced) - image is being used by running \
             container {of}"
        )
    );
    // By force the name goes, and the image stays without one.
    assert_eq!(remove(&rig, "bb:1", true).body(), json!([{"Untagged": "bb:1"}]));
    let dangling = list(&rig, Filters::default().with("dangling", "true"));
    assert_eq!(dangling.as_array().map(Vec::len), Some(1));
    assert_eq!(dangling[0]["RepoTags"], json!(["<none>:<none>"]));
    assert_eq!(dangling[0]["RepoDigests"], json!(["<none>@<none>"]));
    rig.ask(Request::Create { name: Some("c2".into()), config: Arc::new(config("bb:1")) })
        .expect(404);
    let row = rig.ask(Request::List(Default::default())).body();
    assert_eq!(row[0]["Image"], full.as_str());
    rig.ask(Request::Remove { container: "c1".into(), force: true, volumes: false }).expect(204);
    let removed = remove(&rig, &full, false).body();
    assert_eq!(removed[0], json!({"Deleted": full}));
    assert_eq!(remove(&rig, &full, false).refusal().status, 404);
}

fn config(image: &str) -> crate::environment::daemon::ContainerConfig {
    crate::environment::daemon::ContainerConfig { image: image.to_owned(), ..Default::default() }
}

#[test]
fn an_image_of_several_names_goes_with_the_last() {
    let rig = Rig::interpreting();
    let full = id(&rig, "bb:1");
    tag(&rig, "bb:1", "x/y", "1");
    assert!(remove(&rig, &full, false).refusal().message.contains("referenced in multiple"));
    assert_eq!(remove(&rig, "x/y:1", false).body(), json!([{"Untagged": "x/y:1"}]));
    tag(&rig, "bb:1", "x/y", "1");
    let removed = remove(&rig, &full, true).body();
    assert_eq!(removed[0], json!({"Untagged": "bb:1"}));
    assert_eq!(removed[2], json!({"Deleted": full}));
}

#[test]
fn a_name_can_move_to_another_image() {
    let rig = Rig::interpreting();
    pull(&rig, "registry/app:1");
    let old = id(&rig, "registry/app:1");
    let newer = ImageSpec::new("app-2", &[MEGABYTE]);
    rig.daemon.publish("registry/app:1", Arc::new(newer));
    pull(&rig, "registry/app:1");
    assert_ne!(id(&rig, "registry/app:1"), old);
    let rows = list(&rig, Filters::default());
    let row = rows.as_array().unwrap().iter().find(|row| row["Id"] == old.as_str()).unwrap();
    // Its digest still leads to it.
    assert_eq!(row["RepoTags"], json!(["registry/app:<none>"]));
    assert_eq!(rows.as_array().map(Vec::len), Some(4));
    assert_eq!(rows[0]["RepoTags"], json!(["registry/app:1"]), "the newest first");
}

#[test]
fn lists_are_filtered() {
    let rig = Rig::interpreting();
    let mut labelled = ImageSpec::new("labelled", &[1]);
    labelled.labels.insert("a".to_owned(), "b".to_owned());
    rig.daemon.load("x/labelled:1", Arc::new(labelled));
    let count = |filters: Filters| list(&rig, filters).as_array().map_or(0, Vec::len);
    let filter = |name: &str, value: &str| Filters::default().with(name, value);
    assert_eq!(count(Filters::default()), 3);
    assert_eq!(count(filter("label", "a=b")), 1);
    assert_eq!(count(filter("label", "a=c")), 0);
    assert_eq!(count(filter("reference", "bb")), 1);
    assert_eq!(count(filter("reference", "*:1")), 1);
    assert_eq!(count(filter("reference", "x/*")), 1);
    assert_eq!(count(filter("reference", "*/*:*")), 1);
    assert_eq!(count(filter("dangling", "false")), 3);
    let wrong = Request::Images { all: true, digests: false, filters: filter("bad", "x") };
    assert_eq!(rig.ask(wrong).refusal().message, "Invalid filter 'bad'");
}

#[test]
fn layers_stay_as_long_as_an_image_has_them() {
    let rig = Rig::new();
    let mut other = ImageSpec::new("other", &[MEGABYTE]);
    other.layers.insert(0, ImageSpec::new("app", &[10 * MEGABYTE]).layers[0].clone());
    rig.daemon.publish("registry/other:1", Arc::new(other));
    pull(&rig, "registry/app:1");
    pull(&rig, "registry/other:1");
    // Two of `app`, one more of `other`, one of busybox.
    assert_eq!(rig.daemon.layers(), 4);
    remove(&rig, "registry/app:1", false).expect(200);
    assert_eq!(rig.daemon.layers(), 3);
    remove(&rig, "registry/other:1", false).expect(200);
    assert_eq!(rig.daemon.layers(), 1);
}
