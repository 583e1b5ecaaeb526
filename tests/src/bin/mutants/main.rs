//! Puts historical bugs back, one at a time, and checks that a campaign finds each.
//!
//! ```text
//! cargo run -p drydock-tests --bin mutants -- [--quick] [NAME...]
//! ```
//!
//! A mutant is a patch in `sim/mutants`, with a header that says which oracle must catch it in
//! which scenario, see [`header`]. The patches are applied to a copy of the source tree in
//! `target/mutants/tree`; the work tree itself is only read. First the unmutated copy is run as a
//! control: it must find nothing. The traces of what was found are in `target/mutants/found`.
//!
//! Exit code 0: every mutant was caught by its oracle. 1: one was not, or its patch no longer
//! applies or builds, or the control found something. 2: bad usage or input.

#![allow(
    clippy::disallowed_methods,
    reason = "it measures and waits for real programs, as the Docker suites do"
)]

mod header;
mod hunt;
mod tree;

use header::Header;
use hunt::{Catch, Workshop};
use std::collections::BTreeMap;
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};
use tree::Tree;

/// How many mutants `--quick` tries.
const QUICK_AT_MOST: usize = 10;

/// The name of the control in logs and directories.
const CONTROL: &str = "unmutated";

/// A patch and what its header says.
struct Mutant {
    name: String,
    patch: PathBuf,
    header: Header,
}

/// What became of a mutant, or of the control.
struct Row {
    name: String,
    /// The oracles that caught it, or why there are none.
    caught: String,
    scenario: String,
    schedules: String,
    build: Duration,
    hunt: Duration,
    /// What is wrong; nothing if all is as it should be.
    problem: Option<String>,
}

#[derive(Default)]
struct Arguments {
    quick: bool,
    names: Vec<String>,
}

fn main() -> ExitCode {
    match run() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("mutants: {error}");
            ExitCode::from(2)
        }
    }
}

fn run() -> Result<ExitCode, String> {
    let Some(arguments) = parse(std::env::args().skip(1))? else {
        println!("usage: mutants [--quick] [NAME...]");
        println!("  NAME     a patch in sim/mutants, without .patch; all of them if none is given");
        println!("  --quick  at most {QUICK_AT_MOST} of them, and no control run");
        return Ok(ExitCode::SUCCESS);
    };
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .ok_or("the tests' package lies in the workspace")?;
    let mutants = choose(all(&root.join("sim/mutants"))?, &arguments)?;

    let target = match std::env::var_os("CARGO_TARGET_DIR") {
        Some(directory) => std::path::absolute(directory).map_err(|error| error.to_string())?,
        None => root.join("target"),
    };
    let own = target.join("mutants");
    // Held until the program ends, however it ends.
    let _lock = lock(&own)?;
    let tree = Tree::read(root, own.join("tree")).map_err(|error| error.to_string())?;
    let shop = Workshop { tree: tree.directory().to_owned(), target, mutants: own };

    let start = Instant::now();
    let mut rows = Vec::new();
    if !arguments.quick {
        rows.extend(control(&tree, &shop, &mutants)?);
    }
    if rows.iter().all(|row| row.problem.is_none()) {
        for mutant in &mutants {
            rows.push(attempt(&tree, &shop, mutant)?);
        }
    }
    tree.restore().map_err(|error| error.to_string())?;
    Ok(report(&rows, start.elapsed()))
}

