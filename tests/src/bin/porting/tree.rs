//! Reads the files of all crates.

use crate::source::{self, Item, Test};
use std::fs;
use std::path::{Path, PathBuf};

/// What is in the repository.
#[derive(Default)]
pub struct Tree {
    /// The items of all crates.
    pub items: Vec<Item>,
    /// All tests.
    pub tests: Vec<Test>,
}

/// Reads `crates/*`, `sim` and the suites in `tests`.
pub fn read(root: &Path) -> Result<Tree, String> {
    let mut crates: Vec<String> = list(&root.join("crates"))?
        .iter()
        .filter(|path| path.is_dir())
        .filter_map(|path| Some(format!("crates/{}", path.file_name()?.to_str()?)))
        .collect();
    crates.push("sim".to_owned());
    let mut tree = Tree::default();
    for krate in crates {
        read_into(&mut tree, root, &krate, &format!("{krate}/src"), true)?;
        read_into(&mut tree, root, &krate, &format!("{krate}/tests"), false)?;
    }
    read_into(&mut tree, root, "tests", "tests/tests", false)?;
    Ok(tree)
}

/// Reads a directory, if it is there; suites have tests only.
fn read_into(
    tree: &mut Tree,
    root: &Path,
    krate: &str,
    directory: &str,
    with_items: bool,
) -> Result<(), String> {
    if !root.join(directory).is_dir() {
        return Ok(());
    }
    for path in list(&root.join(directory))? {
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else { continue };
        let inside = format!("{directory}/{name}");
        if path.is_dir() {
            read_into(tree, root, krate, &inside, with_items)?;
        } else if name.ends_with(".rs") {
            let text = fs::read_to_string(&path)
                .map_err(|error| format!("cannot read {inside}: {error}"))?;
            let contents = source::read(krate, &inside, &text)?;
            tree.tests.extend(contents.tests);
            if with_items {
                tree.items.extend(contents.items);
            }
        }
    }
    Ok(())
}

/// What is in a directory, sorted.
fn list(directory: &Path) -> Result<Vec<PathBuf>, String> {
    let wrong = |error| format!("cannot read {}: {error}", directory.display());
    let mut paths = Vec::new();
    for entry in fs::read_dir(directory).map_err(wrong)? {
        paths.push(entry.map_err(wrong)?.path());
    }
    paths.sort();
    Ok(paths)
}
