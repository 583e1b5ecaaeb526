//! Reads a Rust file: its items with their marks, and its tests.

use crate::attributes::{aliases, is_for_tests, is_test};
use crate::differs;
use proc_macro2::{TokenStream, TokenTree};
use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{Attribute, Fields, Ident};

/// Something that has a name, or may have a mark.
pub struct Item {
    /// The directory of its crate, `crates/process`.
    pub krate: String,
    /// Its file, seen from the repository's root.
    pub file: String,
    /// Its path inside the crate.
    pub path: String,
    /// Its last part.
    pub name: String,
    /// The type or trait that it is a part of.
    pub owner: Option<String>,
    /// `fn`, `struct`, ...
    pub kind: &'static str,
    /// Upstream's names for it.
    pub aliases: Vec<String>,
    /// What it does otherwise than upstream.
    pub differs: Vec<String>,
    /// From its first attribute to its end.
    pub lines: RangeInclusive<usize>,
}

impl Item {
    /// Whether one can call it.
    pub fn is_function(&self) -> bool {
        matches!(self.kind, "fn" | "method" | "macro")
    }
}

/// A test.
pub struct Test {
    /// The directory of its crate.
    pub krate: String,
    /// Its file, seen from the repository's root.
    pub file: String,
    /// The modules in the file that it is in.
    pub modules: Vec<String>,
    /// Its name.
    pub name: String,
    /// The names that occur in it.
    pub names: BTreeSet<String>,
    /// Those that are called.
    pub calls: BTreeSet<String>,
    /// What it does otherwise than upstream's.
    pub differs: Vec<String>,
}

/// What a file holds.
#[derive(Default)]
pub struct Contents {
    /// Its items, without those of tests.
    pub items: Vec<Item>,
    /// Its tests.
    pub tests: Vec<Test>,
}

/// Reads a file of a crate.
pub fn read(krate: &str, file: &str, text: &str) -> Result<Contents, String> {
    let wrong = |line: usize, what: &dyn std::fmt::Display| format!("{file}:{line}: {what}");
    let syntax = syn::parse_file(text).map_err(|error| wrong(error.span().start().line, &error))?;
    let mut reader = Reader {
        krate,
        file,
        modules: module_path(krate, file),
        in_file: 0,
        owner: None,
        in_tests: file.split('/').any(|part| part.trim_end_matches(".rs").ends_with("tests")),
        items: Vec::new(),
        is_test: Vec::new(),
    };
    reader.in_file = reader.modules.len();
    reader.visit_file(&syntax);
    let Reader { mut items, is_test, .. } = reader;

    let tokens: TokenStream = text.parse().map_err(|error| wrong(1, &error))?;
    let homeless = differs::attach(differs::comments(text, &tokens), &mut items);
    if !homeless.is_empty() {
        let name = file.rsplit('/').next().unwrap_or(file).to_owned();
        items.push(Item {
            krate: krate.to_owned(),
            file: file.to_owned(),
            path: name.clone(),
            name,
            owner: None,
            kind: "file",
            aliases: Vec::new(),
            differs: homeless,
            lines: 0..=0,
        });
    }
    let mut contents = Contents::default();
    for (index, item) in items.into_iter().enumerate() {
        match is_test.get(index).copied().unwrap_or(Place::Code) {
            Place::Code => contents.items.push(item),
            Place::Support => {}
            Place::Test(depth) => contents.tests.push(test(item, depth, text)?),
        }
    }
    Ok(contents)
}

/// What an item is part of.
#[derive(Clone, Copy)]
enum Place {
    /// The program.
    Code,
    /// What tests need.
    Support,
    /// It is a test, with so many modules around it that are not in its file.
    Test(usize),
}

/// The modules that a file stands for.
fn module_path(krate: &str, file: &str) -> Vec<String> {
    let inside = file.strip_prefix(krate).unwrap_or(file).trim_start_matches('/');
    let inside = inside.strip_prefix("src/").unwrap_or(inside);
    let mut parts: Vec<String> =
        inside.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
    if parts.last().is_some_and(|last| ["mod", "lib", "main"].contains(&&last[..])) {
        parts.pop();
    }
    parts
}

