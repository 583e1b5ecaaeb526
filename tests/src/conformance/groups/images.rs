//! Images and pulls.

use serde_json::{Value, json};

use super::Script;
use crate::conformance::stage::Trouble;
use crate::conformance::talk::Talk;

pub(super) const ALL: &[Script] = &[
    ("tag", tag),
    ("tag: errors", tag_errors),
    ("inspect: an image", inspect),
    ("list: references", list),
    ("rmi: a tag, then the last", remove),
    ("rmi: an image in use", in_use),
    ("rmi: by id", by_id),
    ("rmi: missing", missing),
    ("history", history),
    ("create by id and by digest", by_digest),
];

pub(super) const PULLS: &[Script] = &[
    ("progress of a whole pull", whole),
    ("an image that is there", up_to_date),
    ("a tag that is not there", no_tag),
    ("a repository that is not there", no_repository),
    ("by digest", pull_by_digest),
    ("without a tag", without_tag),
    ("credentials", credentials),
    ("names that are none", bad_names),
    ("a registry that nobody is", nobody),
    ("the registry answers 500", status_500),
    ("the registry answers 429", status_429),
    ("the registry answers 403", status_403),
    ("platform", platform),
    ("two at once", twice),
];

const BIG: &str = "~img/big:1";

fn filters(value: &Value) -> String {
    let text = value.to_string();
    text.replace('"', "%22")
        .replace('{', "%7B")
        .replace('}', "%7D")
        .replace('[', "%5B")
        .replace(']', "%5D")
}

fn tag(talk: &mut Talk<'_>) {
    talk.ask("POST /images/~img/bb:1/tag?repo=~t&tag=one");
    talk.ask("POST /images/~img/bb:1/tag?repo=~t&tag=one");
    talk.ask("POST /images/~t:one/tag?repo=~t");
    talk.see("GET /images/~t:one/json", &["Os"]);
    talk.see("GET /images/~t/json", &["Os"]);
    talk.ask("DELETE /images/~t:one");
    talk.ask("DELETE /images/~t:latest");
    talk.ask("DELETE /images/~t:latest");
}

fn tag_errors(talk: &mut Talk<'_>) {
    talk.ask("POST /images/~none/tag?repo=~t&tag=one");
    talk.ask("POST /images/~img/bb:1/tag?repo=Upper&tag=one");
    talk.ask("POST /images/~img/bb:1/tag?repo=~t&tag=.bad");
    talk.ask("POST /images/~img/bb:1/tag?repo=&tag=one");
    talk.ask("POST /images/~img/bb:1/tag");
}

fn inspect(talk: &mut Talk<'_>) {
    talk.see(
        "GET /images/~img/bb:1/json",
        &[
            "RepoTags",
            "RepoDigests",
            "Os",
            "Parent",
            "Comment",
            "Config.Cmd",
            "Config.Env",
            "Config.Entrypoint",
            "Config.WorkingDir",
            "RootFS.Type",
        ],
    );
    talk.shape("GET /images/~img/bb:1/json", "");
    talk.ask("GET /images/~img/nosuch:1/json");
    talk.ask("GET /images/nosuch/json");
    talk.ask("GET /images/UPPER/json");
}

fn list(talk: &mut Talk<'_>) {
    talk.ask("POST /images/~img/bb:1/tag?repo=~t&tag=one");
    let reference = |pattern: &str| filters(&json!({ "reference": [pattern] }));
    for pattern in ["~t", "~t:one", "~t:two", "~*", "~img/bb", "~img/bb:*"] {
        talk.see(
            &format!("GET /images/json?filters={}", reference(pattern)),
            &["Containers", "ParentId", "SharedSize", "Labels"],
        );
    }
    talk.ask(&format!("GET /images/json?filters={}", filters(&json!({ "nosuch": ["x"] }))));
    talk.ask(&format!("GET /images/json?filters={}", filters(&json!({ "dangling": ["maybe"] }))));
    talk.ask(&format!("GET /images/json?filters={}", filters(&json!({ "before": ["~none"] }))));
    talk.shape(&format!("GET /images/json?filters={}", reference("~img/bb:1")), "0");
}

