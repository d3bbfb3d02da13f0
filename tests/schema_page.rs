//! docs/schema.md is printed from the schema: it cannot drift.

#[path = "../examples/schema_doc.rs"]
#[allow(dead_code, reason = "the example's main is not called here")]
mod schema_doc;

#[test]
fn the_schema_page_is_what_the_schema_says() {
    let page = include_str!("../docs/schema.md");
    assert_eq!(page, schema_doc::document(), "run: cargo run --example schema_doc > docs/schema.md");
}
