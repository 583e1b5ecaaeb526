//! Writes `docs/porting.md`, the map from Mesos to Drydock, from the marks in the code.
//!
//! ```text
//! cargo run -p drydock-tests --bin porting [-- --check]
//! ```
//!
//! It reads the `#[doc(alias = "Class::function")]` marks, the `// differs:` comments and the tests
//! of all crates, and from `tests/data` the names of upstream's tests and member functions and the
//! reasons why a test has no twin.
//!
//! Exit code 0: written, or current. 1: `--check` found that it is not current. 2: bad usage or
//! input.

mod attributes;
mod data;
mod differs;
mod map;
mod render;
mod source;
mod tree;
mod twins;

use std::fs;
use std::path::Path;
use std::process::ExitCode;

/// What is written, seen from the repository's root.
const TARGET: &str = "docs/porting.md";

/// Where the data files are, seen from the repository's root.
const DATA: &str = "tests/data";

fn main() -> ExitCode {
    let check = match std::env::args().skip(1).collect::<Vec<_>>().as_slice() {
        [] => false,
        [flag] if flag == "--check" => true,
        _ => {
            eprintln!("usage: porting [--check]");
            return ExitCode::from(2);
        }
    };
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let wanted = match generate(&root) {
        Ok(text) => text,
        Err(error) => {
            eprintln!("porting: {error}");
            return ExitCode::from(2);
        }
    };
    let target = root.join(TARGET);
    if check {
        let found = fs::read_to_string(&target).unwrap_or_default();
        return match first_difference(&found, &wanted) {
            None => ExitCode::SUCCESS,
            Some(difference) => {
                eprintln!("{TARGET} is not current; 'make porting' writes it anew.\n{difference}");
                ExitCode::FAILURE
            }
        };
    }
    match fs::write(&target, wanted) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("porting: cannot write {TARGET}: {error}");
            ExitCode::from(2)
        }
    }
}

/// The whole document.
fn generate(root: &Path) -> Result<String, String> {
    let read = |name: &str| {
        let path = root.join(DATA).join(name);
        fs::read_to_string(path).map_err(|error| format!("cannot read {DATA}/{name}: {error}"))
    };
    let groups = data::tests("upstream-tests.txt", &read("upstream-tests.txt")?)?;
    let reasons = data::reasons("no-twin.txt", &read("no-twin.txt")?, &groups)?;
    let classes = data::members("upstream-members.txt", &read("upstream-members.txt")?)?;
    let tree = tree::read(root)?;
    let map = map::Map::new(&tree.items, &classes);
    let twins = twins::Twins::new(&groups, &reasons, &tree.tests)?;
    Ok(render::document(&map, &twins, &classes))
}

/// Which line is the first that is not as it should be; nothing if all are.
fn first_difference(found: &str, wanted: &str) -> Option<String> {
    if found == wanted {
        return None;
    }
    let (mut found, mut wanted) = (found.split('\n'), wanted.split('\n'));
    let mut line = 1;
    loop {
        let pair = (found.next(), wanted.next());
        if pair.0 != pair.1 {
            let (found, wanted) = (pair.0.unwrap_or("(its end)"), pair.1.unwrap_or("(its end)"));
            return Some(format!("line {line} is:\n  {found}\nand should be:\n  {wanted}"));
        }
        line += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::first_difference;

    #[test]
    fn the_first_difference_is_named() {
        assert_eq!(first_difference("a\nb\n", "a\nb\n"), None);
        assert_eq!(
            first_difference("a\nb\n", "a\nc\n").unwrap(),
            "line 2 is:\n  b\nand should be:\n  c"
        );
        assert_eq!(
            first_difference("a", "a\n").unwrap(),
            "line 2 is:\n  (its end)\nand should be:\n  "
        );
    }
}
