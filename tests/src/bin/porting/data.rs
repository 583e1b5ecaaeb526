//! The files in `tests/data`: upstream's tests and member functions, and why a test has no twin.
//!
//! Their formats are described at the top of each. Lines that begin with `#` are comments.

use std::collections::BTreeMap;

/// A file of upstream's tests, or the part of it that the port is about.
pub struct Group {
    /// What it is called here.
    pub name: String,
    /// Upstream's file.
    pub file: String,
    /// The crate whose suites have the twins.
    pub krate: String,
    /// How many tests upstream's file has.
    pub in_file: usize,
    /// Those that shall have a twin.
    pub tests: Vec<Upstream>,
}

impl Group {
    /// Upstream's file without directory and extension: a file of that name here holds twins.
    pub fn stem(&self) -> &str {
        let name = self.file.rsplit('/').next().unwrap_or_default();
        name.strip_suffix(".cpp").unwrap_or(name)
    }
}

/// A test of upstream's.
pub struct Upstream {
    /// Its fixture.
    pub fixture: String,
    /// Its name.
    pub name: String,
    /// `docker`, `disabled`, `sim`.
    pub marks: Vec<String>,
}

impl Upstream {
    /// `Fixture.Name`.
    pub fn full(&self) -> String {
        format!("{}.{}", self.fixture, self.name)
    }
}

/// Why tests have no twin: by group and full name, or `*` for all others of the group.
pub type Reasons = BTreeMap<(String, String), String>;

/// A class of upstream's, or a namespace.
pub struct Class {
    /// Its name, with the classes that it is in.
    pub name: String,
    /// Upstream's file.
    pub header: String,
    /// Its member functions, in upstream's order.
    pub members: Vec<String>,
}

/// The lines that say something, with their numbers.
fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let numbered = text.lines().enumerate().map(|(index, line)| (index + 1, line.trim()));
    numbered.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
}

/// `[name] rest`.
fn header(line: &str) -> Option<(&str, &str)> {
    let (name, rest) = line.strip_prefix('[')?.split_once(']')?;
    Some((name.trim(), rest.trim()))
}

/// Reads `upstream-tests.txt`.
pub fn tests(file: &str, text: &str) -> Result<Vec<Group>, String> {
    let mut groups: Vec<Group> = Vec::new();
    for (number, line) in lines(text) {
        let wrong = |what: &str| format!("{file}:{number}: {what}");
        if let Some((name, rest)) = header(line) {
            let parts: Vec<&str> = rest.split('|').map(str::trim).collect();
            let [path, krate, in_file] = parts[..] else {
                return Err(wrong("expected [GROUP] FILE | CRATE | NUMBER"));
            };
            groups.push(Group {
                name: name.to_owned(),
                file: path.to_owned(),
                krate: krate.to_owned(),
                in_file: in_file.parse().map_err(|_| wrong("not a number of tests"))?,
                tests: Vec::new(),
            });
            continue;
        }
        let group = groups.last_mut().ok_or_else(|| wrong("a test before the first [GROUP]"))?;
        let mut words = line.split_whitespace().map(str::to_owned);
        let full = words.next().unwrap_or_default();
        let (fixture, name) =
            full.split_once('.').ok_or_else(|| wrong("expected FIXTURE.NAME [MARK...]"))?;
        let marks: Vec<String> = words.collect();
        if let Some(mark) = marks.iter().find(|m| !["docker", "disabled", "sim"].contains(&&m[..]))
        {
            return Err(wrong(&format!("unknown mark '{mark}'")));
        }
        group.tests.push(Upstream { fixture: fixture.to_owned(), name: name.to_owned(), marks });
    }
    Ok(groups)
}

