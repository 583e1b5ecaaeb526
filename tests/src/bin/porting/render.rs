//! Writes the map as Markdown.

use crate::data::Class;
use crate::map::{Area, Map, Row};
use crate::source::{Item, Test};
use crate::twins::{State, Twins};
use std::fmt::Write;

/// How many twins a row names before it only counts them.
const NAMED: usize = 3;

const INTRODUCTION: &str = "\
# Porting map

From Mesos (at `c1b42f79d`) to Drydock: what became of which function, what differs, and which
upstream test has a twin. Written by `make porting` from the marks in the code, and checked by
`make lint`: do not edit it, edit the marks.

- A row is a mark `#[doc(alias = \"Class::function\")]`; a mark without a class, on a part of a type
  that stands for a class, is about that class. *Same name* is what needs no mark: a member function
  in `tests/data/upstream-members.txt` whose Rust namesake is part of the type that stands for its
  class.
- *Differs* is the text of the `// differs:` comments in the item and directly above it.
- *Twins* are the twins of upstream tests, in the crate's suites, that call the function by its name.
  Where several functions share it, only those that name its type as well.
";

/// The whole document.
pub fn document(map: &Map<'_>, twins: &Twins<'_>, classes: &[Class]) -> String {
    let mut out = INTRODUCTION.to_owned();
    for (area, title) in [
        (Area::Mesos, "The Mesos agent, by class"),
        (Area::Libprocess, "libprocess and the operating system, by class"),
    ] {
        writeln!(out, "\n## {title}").expect("a string takes all");
        for (class, rows) in map.tables.get(&area).into_iter().flatten() {
            table(&mut out, class, rows, map, twins);
        }
    }
    out.push_str("\n## Names without a class, by crate\n");
    for (krate, rows) in &map.plain {
        table(&mut out, krate, rows, map, twins);
    }
    others(&mut out, &map.others);
    missing(&mut out, map, classes);
    tests(&mut out, twins);
    out
}