/// Two runs at once would patch the same copy.
fn lock(directory: &Path) -> Result<File, String> {
    let path = directory.join("lock");
    let at = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    fs::create_dir_all(directory).map_err(|error| at(&error))?;
    let file = File::create(&path).map_err(|error| at(&error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(at(&"another run is under way; wait for its end")),
        Err(TryLockError::Error(error)) => Err(at(&error)),
    }
}

/// `None`: help is wanted.
fn parse(arguments: impl Iterator<Item = String>) -> Result<Option<Arguments>, String> {
    let mut parsed = Arguments::default();
    for argument in arguments {
        match argument.as_str() {
            "--quick" => parsed.quick = true,
            "--help" | "-h" => return Ok(None),
            option if option.starts_with('-') => {
                return Err(format!("{option}: unknown option; expected --quick or names"));
            }
            _ => parsed.names.push(argument),
        }
    }
    Ok(Some(parsed))
}

/// Reads all patches of a directory, in the order of their names.
fn all(directory: &Path) -> Result<Vec<Mutant>, String> {
    let entries =
        fs::read_dir(directory).map_err(|error| format!("{}: {error}", directory.display()))?;
    let mut mutants = Vec::new();
    for entry in entries {
        let patch = entry.map_err(|error| error.to_string())?.path();
        if patch.extension().is_none_or(|extension| extension != "patch") {
            continue;
        }
        let at = |error: String| format!("{}: {error}", patch.display());
        let text = fs::read_to_string(&patch).map_err(|error| at(error.to_string()))?;
        let header = Header::parse(&text).map_err(at)?;
        let name = patch.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        mutants.push(Mutant { name, patch, header });
    }
    if mutants.is_empty() {
        return Err(format!("{}: there are no mutants: no *.patch", directory.display()));
    }
    mutants.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(mutants)
}

fn choose(mut mutants: Vec<Mutant>, arguments: &Arguments) -> Result<Vec<Mutant>, String> {
    for name in &arguments.names {
        if !mutants.iter().any(|mutant| mutant.name == *name) {
            let known: Vec<_> = mutants.iter().map(|mutant| mutant.name.as_str()).collect();
            return Err(format!("there is no mutant '{name}'; there are {}", known.join(", ")));
        }
    }
    if !arguments.names.is_empty() {
        mutants.retain(|mutant| arguments.names.contains(&mutant.name));
    }
    if arguments.quick {
        mutants.truncate(QUICK_AT_MOST);
    }
    Ok(mutants)
}

/// Runs the unmutated copy through every scenario and budget that is going to be used.
fn control(tree: &Tree, shop: &Workshop, mutants: &[Mutant]) -> Result<Vec<Row>, String> {
    let mut budgets: BTreeMap<&str, u64> = BTreeMap::new();
    for Mutant { header, .. } in mutants {
        let budget = budgets.entry(&header.scenario).or_default();
        *budget = header.budget.max(*budget);
    }
    tree.restore().map_err(|error| error.to_string())?;
    eprintln!("{CONTROL}: the control");
    let start = Instant::now();
    shop.build(CONTROL).map_err(|error| format!("the unmutated tree: {error}"))?;
    let mut build = start.elapsed();

    let mut rows = Vec::new();
    for (scenario, budget) in budgets {
        let start = Instant::now();
        let found = shop.campaign(CONTROL, scenario, budget)?;
        rows.push(Row {
            name: format!("({CONTROL})"),
            caught: found.as_ref().map_or("nothing found".into(), |found| found.oracles.join(", ")),
            scenario: scenario.to_owned(),
            schedules: found.as_ref().map_or(budget, |found| found.schedules).to_string(),
            build: std::mem::take(&mut build),
            hunt: start.elapsed(),
            problem: found.map(|found| {
                format!("without any mutation {scenario} violates {}", describe(&found))
            }),
        });
    }
    Ok(rows)
}

/// Tries one mutant. An error is one of the machine; what is wrong with the mutant is in the row.
fn attempt(tree: &Tree, shop: &Workshop, mutant: &Mutant) -> Result<Row, String> {
    let Mutant { name, patch, header } = mutant;
    eprintln!("{name}: {} ({}, {})", header.title, header.upstream, header.component);
    tree.restore().map_err(|error| error.to_string())?;
    let mut row = Row {
        name: name.clone(),
        caught: "-".to_owned(),
        scenario: header.scenario.clone(),
        schedules: "-".to_owned(),
        build: Duration::ZERO,
        hunt: Duration::ZERO,
        problem: None,
    };
    if let Err(error) = tree.apply(patch) {
        row.problem = Some(format!("{} no longer applies:\n{error}", patch.display()));
        return Ok(row);
    }
    let start = Instant::now();
    let built = shop.build(name);
    row.build = start.elapsed();
    if let Err(error) = built {
        row.problem = Some(format!("{}: {error}", patch.display()));
        return Ok(row);
    }
    let start = Instant::now();
    let found = shop.campaign(name, &header.scenario, header.budget);
    row.hunt = start.elapsed();
    match found {
        Err(error) => row.problem = Some(format!("{}: {error}", patch.display())),
        Ok(None) => {
            row.caught = "ESCAPED".to_owned();
            row.schedules = header.budget.to_string();
            row.problem = Some(format!(
                "{} schedules of {} violate nothing; {} was to catch it: {}",
                header.budget, header.scenario, header.oracle, header.interleaving
            ));
        }
        Ok(Some(found)) => {
            row.caught = found.oracles.join(", ");
            row.schedules = found.schedules.to_string();
            if !found.oracles.contains(&header.oracle) {
                row.problem = Some(format!(
                    "{} was to catch it, but what was violated first is {}",
                    header.oracle,
                    describe(&found)
                ));
            }
        }
    }
    Ok(row)
}

fn describe(found: &Catch) -> String {
    let (oracles, message) = (found.oracles.join(", "), &found.message);
    format!("{oracles} after {} schedules: {message}", found.schedules)
}

/// Prints the table, what is wrong, and the sum.
fn report(rows: &[Row], elapsed: Duration) -> ExitCode {
    let titles = ["mutant", "caught by", "scenario", "schedules", "build", "hunt"];
    let mut lines = vec![titles.map(str::to_owned)];
    for row in rows {
        let seconds = |time: Duration| format!("{:.1} s", time.as_secs_f64());
        lines.push([
            row.name.clone(),
            row.caught.clone(),
            row.scenario.clone(),
            row.schedules.clone(),
            seconds(row.build),
            seconds(row.hunt),
        ]);
    }
    let widths: [usize; 6] = std::array::from_fn(|column| {
        lines.iter().map(|line| line[column].chars().count()).max().unwrap_or_default()
    });
    println!();
    for [name, caught, scenario, schedules, build, hunt] in &lines {
        println!(
            "{name:<a$}  {caught:<b$}  {scenario:<c$}  {schedules:>d$}  {build:>e$}  {hunt:>f$}",
            a = widths[0],
            b = widths[1],
            c = widths[2],
            d = widths[3],
            e = widths[4],
            f = widths[5],
        );
    }
    for row in rows {
        if let Some(problem) = &row.problem {
            println!("\n{}: {problem}", row.name);
        }
    }
    let failed = rows.iter().filter(|row| row.problem.is_some()).count();
    println!("\n{:.0} s in all", elapsed.as_secs_f64());
    println!("mutants: {} passed, {failed} failed", rows.len() - failed);
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(text: &str) -> Result<Option<Arguments>, String> {
        parse(text.split_whitespace().map(str::to_owned))
    }

    fn mutants(count: usize) -> Vec<Mutant> {
        let header = "Title: a\nUpstream: b\nComponent: c\nInterleaving: d\nOracle: I-E\n\
                      Scenario: f\n";
        let mutant = |number| Mutant {
            name: format!("m{number}"),
            patch: PathBuf::new(),
            header: Header::parse(header).expect("a header"),
        };
        (0..count).map(mutant).collect()
    }

    #[test]
    fn names_choose_among_the_mutants() {
        let chosen = |text: &str| {
            let arguments = arguments(text)?.expect("no help wanted");
            let chosen = choose(mutants(12), &arguments)?;
            Ok::<_, String>(chosen.into_iter().map(|mutant| mutant.name).collect::<Vec<_>>())
        };
        assert_eq!(chosen("m3 m1"), Ok(vec!["m1".to_owned(), "m3".to_owned()]));
        assert_eq!(chosen("").map(|names| names.len()), Ok(12));
        assert_eq!(chosen("--quick").map(|names| names.len()), Ok(QUICK_AT_MOST));
        assert!(chosen("m1 m99").is_err_and(|error| error.contains("m99") && error.contains("m0")));
        assert!(arguments("--fast").is_err());
        assert!(arguments("m1 --help").is_ok_and(|arguments| arguments.is_none()));
    }

    #[test]
    fn only_one_run_at_a_time() {
        let lab = tempfile::tempdir().expect("a directory");
        let first = lock(lab.path()).expect("nobody else runs");
        assert!(lock(lab.path()).is_err_and(|error| error.contains("another run is under way")));
        drop(first);
        assert!(lock(lab.path()).is_ok());
    }

    #[test]
    fn a_patch_with_a_bad_header_is_named() {
        let lab = tempfile::tempdir().expect("a directory");
        assert!(all(lab.path()).is_err_and(|error| error.contains("no mutants")));
        fs::write(lab.path().join("README.md"), "").expect("written");
        fs::write(lab.path().join("bad.patch"), "--- a/x\n").expect("written");
        assert!(all(lab.path()).is_err_and(|error| error.contains("bad.patch: the header has no")));
    }
}
