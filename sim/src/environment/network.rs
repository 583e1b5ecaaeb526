//! The network between simulated programs: the faults that hit messages by name.
//!
//! Programs are processes that share an address; how messages travel between two of them is in
//! [`process::simulated::network`]. Here it is decided what becomes of each: a choice on the stream,
//! within the budgets. What stays within one program is never hit.

use super::{Fault, Operations};
use process::Message;
use process::simulated::Simulation;
use process::simulated::network::Verdict;

/// What can happen to a message; the natural outcome is none of them.
const FAULTS: [Fault; 3] = [Fault::MessageLost, Fault::MessageDoubled, Fault::ConnectionBroken];

/// Lets faults strike the messages of this simulation.
pub fn connect(simulation: &Simulation, operations: &Operations) {
    let operations = operations.clone();
    simulation.set_network(move |message| verdict(&operations, message));
}

fn verdict(operations: &Operations, message: &Message) -> Verdict {
    let subject = format!("{} from {} to {}", message.name, message.from, message.to);
    match operations.inject("message", &subject, &FAULTS) {
        Some(Fault::MessageLost) => Verdict::Lose,
        Some(Fault::MessageDoubled) => Verdict::Duplicate,
        Some(Fault::ConnectionBroken) => Verdict::Break,
        _ => Verdict::Deliver,
    }
}
