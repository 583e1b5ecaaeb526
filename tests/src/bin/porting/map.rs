//! The map: which upstream name became which item, and which has none.

use crate::data::Class;
use crate::source::Item;
use std::collections::{BTreeMap, BTreeSet};

/// Where a name comes from.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Area {
    /// The Mesos agent and what it uses.
    Mesos,
    /// libprocess, and what of stout the operating system is reached by.
    Libprocess,
}

/// An upstream name and its item.
pub struct Row<'a> {
    /// Upstream's name, within the table's class.
    pub upstream: String,
    /// What it is here.
    pub item: &'a Item,
    /// Whether there is no mark because both have the same name.
    pub same_name: bool,
}

/// A class and what became of its member functions.
pub struct Coverage<'a> {
    /// The class.
    pub class: &'a Class,
    /// Those of its members that no item stands for.
    pub missing: Vec<&'a str>,
}

/// All of it.
pub struct Map<'a> {
    /// The tables: by class, and by crate for names without a class.
    pub tables: BTreeMap<Area, BTreeMap<String, Vec<Row<'a>>>>,
    /// Names without a class, by crate.
    pub plain: BTreeMap<String, Vec<Row<'a>>>,
    /// What differs in items without a row.
    pub others: Vec<&'a Item>,
    /// By class.
    pub coverage: Vec<Coverage<'a>>,
    /// All items, for those who ask whether a name is ambiguous.
    pub items: &'a [Item],
}

impl<'a> Map<'a> {
    /// Draws it.
    pub fn new(items: &'a [Item], classes: &'a [Class]) -> Self {
        let owners = Owners::new(items);
        let mut rows: Vec<(Area, String, Row<'a>)> = Vec::new();
        for item in items {
            for alias in &item.aliases {
                let full = owners.qualify(item, alias);
                rows.push((
                    area(item),
                    full,
                    Row { upstream: String::new(), item, same_name: false },
                ));
            }
            if owners.is_namesake(item) {
                let row = Row { upstream: String::new(), item, same_name: true };
                rows.push((area(item), item.name.clone(), row));
            }
        }
        let marked: BTreeSet<String> =
            rows.iter().map(|(_, full, _)| without_namespace(full).to_owned()).collect();
        let mut coverage = Vec::new();
        for class in classes {
            let mut missing = Vec::new();
            for member in &class.members {
                let full = format!("{}::{member}", class.name);
                if marked.contains(without_namespace(&full)) {
                    continue;
                }
                let same: Vec<&Item> = owners.same_name(items, &class.name, member);
                if same.is_empty() {
                    missing.push(&member[..]);
                }
                for item in same {
                    let row = Row { upstream: String::new(), item, same_name: true };
                    rows.push((area(item), full.clone(), row));
                }
            }
            coverage.push(Coverage { class, missing });
        }

        let shown: BTreeSet<*const Item> =
            rows.iter().map(|(_, _, r)| r.item as *const _).collect();
        let others = items
            .iter()
            .filter(|item| !item.differs.is_empty() && !shown.contains(&(*item as *const _)))
            .collect();
        let (tables, plain) = tables(rows);
        Map { tables, plain, others, coverage, items }
    }
}

/// Where an item's original is.
fn area(item: &Item) -> Area {
    if item.krate == "crates/process" { Area::Libprocess } else { Area::Mesos }
}

type Tables<'a> = (BTreeMap<Area, BTreeMap<String, Vec<Row<'a>>>>, BTreeMap<String, Vec<Row<'a>>>);

/// Puts each row into its table.
fn tables<'a>(rows: Vec<(Area, String, Row<'a>)>) -> Tables<'a> {
    let mut tables: BTreeMap<Area, BTreeMap<String, Vec<Row<'a>>>> = BTreeMap::new();
    let mut plain: BTreeMap<String, Vec<Row<'a>>> = BTreeMap::new();
    let classes: BTreeSet<(Area, String)> =
        rows.iter().filter_map(|(area, full, _)| Some((*area, class_of(full)?))).collect();
    for (area, full, mut row) in rows {
        let simple = without_namespace(&full).to_owned();
        if classes.contains(&(area, simple.clone())) {
            // The class itself is in its own table.
            row.upstream = simple.clone();
            tables.entry(area).or_default().entry(simple).or_default().push(row);
        } else if let Some(class) = class_of(&full) {
            let inside = full.find(&format!("{class}::")).map_or(0, |at| at + class.len() + 2);
            row.upstream = full[inside..].to_owned();
            tables.entry(area).or_default().entry(class).or_default().push(row);
        } else {
            row.upstream = full;
            plain.entry(row.item.krate.clone()).or_default().push(row);
        }
    }
    for (class, rows) in tables.values_mut().flatten() {
        rows.sort_by_cached_key(|row| (row.upstream != *class, order(row)));
    }
    for rows in plain.values_mut() {
        rows.sort_by_cached_key(order);
    }
    (tables, plain)
}

