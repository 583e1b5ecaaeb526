//! Tests of resources; the values are those of upstream's `src/tests/resources_tests.cpp`.

use super::*;
use crate::{
    Labels, Volume,
    resource::{
        DiskInfo, ReservationInfo, RevocableInfo, SharedInfo,
        disk_info::{Persistence, Source, source},
        reservation_info,
    },
};

fn parse(text: &str) -> Resources {
    Resources::parse(text).unwrap()
}

fn one(text: &str) -> Resource {
    parse(text).iter().next().unwrap().clone()
}

fn volume(megabytes: f64, id: &str) -> Resource {
    let persistence = Some(Persistence { id: id.into(), principal: None });
    let disk = Some(DiskInfo { persistence, ..Default::default() });
    Resource { disk, ..scalar("disk", megabytes) }
}

fn disk_of(r#type: source::Type, id: Option<&str>) -> Resource {
    let mut source = Source { id: id.map(Into::into), ..Default::default() };
    source.set_type(r#type);
    let disk = Some(DiskInfo { source: Some(source), ..Default::default() });
    Resource { disk, ..scalar("disk", 100.0) }
}

#[test]
fn amounts() {
    let r = parse("cpus:45.55;mem:1024;ports:[10000-20000, 30000-50000];disk:512;gpus:2");
    assert_eq!(r.cpus(), Some(45.55));
    assert_eq!(r.gpus(), Some(2.0));
    assert_eq!(r.mem(), Some(Bytes::megabytes(1024)));
    assert_eq!(r.disk(), Some(Bytes::megabytes(512)));
    assert_eq!(r.ports().unwrap().to_string(), "[10000-20000, 30000-50000]");

    let r = parse("cpus:45.55;disks:{sda1}");
    assert_eq!(r.mem(), None);
    assert_eq!(r.ports(), None);
    assert_eq!(r.set("disks").unwrap().item, ["sda1"]);
}

#[test]
fn parsing() {
    for (text, expected) in [
        ("", "{}"),
        ("cpus:0", "{}"),
        ("cpus:4;mem:4096;ports:[31000-32000]", "cpus:4; mem:4096; ports:[31000-32000]"),
        (" cpus : 4 ; mem : 1 ", "cpus:4; mem:1"),
        (
            "cpus(role1):2.5;ports(role2):[0-100]",
            "cpus(reservations: [(STATIC,role1)]):2.5; ports(reservations: [(STATIC,role2)]):[0-100]",
        ),
        ("cpus:1;cpus:2", "cpus:3"),
        (r#"[{"name": "cpus", "type": "SCALAR", "scalar": {"value": 2}}]"#, "cpus:2"),
        (
            r#"[{"name": "cpus", "type": "SCALAR", "scalar": {"value": 2}, "role": "web"}]"#,
            "cpus(reservations: [(STATIC,web)]):2",
        ),
    ] {
        assert_eq!(parse(text).to_string(), expected);
    }
    assert_eq!(
        Resources::parse_for("cpus:2.5;ports(role2):[0-100]", "role1"),
        Resources::parse("cpus(role1):2.5;ports(role2):[0-100]")
    );
}

#[test]
fn parse_errors_say_what_and_where() {
    for (text, expected) in [
        ("cpus", "Bad value for resources, missing or extra ':' in cpus"),
        ("cpus:1:2", "Bad value for resources, missing or extra ':' in cpus:1:2"),
        ("cpus(role1:1", "Bad value for resources, mismatched parentheses in cpus(role1:1"),
        ("cpus)(role1:1", "Bad value for resources, mismatched parentheses in cpus)(role1:1"),
        ("cpus:x", "Bad type for resource cpus value x type TEXT"),
        ("cpus:-1", "Bad type for resource cpus value -1 type TEXT"),
        ("cpus: ", "Failed to parse resource cpus value   error expected a value, found nothing"),
        ("cpus:0.0001", "Resource 'cpus' is invalid: Invalid scalar resource: value <= 0"),
        ("ports:[5-1]", "Resource 'ports' is invalid: Invalid ranges resource: begin > end"),
        ("d:{a,a}", "Resource 'd' is invalid: Invalid set resource: duplicated elements"),
        ("(r):1", "Resource '' is invalid: Empty resource name"),
        ("cpus():1", "Resource 'cpus' is invalid: Role names cannot be the empty string"),
        (
            "foo(role1):1;foo(role2):[0-1]",
            "Resources with the same name ('foo') but different types are not allowed",
        ),
        (
            r#"[{"name": "cpus", "type": "SCALAR", "scalar": {"value": "a"}}]"#,
            "Some JSON resources were not formatted properly: [0].scalar.value: expected a number, \
             found the string \"a\"",
        ),
        (
            r#"[{"name": "cpus", "type": "SCALAR", "scalar": {"value": 1}, "revocable": {}}]"#,
            "Revocable resources cannot be specified at the command line",
        ),
    ] {
        assert_eq!(Resources::parse(text).unwrap_err().to_string(), expected, "{text}");
    }
    assert_eq!(
        Resources::parse(r#"[1]"#).unwrap_err().to_string(),
        "Some JSON resources were not formatted properly: [0]: expected an object, found a number"
    );
}

#[test]
fn adding_and_subtracting() {
    for (left, right, sum, difference) in [
        ("cpus:1;mem:5", "cpus:2;mem:10", "cpus:3;mem:15", ""),
        ("cpus:50;mem:4096", "cpus:0.5;mem:1024", "cpus:50.5;mem:5120", "cpus:49.5;mem:3072"),
        ("cpus(a):5;cpus(b):3", "cpus(a):1", "cpus(a):6;cpus(b):3", "cpus(a):4;cpus(b):3"),
        ("ports:[1-10]", "ports:[11-20]", "ports:[1-20]", "ports:[1-10]"),
        (
            "ports:[50000-60000]",
            "ports:[50000-50001]",
            "ports:[50000-60000]",
            "ports:[50002-60000]",
        ),
        ("disks:{sda1,sda2}", "disks:{sda1,sda3}", "disks:{sda1,sda2,sda3}", "disks:{sda2}"),
        ("cpus:1", "mem:1", "cpus:1;mem:1", "cpus:1"),
        ("cpus:0.1", "cpus:0.2", "cpus:0.3", ""),
    ] {
        let (left, right) = (parse(left), parse(right));
        assert_eq!(left.clone() + &right, parse(sum));
        assert_eq!(left - &right, parse(difference));
    }
}

#[test]
fn containment() {
    for (outer, inner, expected) in [
        ("cpus:50;mem:4096", "cpus:50;mem:4096", true),
        ("cpus:50", "cpus:50.001", false),
        ("cpus:50;mem:1", "mem:1", true),
        ("cpus:50", "", true),
        ("", "cpus:1", false),
        ("cpus(role1):1", "cpus:1", false),
        ("ports:[1-10]", "ports:[2-3,5-7]", true),
        ("ports:[2-3]", "ports:[1-2]", false),
        ("disks:{sda1,sda2}", "disks:{sda2}", true),
        ("disks:{sda1,sda2}", "disks:{sda3}", false),
    ] {
        assert_eq!(parse(outer).contains(&parse(inner)), expected, "{outer} contains {inner}");
    }
    assert!(!parse("cpus:1").contains_resource(&scalar("cpus", -1.0)));
}

#[test]
fn persistent_volumes_stay_apart() {
    let r = Resources::from(vec![volume(64.0, "id1"), volume(64.0, "id2"), scalar("disk", 36.0)]);
    assert_eq!(r.len(), 3);
    assert_eq!(r.disk(), Some(Bytes::megabytes(164)));
    assert_eq!(r.persistent_volumes().to_string(), "disk[id1]:64; disk[id2]:64");
    assert!(r.contains_resource(&volume(64.0, "id1")));
    assert!(!r.contains_resource(&volume(32.0, "id1")));
    assert!(!r.contains(&Resources::from_iter([volume(64.0, "id1"), volume(64.0, "id1")])));

    // Where it is mounted makes no other volume.
    let mut mounted = volume(64.0, "id1");
    mounted.disk.as_mut().unwrap().volume =
        Some(Volume { container_path: "data".into(), mode: 1, ..Default::default() });
    assert!(r.contains_resource(&mounted));
    assert_eq!(mounted.to_string(), "disk[id1:data]:64");
}

#[test]
fn only_some_disks_can_be_added() {
    for (r#type, id, together) in [
        (source::Type::Path, None, 1),
        (source::Type::Mount, None, 2),
        (source::Type::Block, None, 2),
        (source::Type::Raw, None, 1),
        (source::Type::Raw, Some("id"), 2),
    ] {
        let disk = disk_of(r#type, id);
        assert_eq!(Resources::from(vec![disk.clone(), disk.clone()]).len(), together);
        assert!((Resources::from(disk.clone()) - Resources::from(disk)).is_empty());
    }
}

#[test]
fn shared_resources_are_counted() {
    let shared = Resource { shared: Some(SharedInfo {}), ..volume(64.0, "id") };
    let twice = Resources::from(vec![shared.clone(), shared.clone()]);
    assert_eq!((twice.len(), twice.count(&shared)), (1, 2));
    assert_eq!(twice.to_string(), "disk[id]<SHARED>:64<2>");

    let mut rest = twice.clone();
    rest -= &shared;
    assert!(twice.contains(&rest) && !rest.contains(&twice));
    rest -= &shared;
    assert!(rest.is_empty());
}

#[test]
fn roles_and_allocation() {
    let r = parse("cpus(web):2;cpus:1;mem:10");
    assert_eq!(r.reserved(Some("web")), parse("cpus(web):2"));
    assert_eq!(r.reserved(None), parse("cpus(web):2"));
    assert_eq!(r.unreserved(), parse("cpus:1;mem:10"));
    assert_eq!(r.to_unreserved(), parse("cpus:3;mem:10"));

    let allocated = r.allocated_to("web");
    assert_ne!(allocated, r);
    assert_eq!(allocated.unallocated(), r);
    assert_eq!(parse("cpus:1").allocated_to("*").to_string(), "cpus(allocated: *):1");
}

#[test]
fn revocable_resources_are_kept_apart() {
    let revocable = Resource { revocable: Some(RevocableInfo {}), ..scalar("cpus", 2.0) };
    let r = parse("cpus:1") + Resources::from(revocable.clone());
    assert_eq!(r.to_string(), "cpus:1; cpus{REV}:2");
    assert_eq!(r.revocable(), Resources::from(revocable));
    assert_eq!(r.non_revocable(), parse("cpus:1"));
}

#[test]
fn invalid_and_empty_resources_are_left_out() {
    let mut text = one("cpus:1");
    text.set_type(Type::Text);
    let refined = |roles: &[&str]| {
        let reservation = |role: &&str| ReservationInfo {
            r#type: Some(reservation_info::Type::Dynamic.into()),
            role: Some((*role).into()),
            principal: Some("p".into()),
            labels: Some(Labels::default()),
        };
        let reservations = roles.iter().map(reservation).collect();
        Resource { reservations, ..scalar("cpus", 1.0) }
    };
    for resource in [
        scalar("cpus", -1.0),
        scalar("cpus", f64::NAN),
        scalar("", 1.0),
        text,
        Resource { disk: Some(DiskInfo::default()), ..scalar("cpus", 1.0) },
        Resource { shared: Some(SharedInfo {}), ..scalar("disk", 1.0) },
        Resource { r#type: 77, ..scalar("cpus", 1.0) },
        disk_of(source::Type::Unknown, None),
        refined(&["a", "b"]),
        refined(&["a", "ab"]),
        refined(&["*"]),
        refined(&["a//b"]),
        refined(&["-a"]),
        Resource::default(),
    ] {
        assert!(validate(&resource).is_err(), "{resource}");
        assert!(Resources::from(resource).is_empty());
    }
    let good = refined(&["a", "a/b"]);
    assert_eq!(validate(&good), Ok(()));
    assert_eq!(good.to_string(), "cpus(reservations: [(DYNAMIC,a,p,{}),(DYNAMIC,a/b,p,{})]):1");
    assert_eq!(Vec::from(Resources::from(good.clone())), [good]);
}
