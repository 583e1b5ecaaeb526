//! Networks, and containers in them.

use super::Rig;
use crate::environment::daemon::{
    ContainerConfig, EndpointConfig, Filters, NetworkConfig, Request,
};
use serde_json::{Value, json};

fn create(rig: &Rig, name: &str) -> super::Talk {
    let config = NetworkConfig { name: name.to_owned(), ..NetworkConfig::default() };
    rig.ask(Request::CreateNetwork { config })
}

fn in_network(mode: &str) -> ContainerConfig {
    ContainerConfig {
        image: "bb:1".to_owned(),
        command: vec!["sleep".to_owned(), "1000".to_owned()],
        network_mode: mode.to_owned(),
        ..ContainerConfig::default()
    }
}

fn inspect(rig: &Rig, network: &str) -> Value {
    rig.ask(Request::InspectNetwork { network: network.into() }).body()
}

fn remove(rig: &Rig, network: &str) -> super::Talk {
    rig.ask(Request::RemoveNetwork { network: network.into() })
}

#[test]
fn containers_have_addresses_while_they_run() {
    let rig = Rig::interpreting();
    for name in ["one", "two"] {
        rig.create_as(name, in_network("")).expect(201);
        rig.start(name).expect(204);
    }
    let settings = &rig.inspect("two")["NetworkSettings"];
    assert_eq!(settings["IPAddress"], "172.17.0.3");
    assert_eq!(settings["Networks"]["bridge"]["Gateway"], "172.17.0.1");
    assert_eq!(settings["MacAddress"], "02:42:ac:11:00:03");
    let members = inspect(&rig, "bridge")["Containers"].clone();
    assert_eq!(members.as_object().map(serde_json::Map::len), Some(2));
    rig.ask(Request::Kill { container: "one".into(), signal: 9 }).expect(204);
    assert_eq!(rig.inspect("one")["NetworkSettings"]["IPAddress"], "");
    rig.create_as("three", in_network("default")).expect(201);
    rig.start("three").expect(204);
    assert_eq!(rig.inspect("three")["NetworkSettings"]["IPAddress"], "172.17.0.2");
    // One that starts again is connected again, elsewhere if need be.
    rig.start("one").expect(204);
    assert_eq!(rig.inspect("one")["NetworkSettings"]["IPAddress"], "172.17.0.4");
}

#[test]
fn host_none_and_anothers_network_have_no_address() {
    let rig = Rig::interpreting();
    for mode in ["host", "none"] {
        rig.create_as(mode, in_network(mode)).expect(201);
        rig.start(mode).expect(204);
        let settings = &rig.inspect(mode)["NetworkSettings"];
        assert_eq!(settings["IPAddress"], "");
        assert_eq!(settings["Networks"][mode]["IPAddress"], "");
        assert_ne!(settings["Networks"][mode]["NetworkID"], "");
    }
    rig.create_as("other", in_network("container:host")).expect(201);
    rig.start("other").expect(204);
    assert_eq!(rig.inspect("other")["NetworkSettings"]["Networks"], json!({}));
    rig.create_as("late", in_network("container:nobody")).expect(201);
    rig.start("late").expect(404);
}

#[test]
fn a_network_of_ones_own() {
    let rig = Rig::interpreting();
    let id = create(&rig, "net1").expect(201).body()["Id"].as_str().unwrap().to_owned();
    let again = create(&rig, "net1").refusal();
    assert_eq!(
        (again.status, again.message.as_ref()),
        (409, "network with name net1 already exists")
    );
    let mut config = in_network("net1");
    config.endpoints.push(EndpointConfig {
        network: "net1".to_owned(),
        aliases: vec!["web".to_owned()],
        ipv4: Some("172.18.0.9".to_owned()),
    });
    rig.create_as("c1", config).expect(201);
    rig.start("c1").expect(204);
    let container = rig.inspect("c1");
    let own = &container["NetworkSettings"]["Networks"]["net1"];
    assert_eq!(own["IPAddress"], "172.18.0.9");
    assert_eq!(own["Aliases"], json!(["web", container["Id"].as_str().unwrap()[..12]]));
    assert_eq!(container["NetworkSettings"]["IPAddress"], "", "that is the default bridge's");
    let network = inspect(&rig, &id[..12]);
    assert_eq!(
        network["IPAM"]["Config"],
        json!([{"Subnet": "172.18.0.0/16", "Gateway": "172.18.0.1"}])
    );
    let member = &network["Containers"][container["Id"].as_str().unwrap()];
    assert_eq!((&member["Name"], &member["IPv4Address"]), (&json!("c1"), &json!("172.18.0.9/16")));
    let busy = remove(&rig, "net1").refusal();
    assert_eq!(
        (busy.status, busy.message.as_ref()),
        (
            403,
            format!("error while removing network: network net1 id {id} has active endpoints")
                .as_str()
        )
    );
    rig.ask(Request::Remove { container: "c1".into(), force: true, volumes: false }).expect(204);
    remove(&rig, "net1").expect(204);
    assert_eq!(remove(&rig, "net1").refusal().message, "network net1 not found");
}

