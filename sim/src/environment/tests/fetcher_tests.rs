//! The fetcher over the simulated host, under many schedules: a twin of `fetcher_tests.cpp`.

use super::fetcher_cache_tests::{Agent, SCRIPT, asset, cached};
use super::schedules::under_many_schedules;
use mesos::command_info::Uri;

#[test]
fn duplicate_file_uri() {
    under_many_schedules(|rig, schedule| {
        let agent = Agent::new(rig, schedule, 1000);
        let path = asset(rig, "test", SCRIPT);
        let uri =
            |output: &str| Uri { output_file: Some(output.to_owned()), ..cached(path.as_str()) };
        let names = ["one", "two", "three"];
        assert!(agent.fetch_all(0, names.map(uri).to_vec()).is_ready());
        for name in names {
            assert!(agent.in_sandbox(0, name), "{name}");
        }
        assert_eq!(agent.cached(), ["c1-test"]);
        agent.assert_consistent();
    });
}
