//! The JSON schema of the TOML form, for editors: completion, what a key means, and mistakes while typing.
//!
//! It is derived from the form itself, so that it cannot lag behind. What a schema cannot say (a range that ends before it
//! begins, a role that is not declared) is for the lint.
//!
//! JSON Schema draft 7, and of that only what draft 4 has as well: what the TOML editors understand.

use super::document_form::{DocumentForm, StepSpecForm};
use super::port_range::{PortList, PortRange};
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::Value;
use std::borrow::Cow;

/// The JSON schema of a document.
#[must_use]
pub fn document_schema() -> Value {
    schema_of::<DocumentForm>("portproof document")
}

fn schema_of<Form: JsonSchema>(title: &str) -> Value {
    let mut schema = SchemaSettings::draft07().into_generator().into_root_schema_for::<Form>();
    schema.insert("title".to_owned(), title.into());
    let mut schema = schema.to_value();
    simplify(&mut schema);
    schema
}

/// Takes out what TOML or the editors do not have: `null`, `const`, and formats of numbers, which are no formats.
fn simplify(value: &mut Value) {
    match value {
        Value::Object(keys) => {
            if keys.get("default").is_some_and(Value::is_null) {
                keys.remove("default");
            }
            if keys.get("format").is_some_and(Value::is_string) {
                keys.remove("format");
            }
            if let Some(constant) = keys.remove("const") {
                keys.insert("enum".to_owned(), Value::Array(vec![constant]));
            }
            without_null(keys);
            keys.values_mut().for_each(simplify);
        }
        Value::Array(items) => items.iter_mut().for_each(simplify),
        _ => {}
    }
}

/// A key that may be left out is one thing; `null` is another, which TOML does not have.
fn without_null(keys: &mut serde_json::Map<String, Value>) {
    if let Some(Value::Array(types)) = keys.get_mut("type") {
        types.retain(|name| name != "null");
        if let [only] = types.as_slice() {
            let only = only.clone();
            keys.insert("type".to_owned(), only);
        }
    }
    let Some(Value::Array(options)) = keys.get_mut("anyOf") else { return };
    options.retain(|option| option.get("type").is_none_or(|name| name != "null"));
    if let [Value::Object(only)] = options.as_mut_slice() {
        // A description beside a reference would not be seen before draft 2019-09.
        let only = Value::Object(std::mem::take(only));
        keys.remove("anyOf");
        keys.insert("allOf".to_owned(), Value::Array(vec![only]));
    }
}

/// Digits of a port, 1 to 65535.
const PORT: &str = "0*([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])";

fn port_number() -> Value {
    serde_json::json!({ "type": "integer", "minimum": 1, "maximum": 65535 })
}

macro_rules! schemas {
    ($($type:ty, $name:literal, $inline:literal: $schema:expr;)+) => {
        $(impl JsonSchema for $type {
            fn inline_schema() -> bool {
                $inline
            }

            fn schema_name() -> Cow<'static, str> {
                $name.into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                $schema
            }
        })+
    };
}

/// Stands for an identifier in the forms.
pub(super) struct Identifier;

/// Stands for a text that says something.
pub(super) struct Filled;

/// Stands for a port such as "7002/tcp".
pub(super) struct PortWithTransport;

/// Stands for one port.
pub(super) struct PortNumber;

/// Stands for the number of a step.
pub(super) struct StepNumber;

schemas! {
    Identifier, "Identifier", true: json_schema!({
        "type": "string", "pattern": "^[a-z0-9-]{1,64}$", "not": { "enum": ["any"] },
    });
    Filled, "Filled", true: json_schema!({ "type": "string", "pattern": "\\S" });
    PortWithTransport, "PortWithTransport", true: json_schema!({
        "type": "string", "pattern": format!("^{PORT}/([tT][cC][pP]|[uU][dD][pP])$"),
    });
    PortNumber, "PortNumber", true: json_schema!({
        "anyOf": [port_number(), { "type": "string", "pattern": format!("^\\s*{PORT}\\s*$") }],
    });
    StepNumber, "StepNumber", true: json_schema!({ "type": "integer", "minimum": 0, "maximum": 65535 });
    StepSpecForm, "StepSpec", true: json_schema!({ "anyOf": [port_number(), { "type": "string", "enum": ["dynamic"] }] });
    PortRange, "PortRange", false: json_schema!({
        "description": "A port such as 7700, or a range such as \"27000-27009\".",
        "anyOf": [
            port_number(),
            { "type": "string", "pattern": format!("^\\s*{PORT}\\s*(-\\s*{PORT}\\s*)?$") },
        ],
    });
}