fn remove(talk: &mut Talk<'_>) {
    talk.quietly("DELETE /images/~img/ep:1?force=1", None);
    talk.pull("~img/ep:1", &[]);
    talk.ask("POST /images/~img/ep:1/tag?repo=~t&tag=one");
    talk.ask("DELETE /images/~t:one");
    talk.ask("POST /images/~img/ep:1/tag?repo=~t&tag=one");
    talk.ask("DELETE /images/~img/ep:1?noprune=1");
    talk.ask("DELETE /images/~t:one");
    talk.ask("GET /images/~t:one/json");
}

fn in_use(talk: &mut Talk<'_>) {
    talk.quietly("DELETE /images/~img/ep:1?force=1", None);
    talk.pull("~img/ep:1", &[]);
    talk.see("GET /images/~img/ep:1/json", &["Id"]);
    talk.json(
        "POST /containers/create?name=~a",
        &json!({ "Image": "~img/ep:1", "Entrypoint": ["sleep", "infinity"], "Cmd": [] }),
    );
    talk.ask("DELETE /images/~img/ep:1");
    talk.ask("POST /containers/~a/start");
    talk.ask("DELETE /images/~img/ep:1");
    talk.ask("DELETE /images/~img/ep:1?force=1");
    talk.see("GET /containers/~a/json", &["Config.Image", "State.Status"]);
    talk.ask("DELETE /containers/~a?force=1");
    talk.pull("~img/ep:1", &[]);
    talk.ask("DELETE /images/~img/ep:1");
}

fn by_id(talk: &mut Talk<'_>) {
    talk.quietly("DELETE /images/~img/ep:1?force=1", None);
    talk.pull("~img/ep:1", &[]);
    talk.see("GET /images/~img/ep:1/json", &["Id"]);
    talk.ask("POST /images/~img/ep:1/tag?repo=~t&tag=one");
    talk.ask("DELETE /images/<sha2>");
    talk.ask("DELETE /images/<sha2:12>?force=1");
    talk.ask("DELETE /images/<sha2:12>?force=1");
}

fn missing(talk: &mut Talk<'_>) {
    talk.ask("DELETE /images/~none");
    talk.ask("DELETE /images/~none:1?force=1");
    talk.ask("DELETE /images/~img/nosuch");
    talk.ask("DELETE /images/UPPER");
}

fn history(talk: &mut Talk<'_>) {
    talk.see("GET /images/~img/bb:1/history", &["Tags", "Comment"]);
    talk.ask("GET /images/~none/history");
}

fn by_digest(talk: &mut Talk<'_>) {
    talk.see("GET /images/~img/bb:1/json", &["Id", "RepoDigests"]);
    talk.json(
        "POST /containers/create?name=~a",
        &json!({ "Image": "sha256:<sha1>", "Cmd": ["true"] }),
    );
    talk.see("GET /containers/~a/json", &["Image", "Config.Image"]);
    talk.json("POST /containers/create?name=~b", &json!({ "Image": "<sha1:12>", "Cmd": ["true"] }));
    talk.see("GET /containers/~b/json", &["Image", "Config.Image"]);
    talk.json(
        "POST /containers/create?name=~c",
        &json!({ "Image": "~img/bb@sha256:<sha2>", "Cmd": ["true"] }),
    );
    talk.see("GET /containers/~c/json", &["Image", "Config.Image"]);
}

fn without_big(talk: &mut Talk<'_>) {
    talk.quietly(&format!("DELETE /images/{BIG}?force=1"), None);
}

fn whole(talk: &mut Talk<'_>) {
    without_big(talk);
    talk.pull(BIG, &[]);
    talk.see(&format!("GET /images/{BIG}/json"), &["RepoTags"]);
    without_big(talk);
}

