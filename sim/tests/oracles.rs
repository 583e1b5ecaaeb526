//! Every oracle on the containerizer's bookkeeping fires when it must. (I-CLI and I-CRASH are shown
//! to fire by the mutants, I-DOCKER by the stored findings, I-FUT beside `Watched`.)

use containerizer::docker::{Observer, State};
use mesos::ContainerId;
use mesos::slave::ContainerTermination;
use sim::oracle::{DestroyedIn, Ledger};

fn container() -> ContainerId {
    ContainerId::new("c1")
}

fn end(ledger: &Ledger, message: Option<&str>) {
    let termination = ContainerTermination {
        message: message.map(str::to_owned),
        ..ContainerTermination::default()
    };
    ledger.terminated(&container(), Ok(&termination));
}

fn signatures(ledger: &Ledger) -> Vec<String> {
    ledger.take_violations().iter().map(|violation| violation.signature()).collect()
}

#[test]
fn a_life_in_order_violates_nothing() {
    use State::{Destroying, Fetching, Mounting, Pulling, Running};
    let ledger = Ledger::default();
    let states = [Fetching, Pulling, Mounting, Running, Destroying];
    let mut last = None;
    for state in states {
        ledger.state(&container(), last, state);
        last = Some(state);
    }
    end(&ledger, Some("Container killed"));
    ledger.erased(&container());
    assert_eq!(signatures(&ledger), Vec::<String>::new());
    let lives = ledger.lives();
    assert_eq!(lives[&container()].destroyed_in(), Some(DestroyedIn::State(Running)));
    assert!(ledger.all_terminated());
}

#[test]
fn a_step_back_is_i_state() {
    for (from, to) in [
        (State::Destroying, State::Running),
        (State::Running, State::Running),
        (State::Mounting, State::Pulling),
    ] {
        let ledger = Ledger::default();
        ledger.state(&container(), None, from);
        ledger.state(&container(), Some(from), to);
        assert_eq!(signatures(&ledger), [format!("I-STATE: {to} after {from}")]);
    }
}

#[test]
fn a_state_that_is_not_the_one_before_is_i_state() {
    let ledger = Ledger::default();
    ledger.state(&container(), None, State::Fetching);
    ledger.state(&container(), Some(State::Pulling), State::Mounting);
    assert_eq!(signatures(&ledger), ["I-STATE: MOUNTING after FETCHING"]);
}

#[test]
fn a_second_termination_is_i_term() {
    let ledger = Ledger::default();
    ledger.state(&container(), None, State::Fetching);
    end(&ledger, None);
    ledger.erased(&container());
    end(&ledger, None);
    assert_eq!(signatures(&ledger), ["I-TERM: terminated twice"]);
}

#[test]
fn a_terminated_container_in_the_map_is_i_map() {
    let ledger = Ledger::default();
    ledger.state(&container(), None, State::Pulling);
    end(&ledger, Some("Container destroyed while pulling image"));
    assert_eq!(signatures(&ledger), ["I-MAP: terminated but not erased"]);
}
