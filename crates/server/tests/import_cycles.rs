//! No file of a crate imports from another one that imports from it, directly or through others.
//!
//! A module and its own submodules count as one thing: a submodule may use its parent, and the parent re-exports.

#![expect(
    clippy::unwrap_used,
    reason = "tests fail by panicking, their helpers too"
)]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

/// A module by the names that lead to it from the root of its crate.
type Module = Vec<String>;

/// The modules of a crate with their sources, without those of tests.
fn modules(folder: &Path, module: &Module, found: &mut BTreeMap<Module, String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let mut own = module.clone();
        if path.is_dir() {
            own.push(name);
            modules(&path, &own, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") && name != "tests" {
            if !["lib", "main", "mod"].contains(&name.as_str()) {
                own.push(name);
            }
            let source = fs::read_to_string(&path).unwrap();
            let code = source.split("#[cfg(test)]\nmod tests {").next().unwrap();
            found.insert(own, code.to_owned());
        }
    }
}

/// The paths of a tree such as `a::{b, c::{d, e}}`.
fn paths(tree: &str) -> Vec<String> {
    let Some((prefix, rest)) = tree.split_once('{') else {
        return vec![tree.to_owned()];
    };
    let inner = rest.strip_suffix('}').unwrap_or(rest);
    let (mut depth, mut start, mut parts) = (0_i32, 0, Vec::new());
    for (index, character) in inner.char_indices() {
        match character {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(inner.get(start..index).unwrap());
                start = index + 1;
            }
            _ => {}
        }
    }
    parts.push(inner.get(start..).unwrap());
    let nested = parts
        .into_iter()
        .filter(|part| !part.is_empty())
        .flat_map(paths);
    nested.map(|path| format!("{prefix}{path}")).collect()
}

/// The module that a path of an import in `module` leads to.
fn target(path: &str, module: &Module, known: &BTreeMap<Module, String>) -> Option<Module> {
    let mut names = path.split("::").peekable();
    let mut place = match *names.peek()? {
        "crate" => Vec::new(),
        "self" | "super" => module.clone(),
        _ => return None,
    };
    for name in names {
        match name {
            "crate" | "self" => {}
            "super" => drop(place.pop()),
            name => {
                place.push(name.to_owned());
                if !known.contains_key(&place) {
                    place.pop();
                    break;
                }
            }
        }
    }
    Some(place)
}

/// What each module imports from, apart from its own ancestors and descendants.
fn imports(known: &BTreeMap<Module, String>) -> BTreeMap<Module, BTreeSet<Module>> {
    let mut imports = BTreeMap::new();
    for (module, source) in known {
        let from = imports.entry(module.clone()).or_insert_with(BTreeSet::new);
        for statement in source.split("\nuse ").skip(1) {
            let tree: String = statement
                .split(';')
                .next()
                .unwrap()
                .split_whitespace()
                .collect();
            let targets = paths(&tree);
            from.extend(
                targets
                    .iter()
                    .filter_map(|path| target(path, module, known)),
            );
        }
        from.retain(|other| !other.starts_with(module) && !module.starts_with(other));
    }
    imports
}

/// Whether `to` is reached from `from`.
fn reaches(from: &Module, to: &Module, imports: &BTreeMap<Module, BTreeSet<Module>>) -> bool {
    let (mut seen, mut open) = (BTreeSet::new(), vec![from]);
    while let Some(module) = open.pop() {
        for next in imports.get(module).into_iter().flatten() {
            if next == to {
                return true;
            }
            if seen.insert(next) {
                open.push(next);
            }
        }
    }
    false
}

#[test]
fn no_file_imports_from_one_that_imports_from_it() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut cycles = Vec::new();
    for entry in fs::read_dir(crates).unwrap() {
        let folder = entry.unwrap().path().join("src");
        if !folder.is_dir() {
            continue;
        }
        let mut known = BTreeMap::new();
        modules(&folder, &Module::new(), &mut known);
        let imports = imports(&known);
        assert!(!imports.is_empty(), "{}", folder.display());
        let in_cycles = imports
            .keys()
            .filter(|module| reaches(module, module, &imports));
        cycles
            .extend(in_cycles.map(|module| format!("{}: {}", folder.display(), module.join("::"))));
    }
    assert_eq!(cycles, [""; 0]);
}

#[test]
fn imports_are_found_in_nested_trees() {
    let known = ["", "a", "a::b", "c", "d"].map(|module| {
        let names = module.split("::").filter(|name| !name.is_empty());
        (names.map(str::to_owned).collect(), String::new())
    });
    let mut known: BTreeMap<Module, String> = known.into();
    let source = "//! Doc\n\nuse std::fmt;\n\nuse super::{c::{X, Y}, d};\n";
    known.insert(vec!["a".to_owned()], source.to_owned());
    known.insert(vec!["d".to_owned()], "\nuse crate::a::b::Z;\n".to_owned());
    let imports = imports(&known);
    let names = |module: &str| imports[&vec![module.to_owned()]].clone();
    assert_eq!(
        names("a"),
        [vec!["c".to_owned()], vec!["d".to_owned()]].into()
    );
    assert_eq!(names("d"), [vec!["a".to_owned(), "b".to_owned()]].into());
}