/// The rows of a class.
fn table(out: &mut String, title: &str, rows: &[Row<'_>], map: &Map<'_>, twins: &Twins<'_>) {
    write!(out, "\n### {}\n\n", name(title)).expect("a string takes all");
    out.push_str("| upstream | here | file | differs | twins |\n|---|---|---|---|---|\n");
    for row in rows {
        let item = row.item;
        let kind = match row.same_name {
            true => format!("{}, same name", item.kind),
            false => item.kind.to_owned(),
        };
        line(
            out,
            &[
                code(&row.upstream),
                format!("{} ({kind})", code(&item.path)),
                link(&item.file),
                differs(&item.differs),
                mentioning(item, map, twins),
            ],
        );
    }
}

/// The twins that call a function.
fn mentioning(item: &Item, map: &Map<'_>, twins: &Twins<'_>) -> String {
    if !item.is_function() {
        return String::new();
    }
    let mut namesakes = map.items.iter().filter(|other| {
        other.krate == item.krate && other.is_function() && other.name == item.name
    });
    let is_ambiguous = namesakes.nth(1).is_some();
    let names = twins.mentioning(&item.krate, |test| {
        let names_owner = item.owner.as_ref().is_none_or(|owner| test.names.contains(owner));
        test.calls.contains(&item.name) && (!is_ambiguous || names_owner)
    });
    let mut shown: Vec<String> = names.iter().take(NAMED).map(|name| code(name)).collect();
    if names.len() > NAMED {
        shown.push(format!("and {} more", names.len() - NAMED));
    }
    shown.join(", ")
}

/// Differences that no row tells.
fn others(out: &mut String, items: &[&Item]) {
    if items.is_empty() {
        return;
    }
    out.push_str("\n## What else differs\n\nIn items without a mark.\n\n");
    out.push_str("| here | file | differs |\n|---|---|---|\n");
    for item in items {
        let here = format!("{} ({})", code(&item.path), item.kind);
        line(out, &[here, link(&item.file), differs(&item.differs)]);
    }
}

/// What has no row.
fn missing(out: &mut String, map: &Map<'_>, classes: &[Class]) {
    let (members, open) = (
        classes.iter().map(|class| class.members.len()).sum::<usize>(),
        map.coverage.iter().map(|coverage| coverage.missing.len()).sum::<usize>(),
    );
    out.push_str("\n## Not ported yet\n\n");
    writeln!(
        out,
        "Member functions in `tests/data/upstream-members.txt` without a row above: {open} of {members}."
    )
    .expect("a string takes all");
    out.push_str("\n| class | header | rows | not ported yet |\n|---|---|---|---|\n");
    for coverage in &map.coverage {
        let (all, open) = (coverage.class.members.len(), coverage.missing.len());
        let names: Vec<String> = coverage.missing.iter().map(|member| code(member)).collect();
        let rows = format!("{} of {all}", all - open);
        let class = code(&coverage.class.name);
        line(out, &[class, code(&coverage.class.header), rows, names.join(", ")]);
    }
}

/// All upstream tests.
fn tests(out: &mut String, twins: &Twins<'_>) {
    out.push_str("\n## Upstream's tests\n\n");
    out.push_str(
        "*Twin*: there is one. *Reason*: there cannot be one. *Not built yet*: what it \
                  tests is not there.\n*Open*: nothing is known to be in the way.\n\n",
    );
    out.push_str(
        "| group | upstream file | tests | listed | twin | reason | not built yet | open |\n",
    );
    out.push_str("|---|---|--:|--:|--:|--:|--:|--:|\n");
    let mut totals = [0; 6];
    for (group, states) in &twins.groups {
        let count = |wanted: fn(&State<'_>) -> bool| {
            states.iter().filter(|(_, state)| wanted(state)).count()
        };
        let counts = [
            group.in_file,
            states.len(),
            count(|state| matches!(state, State::Twins(_))),
            count(|state| matches!(state, State::Reason(_))),
            count(|state| matches!(state, State::NotBuilt(_))),
            count(|state| matches!(state, State::Open)),
        ];
        for (total, count) in totals.iter_mut().zip(counts) {
            *total += count;
        }
        let mut cells = vec![group.name.clone(), code(&group.file)];
        cells.extend(counts.map(|count| count.to_string()));
        line(out, &cells);
    }
    let mut cells = vec!["**All**".to_owned(), String::new()];
    cells.extend(totals.map(|total| format!("**{total}**")));
    line(out, &cells);

    for (group, states) in &twins.groups {
        write!(out, "\n### {}\n\n", name(&group.name)).expect("a string takes all");
        out.push_str("| upstream | marks | twin, or why there is none |\n|---|---|---|\n");
        for (upstream, state) in states {
            let twin = match state {
                State::Twins(twins) => {
                    twins.iter().map(|twin| location(twin)).collect::<Vec<_>>().join("; ")
                }
                State::Reason(reason) => cell(reason),
                State::NotBuilt(what) => format!("*{}*", cell(what)),
                State::Open => "*open*".to_owned(),
            };
            line(out, &[code(&upstream.full()), upstream.marks.join(", "), twin]);
        }
    }
}

/// Where a twin is, and what differs in it.
fn location(test: &Test) -> String {
    let mut path = test.modules.clone();
    path.push(test.name.clone());
    let mut text = format!("{} in {}", code(&path.join("::")), link(&test.file));
    if !test.differs.is_empty() {
        write!(text, " (differs: {})", differs(&test.differs)).expect("a string takes all");
    }
    text
}

/// A row of a table.
fn line(out: &mut String, cells: &[String]) {
    out.push('|');
    for text in cells {
        out.push_str(if text.is_empty() { "" } else { " " });
        out.push_str(text);
        out.push_str(" |");
    }
    out.push('\n');
}

/// Text in a cell.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

fn differs(texts: &[String]) -> String {
    texts.iter().map(|text| cell(text)).collect::<Vec<_>>().join("<br>")
}

fn code(text: &str) -> String {
    format!("`{}`", cell(text))
}

/// A title: code if it is a name in the code.
fn name(title: &str) -> String {
    if title.contains([' ', '/']) || !title.is_ascii() { title.to_owned() } else { code(title) }
}

/// A link to a file, without a line: the map shall not change with every edit.
fn link(file: &str) -> String {
    let shown = file.strip_prefix("crates/").unwrap_or(file);
    format!("[{shown}](../{file})")
}

#[cfg(test)]
mod tests {
    use super::document;
    use crate::data::{Reasons, members, tests};
    use crate::map::Map;
    use crate::source::read;
    use crate::twins::Twins;

    #[test]
    fn a_row_says_all_there_is_to_say() {
        let code = r#"
            pub struct Queue;
            impl Queue {
                #[doc(alias = "Queue::put")]
                fn push(&self) {
                    // differs: a | b.
                }
            }
        "#;
        let suite = "#[test] fn block() { queue.push(1); }";
        let items = read("crates/process", "crates/process/src/queue.rs", code).unwrap().items;
        let file = "crates/process/tests/queue_tests.rs";
        let suite = read("crates/process", file, suite).unwrap().tests;
        let upstream =
            "[Queue] a/queue_tests.cpp | process | 9\nQueueTest.Block sim\nQueueTest.Get";
        let (groups, reasons) = (tests("t", upstream).unwrap(), Reasons::new());
        let classes = members("m", "[Queue] q.hpp\nput get").unwrap();
        let map = Map::new(&items, &classes);
        let twins = Twins::new(&groups, &reasons, &suite).unwrap();
        let text = document(&map, &twins, &classes);
        for expected in [
            "### `Queue`\n",
            "| `put` | `queue::Queue::push` (method) | [process/src/queue.rs](../crates/process/src/\
             queue.rs) | a \\| b. | `QueueTest.Block` |\n",
            "| `Queue` | `q.hpp` | 1 of 2 | `get` |\n",
            "| Queue | `a/queue_tests.cpp` | 9 | 2 | 1 | 0 | 0 | 1 |\n",
            "| `QueueTest.Block` | sim | `block` in [process/tests/queue_tests.rs](../crates/process/\
             tests/queue_tests.rs) |\n",
            "| `QueueTest.Get` | | *open* |\n",
        ] {
            assert!(text.contains(expected), "{expected}\nis not in\n{text}");
        }
    }
}
