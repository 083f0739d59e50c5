//! What a variant is made of: the sources that this program was built from, and the manifests of a workspace of variants.

use std::collections::BTreeMap;
use std::path::Path;

use include_dir::{Dir, include_dir};
use sha2::{Digest, Sha256};
use toml::{Table, Value};

static PUMP: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../firmware-under-test/pump/src");
static LINK: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../link/src");
const PUMP_MANIFEST: &str = include_str!("../../../firmware-under-test/pump/Cargo.toml");
const PUMP_BUILD: &str = include_str!("../../../firmware-under-test/pump/build.rs");
const LINK_MANIFEST: &str = include_str!("../../link/Cargo.toml");
const WORKSPACE: &str = include_str!("../../../Cargo.toml");
pub const LOCK: &str = include_str!("../../../Cargo.lock");
/// The variant's end of the interface.
const SLOT: &str = include_str!("../slot/lib.rs");
/// How variants are built. They are played in virtual time by the hundred: fast enough to run, and quick to build.
const PROFILE: &str =
    "opt-level = 2\ndebug = false\nlto = false\ncodegen-units = 4\npanic = \"unwind\"\nstrip = true\nincremental = false\n";

/// The pump's own sources by name.
pub fn pump() -> BTreeMap<String, String> {
    texts(&PUMP)
}

/// Everything that decides what a variant does.
pub fn hash(patched: &BTreeMap<String, String>) -> String {
    let mut hash = Sha256::new();
    let mut put = |name: &str, text: &str| {
        for part in [name, text] {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
    };
    patched.iter().for_each(|(name, text)| put(name, text));
    texts(&LINK).iter().for_each(|(name, text)| put(name, text));
    for (name, text) in [
        ("pump", PUMP_MANIFEST),
        ("build", PUMP_BUILD),
        ("link", LINK_MANIFEST),
        ("workspace", WORKSPACE),
        ("lock", LOCK),
        ("slot", SLOT),
        ("profile", PROFILE),
        ("target", std::env::consts::ARCH),
    ] {
        put(name, text);
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The files of a workspace of variants, by path: for each its short key and its sources.
pub fn workspace(variants: &[(&str, &BTreeMap<String, String>)]) -> BTreeMap<String, String> {
    let mut files = BTreeMap::new();
    let members = variants.iter().flat_map(|(key, _)| [format!("pumps/{key}"), format!("slots/{key}")]);
    files.insert("Cargo.toml".to_owned(), root(members.chain(["rig/link".to_owned()]).collect()));
    files.insert("rig/link/Cargo.toml".to_owned(), package(LINK_MANIFEST, None));
    // Relative to each pump it lies where it lies in the project: the build hash is made of both.
    files.extend(texts(&LINK).into_iter().map(|(name, text)| (format!("rig/link/src/{name}"), text)));
    for (key, sources) in variants {
        files.insert(format!("pumps/{key}/Cargo.toml"), package(PUMP_MANIFEST, Some(key)));
        files.insert(format!("pumps/{key}/build.rs"), PUMP_BUILD.to_owned());
        files.extend(sources.iter().map(|(name, text)| (format!("pumps/{key}/src/{name}"), text.clone())));
        files.insert(format!("slots/{key}/Cargo.toml"), slot_manifest(key));
        files.insert(format!("slots/{key}/src/lib.rs"), SLOT.to_owned());
    }
    files
}

/// The project's own manifest with these members, so that versions are inherited from the same place.
fn root(members: Vec<String>) -> String {
    let mut manifest = parsed(WORKSPACE);
    manifest.remove("profile");
    if let Some(Value::Table(workspace)) = manifest.get_mut("workspace") {
        workspace.insert("members".to_owned(), members.into());
        workspace.remove("default-members");
        workspace.remove("exclude");
    }
    format!("{manifest}\n[profile.release]\n{PROFILE}")
}

fn package(manifest: &str, key: Option<&str>) -> String {
    let mut manifest = parsed(manifest);
    manifest.remove("dev-dependencies");
    manifest.remove("lints");
    manifest.remove("bench");
    manifest.remove("test");
    if let (Some(key), Some(Value::Table(package))) = (key, manifest.get_mut("package")) {
        package.insert("name".to_owned(), format!("pump-{key}").into());
    }
    let mut text = manifest.to_string();
    // `pump-link` is where the workspace says; that is the project's own path.
    text.push('\n');
    text
}

fn slot_manifest(key: &str) -> String {
    format!(
        "[package]\nname = \"slot-{key}\"\nversion = \"0.1.0\"\nedition = \"2024\"\npublish = false\n\n[lib]\ncrate-type = [\"cdylib\"]\n\n\
         [dependencies]\npump-core = {{ package = \"pump-{key}\", path = \"../../pumps/{key}\" }}\n"
    )
}

fn parsed(manifest: &str) -> Table {
    manifest.parse().expect("a manifest that this program was built by")
}

fn texts(folder: &Dir<'_>) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    gather(folder, folder.path(), &mut found);
    found
}

fn gather(folder: &Dir<'_>, root: &Path, found: &mut BTreeMap<String, String>) {
    for file in folder.files() {
        let name = file.path().strip_prefix(root).unwrap_or(file.path());
        if let (Some(name), Some(text)) = (name.to_str(), file.contents_utf8()) {
            found.insert(name.to_owned(), text.to_owned());
        }
    }
    folder.dirs().for_each(|below| gather(below, root, found));
}
