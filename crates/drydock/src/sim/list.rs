//! `drydock sim list`.

use crate::error::UsageError;
use serde_json::json;
use sim::environment::Fault;
use sim::findings::FINDINGS;
use sim::oracle::ORACLES;
use sim::scenario::Scenario;
use sim::strategy::Kind;
use std::process::ExitCode;

#[derive(clap::Args)]
pub struct Arguments {
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub fn main(arguments: &Arguments) -> Result<ExitCode, UsageError> {
    let scenarios = Scenario::built_in()?;
    if arguments.json {
        let object = json!({
            "scenarios": scenarios.iter().map(|scenario| json!({
                "name": scenario.name,
                "description": scenario.description,
                "faults": scenario.faults,
            })).collect::<Vec<_>>(),
            "strategies": Kind::ALL.iter().map(|(_, name, _)| name).collect::<Vec<_>>(),
            "faults": Fault::ALL.iter().map(|(_, name)| name).collect::<Vec<_>>(),
            "oracles": ORACLES.iter().map(|(key, says)| json!({ "key": key, "says": says }))
                .collect::<Vec<_>>(),
            "findings": FINDINGS.iter().map(|finding| json!({
                "id": finding.id, "oracle": finding.oracle, "title": finding.title,
            })).collect::<Vec<_>>(),
        });
        println!("{object:#}");
        return Ok(ExitCode::SUCCESS);
    }
    println!("Scenarios (run one with: drydock sim run NAME)");
    for scenario in &scenarios {
        println!("  {:<28} {}", scenario.name, scenario.description);
    }
    println!("\nStrategies (--strategy)");
    for (_, name, says) in Kind::ALL {
        println!("  {name:<28} {says}");
    }
    println!("\nFaults (--faults K, or --faults kind=K,...)");
    for names in Fault::ALL.chunks(4) {
        let names: Vec<_> = names.iter().map(|(_, name)| format!("{name:<18}")).collect();
        println!("  {}", names.join(" ").trim_end());
    }
    println!("\nOracles");
    for (key, says) in ORACLES {
        println!("  {key:<28} {says}");
    }
    println!("\nFindings: upstream's own defects, kept by the port, counted apart");
    for finding in FINDINGS {
        println!("  {:<28} {}: {}", finding.id, finding.oracle, finding.title);
    }
    if FINDINGS.is_empty() {
        println!("  (none yet)");
    }
    Ok(ExitCode::SUCCESS)
}