#[test]
fn a_start_needs_its_network() {
    let rig = Rig::interpreting();
    rig.create_as("c1", in_network("nonet")).expect(201);
    let refusal = rig.start("c1").refusal();
    assert_eq!((refusal.status, refusal.message.as_ref()), (404, "network nonet not found"));
    let state = &rig.inspect("c1")["State"];
    assert_eq!(
        (&state["ExitCode"], &state["Error"]),
        (&json!(128), &json!("network nonet not found"))
    );
    create(&rig, "nonet").expect(201);
    rig.start("c1").expect(204);
}

#[test]
fn what_is_there_from_the_start_stays_as_it_is() {
    let rig = Rig::interpreting();
    let all = rig.ask(Request::Networks { filters: Filters::default() }).body();
    let names: Vec<&str> =
        all.as_array().unwrap().iter().map(|one| one["Name"].as_str().unwrap()).collect();
    assert_eq!(names, ["bridge", "host", "none"]);
    let refusal = remove(&rig, "bridge").refusal();
    assert_eq!(refusal.message, "bridge is a pre-defined network and cannot be removed");
    let refusal = create(&rig, "host").refusal();
    assert_eq!(refusal.message, "operation is not permitted on predefined host network ");
    assert_eq!(create(&rig, "").refusal().message, "invalid name: ");
    let config = NetworkConfig {
        name: "n2".to_owned(),
        driver: "nodrv".to_owned(),
        ..NetworkConfig::default()
    };
    let refusal = rig.ask(Request::CreateNetwork { config }).refusal();
    assert_eq!((refusal.status, refusal.message.as_ref()), (404, "plugin \"nodrv\" not found"));
    let custom = Filters::default().with("type", "custom");
    assert_eq!(rig.ask(Request::Networks { filters: custom }).body(), json!([]));
    let bad = Filters::default().with("bad", "x");
    assert_eq!(
        rig.ask(Request::Networks { filters: bad }).refusal().message,
        "Invalid filter 'bad'"
    );
}

#[test]
fn a_container_joins_and_leaves_while_it_runs() {
    let rig = Rig::interpreting();
    create(&rig, "net1").expect(201);
    rig.create_as("c1", in_network("")).expect(201);
    rig.start("c1").expect(204);
    let connect = || {
        let (network, container) = ("net1".into(), "c1".into());
        rig.ask(Request::Connect { network, container, aliases: vec!["db".to_owned()] })
    };
    connect().expect(204);
    connect().expect(403);
    let networks = rig.inspect("c1")["NetworkSettings"]["Networks"].clone();
    assert_eq!(networks.as_object().map(serde_json::Map::len), Some(2));
    assert_eq!(networks["net1"]["Aliases"][0], "db");
    // It is in both again after a restart.
    rig.ask(Request::Restart { container: "c1".into(), seconds: Some(0) }).expect(204);
    assert_eq!(rig.inspect("c1")["NetworkSettings"]["Networks"]["net1"]["IPAddress"], "172.18.0.2");
    let disconnect = || {
        let (network, container) = ("net1".into(), "c1".into());
        rig.ask(Request::Disconnect { network, container, force: false })
    };
    disconnect().expect(204);
    // As the conversation "networks: a network's life" recorded it.
    disconnect().expect(500);
    remove(&rig, "net1").expect(204);
}