impl JsonSchema for PortList {
    fn schema_name() -> Cow<'static, str> {
        "PortList".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let range = generator.subschema_for::<PortRange>();
        json_schema!({
            "description": "A port, a range such as \"27000-27009\", or a list of them.",
            "anyOf": [range, { "type": "array", "items": range, "minItems": 1, "maxItems": 1000, "uniqueItems": true }],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::lint::cases::{HEAD, MARK, cases};
    use crate::catalog::rule::{Rule, Severity};
    use jsonschema::Validator;

    fn validator() -> Validator {
        jsonschema::draft7::new(&document_schema()).unwrap()
    }

    #[track_caller]
    fn errors(text: &str) -> Vec<String> {
        let value: Value = toml::from_str(text).unwrap();
        validator().iter_errors(&value).map(|error| format!("{}: {error}", error.instance_path())).collect()
    }

    /// A document of which the row, and what follows, are given.
    fn with_row(row: &str, more: &str) -> String {
        format!("{HEAD}[[table]]\nrole = \"server\"\ncitation = \"T\"\nrows = [{row}]\n{more}")
    }

    #[test]
    fn the_file_for_editors_is_the_schema() {
        let file = include_str!("../../docs/document.schema.json");
        let again = "run: portproof catalog schema > docs/document.schema.json";
        assert_eq!(serde_json::from_str::<Value>(file).unwrap(), document_schema(), "{again}");
        assert!(file.starts_with("{\n  \"$schema\"") && file.ends_with("}\n"), "{again}");
    }

    #[test]
    fn it_is_a_schema_and_holds_nothing_that_editors_do_not_know() {
        let schema = document_schema();
        assert!(jsonschema::draft7::meta::is_valid(&schema));
        let text = schema.to_string();
        for word in ["null", "\"const\"", "\"format\"", "Form\"", "$defs"] {
            assert!(!text.contains(word), "{word}");
        }
    }

    #[test]
    fn every_key_says_what_it_means() {
        fn silent(path: &str, value: &Value, found: &mut Vec<String>) {
            let Some(keys) = value.as_object() else { return };
            for (name, key) in keys.get("properties").and_then(Value::as_object).into_iter().flatten() {
                if key["description"].as_str().is_none_or(str::is_empty) {
                    found.push(format!("{path}.{name}"));
                }
            }
            for (name, definition) in keys.get("definitions").and_then(Value::as_object).into_iter().flatten() {
                silent(name, definition, found);
            }
        }
        let (schema, mut found) = (document_schema(), Vec::new());
        silent("", &schema, &mut found);
        assert_eq!(found, [""; 0]);
        assert!(schema["definitions"].as_object().is_some_and(|all| all.len() > 15));
    }

    #[test]
    fn the_built_in_documents_are_valid() {
        for text in [
            include_str!("documents/factorytalk-assetcentre.toml"),
            include_str!("documents/license-key-server.toml"),
            include_str!("documents/windows-infrastructure.toml"),
            include_str!("documents/rpc-interfaces.toml"),
        ] {
            assert_eq!(errors(text), [""; 0]);
        }
    }

    #[test]
    fn ports_are_numbers_ranges_or_lists() {
        for ports in ["1", "65535", "\"7700\"", "\"27000-27009\"", "\" 1 - 65535 \"", "[5, \"7-9\"]"] {
            assert_eq!(errors(&with_row(&format!("{{ service = \"a\", tcp = {ports} }}"), "")), [""; 0], "{ports}");
        }
        for ports in [
            "0",
            "70000",
            "-1",
            "1.5",
            "true",
            "[]",
            "[5, 5]",
            "[[5]]",
            "\"9_3\"",
            "\"0-5\"",
            "\"1-65536\"",
            "\"1-2-3\"",
            "\"\"",
        ] {
            let found = errors(&with_row(&format!("{{ service = \"a\", tcp = {ports} }}"), ""));
            assert!(found.iter().any(|error| error.starts_with("/table/1/rows/0/tcp: ")), "{ports}: {found:?}");
        }
    }

    #[test]
    fn what_is_not_of_the_form_is_not_valid() {
        let good = "{ service = \"a\", tcp = 1 }";
        assert_eq!(errors(&with_row(good, "")), [""; 0]);
        for (text, at) in [
            (with_row("{ service = \"a\", tpc = 1, tcp = 1 }", ""), "/table/1/rows/0"),
            (with_row("{ service = \"a\" }", ""), "/table/1/rows/0"),
            (with_row("{ tcp = 1 }", ""), "/table/1/rows/0"),
            (
                with_row("{ service = \"a\", tcp = 1, fallback_ports = [\"3-4\"] }", ""),
                "/table/1/rows/0/fallback_ports/0",
            ),
            (with_row("{ service = \"a\", tcp = 1, standing = \"overveiw\" }", ""), "/table/1/rows/0/standing"),
            (with_row("{ service = \"a\", tcp = 1, citation = \" \" }", ""), "/table/1/rows/0/citation"),
            (with_row(good, "[[fact]]\ntopic = \"t\"\ntext = \"x\"\n"), "/fact/0"),
            (with_row(good, "[[role]]\nid = \"any\"\ntitle = \"x\"\n"), "/role/2/id"),
            (with_row(good, "[[role]]\nid = \"a\"\ntitle = \"x\"\nsignature = [\"88\"]\n"), "/role/2/signature/0"),
            (with_row(good, "[[dynamic_range]]\nrole = \"server\"\ncitation = \"T\"\n"), "/dynamic_range/0"),
            (with_row(good, "[site]\nname = \"p\"\n"), ""),
            (HEAD.replace("kind = \"vendor\"", "kind = \"vendors\""), "/document/kind"),
            (HEAD.replace("[document]", "[other]"), ""),
        ] {
            let found = errors(&text);
            assert!(found.iter().any(|error| error.starts_with(&format!("{at}: "))), "{text}\n{found:?}");
        }
    }

    #[test]
    fn it_agrees_with_the_reader() {
        for case in cases() {
            let silent = format!("{HEAD}{}", case.silent).replace(MARK, "");
            assert_eq!(errors(&silent), [""; 0], "{silent}");
            let fires = format!("{HEAD}{}", case.fires).replace(MARK, "");
            let of_the_form = [Rule::UnknownKey, Rule::MissingKey, Rule::Citation, Rule::Identifier, Rule::Row];
            if case.rule.severity() != Severity::Error {
                assert_eq!(errors(&fires), [""; 0], "{fires}");
            } else if of_the_form.contains(&case.rule) {
                assert_ne!(errors(&fires), [""; 0], "{fires}");
            }
        }
    }
}