/// Reads `no-twin.txt`; what it names must be there.
pub fn reasons(file: &str, text: &str, groups: &[Group]) -> Result<Reasons, String> {
    let mut reasons = Reasons::new();
    let mut current: Option<&Group> = None;
    for (number, line) in lines(text) {
        let wrong = |what: &str| format!("{file}:{number}: {what}");
        if let Some((name, "")) = header(line) {
            let known = groups.iter().find(|group| group.name == name);
            current = Some(known.ok_or_else(|| wrong("no such group in upstream-tests.txt"))?);
            continue;
        }
        let group = current.ok_or_else(|| wrong("a reason before the first [GROUP]"))?;
        let (test, reason) =
            line.split_once(": ").ok_or_else(|| wrong("expected FIXTURE.NAME: REASON"))?;
        if test != "*" && !group.tests.iter().any(|upstream| upstream.full() == test) {
            return Err(wrong("no such test in upstream-tests.txt"));
        }
        let key = (group.name.clone(), test.to_owned());
        if reasons.insert(key, reason.trim().to_owned()).is_some() {
            return Err(wrong("a second reason for this"));
        }
    }
    Ok(reasons)
}

/// Reads `upstream-members.txt`.
pub fn members(file: &str, text: &str) -> Result<Vec<Class>, String> {
    let mut classes: Vec<Class> = Vec::new();
    for (number, line) in lines(text) {
        if let Some((name, rest)) = header(line) {
            let (name, header) = (name.to_owned(), rest.to_owned());
            classes.push(Class { name, header, members: Vec::new() });
            continue;
        }
        let class = classes
            .last_mut()
            .ok_or(format!("{file}:{number}: a name before the first [CLASS]"))?;
        class.members.extend(line.split_whitespace().map(str::to_owned));
    }
    Ok(classes)
}

#[cfg(test)]
mod tests {
    use super::{members, reasons, tests};

    const TESTS: &str = "# c\n\n[Loop] src/loop_tests.cpp | process | 7\nLoopTest.Sync sim\n";

    #[test]
    fn groups_and_tests_are_read() {
        let groups = tests("f", TESTS).unwrap();
        assert_eq!((groups[0].stem(), groups[0].in_file), ("loop_tests", 7));
        assert_eq!(groups[0].tests[0].full(), "LoopTest.Sync");
        assert_eq!(groups[0].tests[0].marks, ["sim"]);
    }

    #[test]
    fn mistakes_are_named_with_their_line() {
        let error = |text: &str| tests("f", text).err().unwrap();
        assert_eq!(error("\nA.B\n"), "f:2: a test before the first [GROUP]");
        assert_eq!(error("[G] a | b | 1\nA.B odd"), "f:2: unknown mark 'odd'");
        assert_eq!(error("[G] a | b"), "f:1: expected [GROUP] FILE | CRATE | NUMBER");
    }

    #[test]
    fn reasons_must_be_for_something() {
        let groups = tests("f", TESTS).unwrap();
        let good = reasons("r", "[Loop]\nLoopTest.Sync: no: reason\n*: later", &groups).unwrap();
        let of = |test: &str| good[&("Loop".to_owned(), test.to_owned())].clone();
        assert_eq!((of("LoopTest.Sync"), of("*")), ("no: reason".to_owned(), "later".to_owned()));
        let error = |text: &str| reasons("r", text, &groups).err().unwrap();
        assert_eq!(error("[Loop]\nA.B: x"), "r:2: no such test in upstream-tests.txt");
        assert_eq!(error("[Loops]"), "r:1: no such group in upstream-tests.txt");
        assert_eq!(error("[Loop]\n*: x\n*: y"), "r:3: a second reason for this");
    }

    #[test]
    fn members_keep_upstreams_order() {
        let classes = members("m", "[A::B] x.hpp\nb a\nc").unwrap();
        assert_eq!((&classes[0].name[..], &classes[0].header[..]), ("A::B", "x.hpp"));
        assert_eq!(classes[0].members, ["b", "a", "c"]);
        assert_eq!(members("m", "a").err().unwrap(), "m:1: a name before the first [CLASS]");
    }
}