/// Rows in the order of names, with continuations behind what they continue.
fn order(row: &Row<'_>) -> (String, usize, String, String) {
    let name = row.upstream.trim_start_matches('_');
    let underscores = row.upstream.len() - name.len();
    (name.to_lowercase(), underscores, row.item.krate.clone(), row.item.path.clone())
}

/// The outermost class in a name, or the namespaces if there is none; nothing for a plain name.
fn class_of(full: &str) -> Option<String> {
    let (scope, _) = full.rsplit_once("::")?;
    let class = scope.split("::").find(|part| part.starts_with(char::is_uppercase));
    Some(class.unwrap_or(scope).to_owned())
}

/// A name without the namespaces in front of a class: of `process::Future` only `Future`.
fn without_namespace(full: &str) -> &str {
    let mut rest = full;
    while let Some((first, more)) = rest.split_once("::") {
        if first.starts_with(char::is_uppercase) || !more.starts_with(char::is_uppercase) {
            // `mesos::slave::X` has two.
            let deeper = more.split("::").any(|part| part.starts_with(char::is_uppercase));
            if first.starts_with(char::is_uppercase) || !deeper {
                break;
            }
        }
        rest = more;
    }
    rest
}

/// What can stand for a class.
const TYPES: [&str; 4] = ["struct", "enum", "trait", "type"];

/// Which upstream class a type stands for.
struct Owners {
    /// By crate and type.
    classes: BTreeMap<(String, String), String>,
}

impl Owners {
    fn new(items: &[Item]) -> Self {
        let mut named = BTreeSet::new();
        for alias in items.iter().flat_map(|item| &item.aliases) {
            named.extend(class_of(alias));
        }
        let mut classes = BTreeMap::new();
        for item in items.iter().filter(|item| TYPES.contains(&item.kind)) {
            let simple = item.aliases.iter().map(|alias| without_namespace(alias));
            // Its marks may also be older names of the class, or of its parts.
            let marked = simple.map(str::to_owned).find(|alias| {
                let last = alias.rsplit("::").next().unwrap_or_default();
                last.starts_with(char::is_uppercase)
            });
            let class = marked.or_else(|| Some(item.name.clone()).filter(|n| named.contains(n)));
            if let Some(class) = class {
                classes.insert((item.krate.clone(), item.name.clone()), class);
            }
        }
        Owners { classes }
    }

    /// The class that the type stands for which an item is part of.
    fn of(&self, item: &Item) -> Option<&str> {
        let owner = item.owner.clone()?;
        self.classes.get(&(item.krate.clone(), owner)).map(String::as_str)
    }

    /// A mark without a class, or with the last part of its name only, is about the class of the
    /// type that the item is part of.
    fn qualify(&self, item: &Item, alias: &str) -> String {
        let Some(class) = self.of(item) else { return alias.to_owned() };
        match alias.rsplit_once("::") {
            None => format!("{class}::{alias}"),
            Some((scope, name)) if class.ends_with(&format!("::{scope}")) => {
                format!("{class}::{name}")
            }
            Some(_) => alias.to_owned(),
        }
    }

    /// Whether a type needs no mark since it has the name of its class.
    fn is_namesake(&self, item: &Item) -> bool {
        let key = (item.krate.clone(), item.name.clone());
        TYPES.contains(&item.kind)
            && item.aliases.is_empty()
            && self.classes.get(&key).is_some_and(|class| *class == item.name)
    }

    /// Functions without a mark that have, in Rust's spelling, the name of a class's member.
    fn same_name<'a>(&self, items: &'a [Item], class: &str, member: &str) -> Vec<&'a Item> {
        let wanted = snake(member);
        let is_it = |item: &&Item| {
            item.is_function()
                && item.name == wanted
                && match class {
                    "process" => item.owner.is_none() && item.krate == "crates/process",
                    _ => self.of(item) == Some(class),
                }
        };
        items.iter().filter(is_it).collect()
    }
}

