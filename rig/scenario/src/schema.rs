//! The JSON Schema of scenario and fragment files, made from the tables that the parser reads by.

use rig_model::quantity::{Dimension, UNITS};
use serde_json::{Map, Value, json};

use crate::grammar::{BARE, FRAGMENT, Form, Key, SCENARIO, STEP, Ty};

/// The schema (draft 7, which editors' YAML support reads) of a scenario or fragment file.
pub fn schema() -> Value {
    let mut quantities = Map::new();
    for dimension in UNITS.iter().map(|(_, dimension, ..)| *dimension) {
        quantities.insert(key(dimension), quantity(dimension));
    }
    json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Scenario of the intrathecal pump test rig",
        "definitions": {
            "quantity": quantities,
            "parameter": { "type": "string", "pattern": "^\\$[A-Za-z][A-Za-z0-9_]*$" },
            "step": { "oneOf": std::iter::once(json!({ "enum": BARE })).chain(STEP.iter().map(form)).collect::<Vec<_>>() },
            "steps": { "type": "array", "items": { "$ref": "#/definitions/step" } },
        },
        "oneOf": [map(SCENARIO), map(FRAGMENT)],
    })
}

fn map(keys: &[Key]) -> Value {
    let properties: Map<String, Value> = keys.iter().map(|key| (key.name.to_owned(), property(key))).collect();
    let required: Vec<&str> = keys.iter().filter(|key| key.needed).map(|key| key.name).collect();
    json!({ "type": "object", "properties": properties, "required": required, "additionalProperties": false })
}

fn form(form: &Form) -> Value {
    let keys: Vec<Key> = std::iter::once(form.head).chain(form.more.iter().copied()).collect();
    map(&keys)
}

fn property(key: &Key) -> Value {
    let mut value = ty(key.ty);
    let doc = key.doc.replace('…', "").trim().to_owned();
    // A reference takes no neighbours in draft 7.
    if value.get("$ref").is_some() {
        value = json!({ "allOf": [value] });
    }
    if let Value::Object(object) = &mut value {
        object.insert("description".to_owned(), Value::String(doc));
    }
    value
}

fn ty(ty: Ty) -> Value {
    match ty {
        Ty::Text => json!({ "type": ["string", "number"] }),
        Ty::Name => json!({ "type": "string", "pattern": "^(\\$[A-Za-z][A-Za-z0-9_]*|[A-Za-z][A-Za-z0-9._-]*)$" }),
        Ty::Quantity(Dimension::Count) | Ty::Number => json!({ "type": ["number", "string"], "pattern": "^[0-9(+.$-]" }),
        Ty::Quantity(dimension) => json!({ "$ref": format!("#/definitions/quantity/{}", key(dimension)) }),
        Ty::Tolerance => json!({ "type": ["number", "string"], "pattern": "^([0-9(+.$-]|between .+ and )" }),
        Ty::Measured => json!({ "type": ["number", "string"], "pattern": "^[0-9(+.$-]" }),
        Ty::Range => json!({ "type": "string", "pattern": "^[0-9(+.$-].* and " }),
        Ty::Rolling => json!({ "type": "string", "pattern": "^[0-9(+.$-]" }),
        Ty::Value => json!({ "type": ["string", "number", "boolean", "null"] }),
        Ty::Switch => json!({ "type": "boolean" }),
        Ty::Word(words) => one_of(&words()),
        Ty::OneOf(words) => one_of(words),
        Ty::List(item) => json!({ "type": "array", "items": self::ty(*item) }),
        Ty::OneOrMore(item) => {
            let item = self::ty(*item);
            json!({ "anyOf": [item, { "type": "array", "items": item, "minItems": 1 }] })
        }
        Ty::Either(alternatives) => json!({ "anyOf": alternatives.iter().map(|a| self::ty(*a)).collect::<Vec<_>>() }),
        Ty::Map(keys) => {
            let mut value = map(keys);
            // `start:` with nothing behind is `start`.
            if keys.iter().all(|key| !key.needed) {
                value["type"] = json!(["object", "null"]);
            }
            value
        }
        Ty::Forms(forms) => json!({ "oneOf": forms.iter().map(form).collect::<Vec<_>>() }),
        Ty::Named(value) => json!({ "type": "object", "additionalProperties": self::ty(*value) }),
        Ty::Steps => json!({ "$ref": "#/definitions/steps" }),
    }
}

/// A reference has no spaces.
fn key(dimension: Dimension) -> String {
    dimension.name().replace(' ', "_")
}

fn one_of(words: &[&str]) -> Value {
    json!({ "anyOf": [{ "enum": words }, { "$ref": "#/definitions/parameter" }] })
}

/// A number with a unit of this dimension. Arithmetic is let through as soon as it has an operator or a parameter: only the parser can check it.
fn quantity(dimension: Dimension) -> Value {
    let mut units: Vec<String> = Vec::new();
    for (unit, ..) in UNITS.iter().filter(|(_, d, ..)| *d == dimension) {
        let spellings = if let Some(rest) = unit.strip_prefix('µ') { vec![format!("[µμu]{rest}")] } else { vec![(*unit).to_owned()] };
        units.extend(spellings);
    }
    let literal = format!("[-+]?[0-9]*\\.?[0-9]+ *({})", units.join("|"));
    json!({ "type": "string", "pattern": format!("^({literal}|.*[$*(×].*|.+ [-+/] .+)$") })
}