fn up_to_date(talk: &mut Talk<'_>) {
    talk.pull("~img/bb:1", &[]);
}

fn no_tag(talk: &mut Talk<'_>) {
    talk.pull("~img/bb:nosuch", &[]);
}

fn no_repository(talk: &mut Talk<'_>) {
    talk.pull("~img/nosuch:1", &[]);
}

fn pull_by_digest(talk: &mut Talk<'_>) {
    talk.see("GET /images/~img/bb:1/json", &["RepoDigests"]);
    talk.pull("~img/bb:sha256:<sha1>", &[]);
    talk.ask("POST /images/create?fromImage=~img/bb@sha256:<sha1>");
    talk.ask("POST /images/create?fromImage=~img/bb&tag=sha256:<sha1>");
}

fn without_tag(talk: &mut Talk<'_>) {
    talk.ask("POST /images/create?fromImage=~img/nosuch");
}

fn credentials(talk: &mut Talk<'_>) {
    let none = [("X-Registry-Auth", "e30=")];
    // {"username":"u","password":"p"} and {"username":"u","password":"x"}
    let right = [("X-Registry-Auth", "eyJ1c2VybmFtZSI6InUiLCJwYXNzd29yZCI6InAifQ==")];
    let wrong = [("X-Registry-Auth", "eyJ1c2VybmFtZSI6InUiLCJwYXNzd29yZCI6IngifQ==")];
    let garbage = [("X-Registry-Auth", "!!!")];
    without_big(talk);
    talk.quietly("DELETE /images/~priv/big:1", None);
    talk.pull("~priv/big:1", &none);
    talk.pull("~priv/big:1", &garbage);
    talk.pull("~priv/big:1", &wrong);
    talk.pull("~priv/big:1", &right);
    talk.quietly("DELETE /images/~priv/big:1", None);
}

fn bad_names(talk: &mut Talk<'_>) {
    for (image, tag) in [
        ("UPPER", "1"),
        ("%20", ""),
        ("a%20b", "1"),
        ("~img/bb", ".bad"),
        ("~img/bb", "a%20b"),
        ("http://x/y", "1"),
        ("-x", ""),
        ("", "1"),
    ] {
        talk.ask(&format!("POST /images/create?fromImage={image}&tag={tag}"));
    }
    talk.ask("POST /images/create");
}

fn nobody(talk: &mut Talk<'_>) {
    talk.ask("POST /images/create?fromImage=127.0.0.1:1/x&tag=1");
}

fn with_status(talk: &mut Talk<'_>, status: u16) {
    without_big(talk);
    talk.trouble(Trouble::RefusesManifests(status));
    talk.pull(BIG, &[]);
    talk.trouble(Trouble::None);
}

fn status_500(talk: &mut Talk<'_>) {
    with_status(talk, 500);
}

fn status_429(talk: &mut Talk<'_>) {
    with_status(talk, 429);
}

fn status_403(talk: &mut Talk<'_>) {
    with_status(talk, 403);
}

fn platform(talk: &mut Talk<'_>) {
    talk.ask("POST /images/create?fromImage=~img/bb&tag=1&platform=");
    talk.ask("POST /images/create?fromImage=~img/bb&tag=1&platform=a/b/c/d");
    talk.ask("POST /images/create?fromImage=~img/bb&tag=1&platform=%25%25");
}

fn twice(talk: &mut Talk<'_>) {
    without_big(talk);
    talk.trouble(Trouble::Slow);
    let mut first = talk.begin_pull(BIG);
    talk.head(&mut first);
    talk.until_transfers("a layer is transferred", |transfers| transfers.layers > 0);
    let mut second = talk.begin_pull(BIG);
    talk.head(&mut second);
    talk.trouble(Trouble::None);
    // Whichever comes to its end first finds the image new.
    talk.finish_status("the first", first);
    talk.finish_status("the second", second);
    without_big(talk);
}