/// Makes a test of an item.
fn test(item: Item, modules_outside: usize, text: &str) -> Result<Test, String> {
    let (start, end) = (*item.lines.start(), *item.lines.end());
    let body: Vec<&str> = text.lines().skip(start - 1).take(end + 1 - start).collect();
    let tokens: TokenStream = body
        .join("\n")
        .parse()
        .map_err(|error| format!("{}:{start}: the test cannot be read: {error}", item.file))?;
    let (mut names, mut calls) = (BTreeSet::new(), BTreeSet::new());
    collect_names(tokens, &mut names, &mut calls);
    calls.remove(&item.name);
    let path: Vec<&str> = item.path.split("::").collect();
    let modules = path.get(modules_outside..path.len() - 1).unwrap_or_default();
    Ok(Test {
        krate: item.krate,
        file: item.file,
        modules: modules.iter().map(|&module| module.to_owned()).collect(),
        name: item.name,
        names,
        calls,
        differs: item.differs,
    })
}

/// The names in a piece of code, and those that are followed by arguments or `!`.
fn collect_names(tokens: TokenStream, names: &mut BTreeSet<String>, calls: &mut BTreeSet<String>) {
    let mut last: Option<String> = None;
    for token in tokens {
        let called = match &token {
            TokenTree::Group(group) => group.delimiter() == proc_macro2::Delimiter::Parenthesis,
            TokenTree::Punct(punct) => punct.as_char() == '!',
            TokenTree::Ident(_) | TokenTree::Literal(_) => false,
        };
        if let Some(name) = last.take().filter(|_| called) {
            calls.insert(name);
        }
        match token {
            TokenTree::Ident(ident) => {
                names.insert(ident.to_string());
                last = Some(ident.to_string());
            }
            TokenTree::Group(group) => collect_names(group.stream(), names, calls),
            TokenTree::Punct(_) | TokenTree::Literal(_) => {}
        }
    }
}

/// Walks through a file.
struct Reader<'a> {
    krate: &'a str,
    file: &'a str,
    modules: Vec<String>,
    /// How many of the modules are outside of the file.
    in_file: usize,
    owner: Option<String>,
    in_tests: bool,
    items: Vec<Item>,
    is_test: Vec<Place>,
}

impl Reader<'_> {
    fn add(
        &mut self,
        kind: &'static str,
        name: &str,
        attributes: &[Attribute],
        span: &dyn Spanned,
    ) {
        let mut path = self.modules.clone();
        path.extend(self.owner.clone());
        path.push(name.to_owned());
        let span = span.span();
        self.items.push(Item {
            krate: self.krate.to_owned(),
            file: self.file.to_owned(),
            path: path.join("::"),
            name: name.to_owned(),
            owner: self.owner.clone(),
            kind,
            aliases: aliases(attributes, name),
            differs: Vec::new(),
            lines: span.start().line..=span.end().line,
        });
        self.is_test.push(if is_test(attributes) {
            Place::Test(self.in_file)
        } else if self.in_tests || is_for_tests(attributes) {
            Place::Support
        } else {
            Place::Code
        });
    }

    /// Fields and variants are part of their type, unless they have a mark of their own.
    fn add_if_marked(
        &mut self,
        kind: &'static str,
        name: &str,
        of: &[Attribute],
        at: &dyn Spanned,
    ) {
        if !aliases(of, name).is_empty() {
            self.add(kind, name, of, at);
        }
    }

    fn fields(&mut self, fields: &Fields) {
        for (index, field) in fields.iter().enumerate() {
            let name = field.ident.as_ref().map_or(index.to_string(), Ident::to_string);
            self.add_if_marked("field", &name, &field.attrs, field);
        }
    }

    fn inside(&mut self, owner: Option<String>, walk: impl FnOnce(&mut Self)) {
        let outer = std::mem::replace(&mut self.owner, owner);
        walk(self);
        self.owner = outer;
    }
}

