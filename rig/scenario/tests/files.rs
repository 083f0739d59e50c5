//! The language as data: every file in `good/` is read without a word, every file in `bad/` with exactly the diagnostics beside it,
//! and the generated JSON Schema agrees as far as a schema can see.
#![allow(clippy::disallowed_methods, reason = "the test reads its data files")]

use std::path::Path;

use rig_scenario::{Parsed, Requirements, SourceFile, parse_scenarios, schema};
use saphyr_parser::{Event, Parser, ScalarStyle};
use serde_json::{Map, Value};

fn folder(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(name)
}

fn yaml_files(name: &str) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder(name))
        .expect("the folder of test files")
        .map(|entry| entry.expect("an entry").file_name().into_string().expect("a UTF-8 name"))
        .filter(|name| name.ends_with(".yaml"))
        .collect();
    names.sort();
    assert!(!names.is_empty());
    names
}

fn parse(name: &str, file: &str) -> (String, Parsed) {
    let root = folder(name);
    let text = std::fs::read_to_string(root.join(file)).expect("the file");
    let table = std::fs::read_to_string(folder("requirements.csv")).expect("the requirements");
    let known = Requirements::parse("requirements.csv", &table).expect("good requirements");
    let mut loader = |path: &str| std::fs::read_to_string(root.join(path)).map_err(|_| "no such file".to_owned());
    let source = SourceFile { path: file.to_owned(), text: text.clone() };
    (text, parse_scenarios(vec![source], &mut loader, Some(&known)))
}

fn shown(parsed: &Parsed) -> String {
    parsed.diagnostics.iter().map(|d| format!("{d}\n")).collect()
}

#[test]
fn good_files_are_read_without_a_word() {
    let validator = jsonschema::validator_for(&schema()).expect("a valid schema");
    for file in yaml_files("good") {
        let (text, parsed) = parse("good", &file);
        assert_eq!(shown(&parsed), "", "{file}");
        assert_eq!(parsed.scenarios.len(), 1, "{file}");
        assert_eq!(parsed.files[0].text, text);
        let errors: Vec<String> = validator.iter_errors(&json(&text).expect("YAML")).map(|e| e.to_string()).collect();
        assert!(errors.is_empty(), "{file}: {errors:#?}");
    }
}

/// With `UPDATE_EXPECTED=1` the expected diagnostics are written anew, to be read before they are committed.
#[test]
fn bad_files_give_their_diagnostics() {
    let update = std::env::var_os("UPDATE_EXPECTED").is_some();
    for file in yaml_files("bad") {
        let (_, parsed) = parse("bad", &file);
        let expected = folder("bad").join(file.replace(".yaml", ".expected"));
        let found = shown(&parsed);
        assert!(parsed.scenarios.is_empty(), "{file}");
        assert!(!found.is_empty(), "{file}");
        if update {
            std::fs::write(&expected, &found).expect("to write what was found");
        }
        let expected = std::fs::read_to_string(&expected).unwrap_or_default();
        assert_eq!(found, expected, "{file}");
    }
}

#[test]
fn the_schema_refuses_what_a_schema_can_see() {
    let validator = jsonschema::validator_for(&schema()).expect("a valid schema");
    for file in yaml_files("bad") {
        let (text, _) = parse("bad", &file);
        let blind = text.starts_with("# schema: blind");
        let valid = json(&text).is_some_and(|value| validator.is_valid(&value));
        assert_eq!(valid, blind, "{file}");
    }
}

#[test]
fn the_schema_accepts_fragments() {
    let validator = jsonschema::validator_for(&schema()).expect("a valid schema");
    let text = std::fs::read_to_string(folder("good/fragments/settle.yaml")).expect("the file");
    assert!(validator.is_valid(&json(&text).expect("YAML")));
}

/// A YAML file as an editor's JSON Schema support sees it; `None` where it is no plain YAML tree.
fn json(text: &str) -> Option<Value> {
    let mut stack: Vec<(Value, Option<String>)> = vec![(Value::Array(Vec::new()), None)];
    for event in Parser::new_from_str(text) {
        let value = match event.ok()?.0 {
            Event::Scalar(text, style, 0, None) => scalar(&text, style),
            Event::SequenceStart(0, None) => {
                stack.push((Value::Array(Vec::new()), None));
                continue;
            }
            Event::MappingStart(0, None) => {
                stack.push((Value::Object(Map::new()), None));
                continue;
            }
            Event::SequenceEnd | Event::MappingEnd => stack.pop()?.0,
            Event::Alias(_) | Event::Scalar(..) | Event::SequenceStart(..) | Event::MappingStart(..) => return None,
            _ => continue,
        };
        match stack.last_mut()? {
            (Value::Array(items), _) => items.push(value),
            (Value::Object(map), key) => match key.take() {
                Some(name) => {
                    map.insert(name, value);
                }
                None => *key = Some(value.as_str().map_or_else(|| value.to_string(), str::to_owned)),
            },
            _ => return None,
        }
    }
    match stack.pop()?.0 {
        Value::Array(mut documents) if documents.len() == 1 => documents.pop(),
        _ => None,
    }
}

/// A scalar by the core schema of YAML 1.2.
fn scalar(text: &str, style: ScalarStyle) -> Value {
    if style != ScalarStyle::Plain {
        return Value::String(text.to_owned());
    }
    match text {
        "" | "~" | "null" => Value::Null,
        "true" => Value::Bool(true),
        "false" => Value::Bool(false),
        _ => text.parse::<serde_json::Number>().map_or_else(|_| Value::String(text.to_owned()), Value::Number),
    }
}