/// `isReady` as Rust spells it, `is_ready`.
pub fn snake(name: &str) -> String {
    let mut out = String::new();
    let mut after_small = false;
    for letter in name.chars() {
        if letter.is_uppercase() && after_small {
            out.push('_');
        }
        after_small = letter.is_lowercase() || letter.is_ascii_digit();
        out.extend(letter.to_lowercase());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{Area, Map, class_of, snake, without_namespace};
    use crate::data::{Class, members};
    use crate::source::{Item, read};

    fn items(krate: &str, text: &str) -> Vec<Item> {
        read(krate, &format!("{krate}/src/lib.rs"), text).unwrap().items
    }

    fn table(map: &Map<'_>, area: Area, class: &str) -> Vec<String> {
        let rows = map.tables[&area][class].iter();
        rows.map(|row| format!("{} {}", row.upstream, row.item.path)).collect()
    }

    #[test]
    fn names_are_taken_apart() {
        assert_eq!(class_of("Docker::Image::create").unwrap(), "Docker");
        assert_eq!(class_of("process::Clock::now").unwrap(), "Clock");
        assert_eq!(class_of("process::spawn").unwrap(), "process");
        assert_eq!(class_of("operator<<(Duration)"), None);
        assert_eq!(without_namespace("mesos::slave::ContainerIO"), "ContainerIO");
        assert_eq!(without_namespace("process::spawn"), "process::spawn");
        assert_eq!(without_namespace("Docker::Image::create"), "Docker::Image::create");
        assert_eq!(snake("ParseInspectonImage"), "parse_inspecton_image");
    }

    #[test]
    fn a_table_has_its_class_first_and_continuations_in_order() {
        let text = r#"
            #[doc(alias = "process::Loop")] struct L;
            impl L {
                #[doc(alias = "Loop::__run")] fn c() {}
                #[doc(alias = "Loop::run")] fn a() {}
                #[doc(alias = "Loop::_run")] fn b() {}
                #[doc(alias = "then")] fn d() {}
            }
            #[doc(alias = "self")] fn own() {}
        "#;
        let items = items("crates/process", text);
        let map = Map::new(&items, &[]);
        let expected = ["Loop L", "run L::a", "_run L::b", "__run L::c", "then L::d"];
        assert_eq!(table(&map, Area::Libprocess, "Loop"), expected);
        assert_eq!(map.plain["crates/process"][0].upstream, "self");
    }

    #[test]
    fn a_part_of_a_nested_class_may_be_marked_with_the_end_of_its_name() {
        let text = r#"
            #[doc(alias = "Docker::Image")] #[doc(alias = "older")] struct Image;
            impl Image { #[doc(alias = "Image::create")] fn new() {} }
            struct Docker;
            impl Docker { #[doc(alias = "Docker::run")] fn go() {} }
        "#;
        let items = items("crates/docker", text);
        let map = Map::new(&items, &[]);
        let expected =
            ["Docker Docker", "Image Image", "Image::create Image::new", "run Docker::go"];
        assert_eq!(table(&map, Area::Mesos, "Docker"), expected);
        assert_eq!(map.plain["crates/docker"][0].upstream, "older");
    }

    #[test]
    fn members_are_marked_or_have_the_same_name_or_are_missing() {
        let text = r#"
            #[doc(alias = "process::Queue")] struct Q;
            impl Q { #[doc(alias = "Queue::put")] fn push() {} fn size() {} }
            fn size_of() {}
        "#;
        let items = items("crates/process", text);
        let classes: Vec<Class> = members("m", "[Queue] q.hpp\nput get size\n").unwrap();
        let map = Map::new(&items, &classes);
        assert_eq!(map.coverage[0].missing, ["get"]);
        let rows = &map.tables[&Area::Libprocess]["Queue"];
        assert!(rows.iter().any(|row| row.upstream == "size" && row.same_name));
    }

    #[test]
    fn differences_of_items_without_a_row_are_not_lost() {
        let items = items("sim", "// differs: so.\nfn f() {}\nfn g() {}");
        let map = Map::new(&items, &[]);
        assert_eq!(map.others.iter().map(|item| &item.name[..]).collect::<Vec<_>>(), ["f"]);
    }
}