impl<'ast> Visit<'ast> for Reader<'_> {
    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        let outer = self.in_tests;
        self.in_tests |= is_for_tests(&item.attrs);
        if item.content.is_some() {
            self.add("mod", &item.ident.to_string(), &item.attrs, item);
            self.modules.push(item.ident.to_string());
            self.inside(None, |this| visit::visit_item_mod(this, item));
            self.modules.pop();
        }
        self.in_tests = outer;
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        let name = item.sig.ident.to_string();
        self.add("fn", &name, &item.attrs, item);
        self.inside(None, |this| visit::visit_item_fn(this, item));
    }

    fn visit_item_struct(&mut self, item: &'ast syn::ItemStruct) {
        let name = item.ident.to_string();
        self.add("struct", &name, &item.attrs, item);
        self.inside(Some(name), |this| this.fields(&item.fields));
    }

    fn visit_item_enum(&mut self, item: &'ast syn::ItemEnum) {
        let name = item.ident.to_string();
        self.add("enum", &name, &item.attrs, item);
        self.inside(Some(name), |this| {
            for variant in &item.variants {
                this.add_if_marked("variant", &variant.ident.to_string(), &variant.attrs, variant);
                this.fields(&variant.fields);
            }
        });
    }

    fn visit_item_union(&mut self, item: &'ast syn::ItemUnion) {
        self.add("union", &item.ident.to_string(), &item.attrs, item);
    }

    fn visit_item_type(&mut self, item: &'ast syn::ItemType) {
        self.add("type", &item.ident.to_string(), &item.attrs, item);
    }

    fn visit_item_const(&mut self, item: &'ast syn::ItemConst) {
        self.add("const", &item.ident.to_string(), &item.attrs, item);
    }

    fn visit_item_static(&mut self, item: &'ast syn::ItemStatic) {
        self.add("static", &item.ident.to_string(), &item.attrs, item);
    }

    fn visit_item_macro(&mut self, item: &'ast syn::ItemMacro) {
        if let Some(ident) = &item.ident {
            self.add("macro", &ident.to_string(), &item.attrs, item);
        }
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.add_if_marked("use", "use", &item.attrs, item);
    }

    fn visit_item_trait(&mut self, item: &'ast syn::ItemTrait) {
        let name = item.ident.to_string();
        self.add("trait", &name, &item.attrs, item);
        self.inside(Some(name), |this| visit::visit_item_trait(this, item));
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        self.add("method", &item.sig.ident.to_string(), &item.attrs, item);
        self.inside(None, |this| visit::visit_trait_item_fn(this, item));
    }

    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        let outer = self.in_tests;
        self.in_tests |= is_for_tests(&item.attrs);
        let owner = match &*item.self_ty {
            syn::Type::Path(path) => path.path.segments.last().map(|last| last.ident.to_string()),
            _ => None,
        };
        let name = owner.clone().unwrap_or_else(|| "impl".to_owned());
        self.add_if_marked("impl", &name, &item.attrs, item);
        self.inside(owner, |this| visit::visit_item_impl(this, item));
        self.in_tests = outer;
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.add("method", &item.sig.ident.to_string(), &item.attrs, item);
        self.inside(None, |this| visit::visit_impl_item_fn(this, item));
    }

    fn visit_impl_item_const(&mut self, item: &'ast syn::ImplItemConst) {
        self.add("const", &item.ident.to_string(), &item.attrs, item);
    }

    fn visit_impl_item_type(&mut self, item: &'ast syn::ImplItemType) {
        self.add_if_marked("type", &item.ident.to_string(), &item.attrs, item);
    }
}

#[cfg(test)]
mod tests {
    use super::{Contents, read};

    fn contents(text: &str) -> Contents {
        read("crates/a", "crates/a/src/b/c.rs", text).unwrap()
    }

