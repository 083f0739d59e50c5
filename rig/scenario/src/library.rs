//! The files that are read: scenarios as given, fragments through the loader, each once, with its hash.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use rig_model::fact::SourceText;
use sha2::{Digest, Sha256};

use crate::diagnostic::{Place, Reporter};
use crate::expression::Scope;
use crate::expression::mentioned;
use crate::grammar::FRAGMENT;
use crate::limits::MAX_FILE_BYTES;
use crate::node::{Entry, Node};
use crate::read::Reader;
use crate::yaml;

/// Gives the text of an included fragment. The path is the including file's folder with the include's path put on, `..` resolved.
pub trait Loader {
    fn load(&mut self, path: &str) -> Result<String, String>;
}

/// No fragments at all.
impl Loader for () {
    fn load(&mut self, _: &str) -> Result<String, String> {
        Err("there is nothing to include from".to_owned())
    }
}

impl<F: FnMut(&str) -> Result<String, String>> Loader for F {
    fn load(&mut self, path: &str) -> Result<String, String> {
        self(path)
    }
}

/// Every file read so far.
pub(crate) struct Library<'l> {
    loader: &'l mut dyn Loader,
    pub files: Vec<SourceText>,
    fragments: BTreeMap<String, Option<Rc<Node>>>,
}

impl<'l> Library<'l> {
    pub fn new(loader: &'l mut dyn Loader) -> Self {
        Self { loader, files: Vec::new(), fragments: BTreeMap::new() }
    }

    /// Takes a file in: hash, tree. `None` after an error; an oversized file is neither hashed nor kept.
    pub fn read(&mut self, path: &str, text: String, out: &mut Reporter) -> Option<Node> {
        if text.len() > MAX_FILE_BYTES {
            let file = out.add_file(path, "");
            let size = text.len().div_ceil(1024);
            let help = format!("at most {} KiB are taken", MAX_FILE_BYTES / 1024);
            out.error_with_help(Place::top(file), format!("the file has {size} KiB"), help);
            return None;
        }
        // The hash is that of the file as it is; only the parser does without the byte order mark that some editors leave.
        let bare = text.strip_prefix('\u{feff}').unwrap_or(&text);
        let file = out.add_file(path, bare);
        let tree = yaml::parse(file, bare, out);
        self.files.push(SourceText { path: path.to_owned(), sha256: sha256(&text), text });
        tree
    }

    /// A fragment, loaded when it is first asked for; `Ok(None)` if it has errors, which were reported then.
    pub fn fragment(&mut self, path: &str, out: &mut Reporter) -> Result<Option<Rc<Node>>, String> {
        if let Some(fragment) = self.fragments.get(path) {
            return Ok(fragment.clone());
        }
        let text = self.loader.load(path)?;
        let tree = self.read(path, text, out);
        Ok(self.keep_fragment(path, tree, out))
    }

    /// A fragment that came among the scenarios or was loaded: its head is seen to, its steps are read where it is included.
    pub fn keep_fragment(&mut self, path: &str, tree: Option<Node>, out: &mut Reporter) -> Option<Rc<Node>> {
        let tree = tree.filter(|tree| {
            let before = out.count();
            let mut read = Reader { out, scope: Scope::new() };
            let fields = read.map(tree, FRAGMENT, "a fragment");
            if let Some(name) = fields.and_then(|f| f.get("fragment")) {
                read.name(name, "fragment");
            }
            unused_parameters(tree, tree.entries("parameters"), read.out);
            out.count() == before
        });
        let fragment = tree.map(Rc::new);
        self.fragments.insert(path.to_owned(), fragment.clone());
        fragment
    }
}

/// Reports parameters that nothing in the file mentions.
pub(crate) fn unused_parameters(root: &Node, parameters: &[Entry], out: &mut Reporter) {
    let mut used: BTreeSet<String> = BTreeSet::new();
    root.for_each_text(&mut |text| used.extend(mentioned(text).map(str::to_owned)));
    for entry in parameters.iter().filter(|e| !used.contains(&e.key)) {
        let help = format!("use it as `${}`, or take it out", entry.key);
        out.error_with_help(entry.key_at, format!("the parameter `{}` is never used", entry.key), help);
    }
}

/// Hexadecimal SHA-256 of a text.
pub(crate) fn sha256(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A relative path put on the folder of the file that it stands in; `None` for one that is absolute or leaves the root.
pub(crate) fn beside(file: &str, written: &str) -> Option<String> {
    if written.starts_with('/') || written.contains(['\\', '\0', ':']) {
        return None;
    }
    let folder = file.rsplit_once('/').map_or("", |(folder, _)| folder);
    let absolute = file.starts_with('/');
    let mut parts: Vec<&str> = folder.split('/').filter(|p| !p.is_empty() && *p != ".").collect();
    for part in written.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|p| *p != "..") => {
                parts.pop();
            }
            // A relative root may itself lie below: `../scenarios/x.yaml` stays readable.
            ".." if absolute => return None,
            other => parts.push(other),
        }
    }
    Some(format!("{}{}", if absolute { "/" } else { "" }, parts.join("/")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_relative_to_the_including_file() {
        for (file, written, expected) in [
            ("scenarios/trial/a.yaml", "../fragments/settle.yaml", Some("scenarios/fragments/settle.yaml")),
            ("a.yaml", "b.yaml", Some("b.yaml")),
            ("/home/x/a.yaml", "./f/b.yaml", Some("/home/x/f/b.yaml")),
            ("../s/a.yaml", "../b.yaml", Some("../b.yaml")),
            ("a.yaml", "../b.yaml", Some("../b.yaml")),
            ("/a.yaml", "../../b.yaml", None),
            ("a.yaml", "/etc/passwd", None),
            ("a.yaml", "c:\\x", None),
        ] {
            assert_eq!(beside(file, written).as_deref(), expected, "{file} {written}");
        }
    }
}