    /// Path, kind and marks of what is marked.
    fn marked(text: &str) -> Vec<String> {
        let items = contents(text).items;
        let marked = items.iter().filter(|item| !item.aliases.is_empty());
        marked.map(|i| format!("{} {} {}", i.path, i.kind, i.aliases.join(","))).collect()
    }

    #[test]
    fn marks_of_all_kinds_of_items_are_found() {
        let text = r#"
            /// Text.
            #[doc(alias = "A")] #[doc(alias = "B::c")] fn f() {}
            #[doc(alias = "S1")] struct S { #[doc(alias = "x_")] x: u8, y: u8 }
            impl<T> S { #[doc(alias("m", "n"))] fn g() { #[doc(alias = "I")] fn h() {} } }
            enum E { #[doc(alias = "V1")] V }
            trait T { #[doc(alias = "T::t")] fn r(); }
            mod inner { #[doc(alias = "K")] const L: u8 = 0; }
            #[doc(alias = "M")] macro_rules! mac { () => {}; }
        "#;
        let expected = [
            "b::c::f fn A,B::c",
            "b::c::S struct S1",
            "b::c::S::x field x_",
            "b::c::S::g method m,n",
            "b::c::h fn I",
            "b::c::E::V variant V1",
            "b::c::T::r method T::t",
            "b::c::inner::L const K",
            "b::c::mac macro M",
        ];
        assert_eq!(marked(text), expected);
    }

    #[test]
    fn an_items_own_name_is_no_mark() {
        assert!(marked("#[doc(alias = \"f\")] #[doc(hidden)] fn f() {}").is_empty());
    }

    #[test]
    fn roots_have_no_module() {
        let items = read("sim", "sim/src/lib.rs", "fn f() {}").unwrap().items;
        assert_eq!(items[0].path, "f");
    }

    #[test]
    fn differences_belong_to_the_marked_item_around_or_below() {
        let text = r#"
// differs: above.
#[doc(alias = "A::f")]
fn f() {
    // differs: inside.
    fn helper() {
        // differs: deep.
    }
}
struct S {
    // differs: of a field.
    x: u8,
}
impl S {
    /// Text.
    // differs: unmarked.
    fn g() {}
}
// differs: of the file.
"#;
        let items = contents(text).items;
        let of = |name: &str| items.iter().find(|item| item.name == name).unwrap().differs.clone();
        assert_eq!(of("f"), ["above.", "inside.", "deep."]);
        assert_eq!(of("helper"), Vec::<String>::new());
        assert_eq!(of("S"), ["of a field."]);
        assert_eq!(of("g"), ["unmarked."]);
        assert_eq!(of("c.rs"), ["of the file."]);
    }

    #[test]
    fn a_module_of_tests_has_no_items() {
        let Contents { items, tests } =
            read("a", "a/src/tests/world.rs", "fn f() {} #[test] fn g() {}").unwrap();
        assert_eq!((items.len(), tests.len()), (0, 1));
    }

    #[test]
    fn tests_know_their_modules_and_what_they_call() {
        let text = r#"
            #[cfg(test)]
            mod await_test {
                fn support() {}
                #[tokio::test]
                async fn ready() { Queue::new().get(1, put!(x)); "no()"; }
            }
            fn code() {}
        "#;
        let Contents { items, tests } = contents(text);
        assert_eq!(items.iter().map(|item| &item.name[..]).collect::<Vec<_>>(), ["code"]);
        let [test] = &tests[..] else { panic!("one test") };
        assert_eq!((&test.name[..], &test.modules[..]), ("ready", &["await_test".to_owned()][..]));
        assert_eq!(test.calls.iter().collect::<Vec<_>>(), ["get", "new", "put"]);
        assert!(test.names.contains("Queue"));
    }

    #[test]
    fn what_cannot_be_parsed_is_named_with_its_line() {
        let error = read("a", "a/src/x.rs", "fn f() {}\nfn {").err().unwrap();
        assert!(error.starts_with("a/src/x.rs:2: "), "{error}");
    }
}
