//! What the firmware's source may not contain.

/// Doses are integers: no rounding that depends on the machine, and no floating-point unit in the pump.
#[test]
#[expect(clippy::disallowed_methods, reason = "reads its own source, which is the point")]
fn no_floating_point_in_the_source() {
    let source = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = 0;
    for entry in std::fs::read_dir(source).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        files += 1;
        let words = text.split(|letter: char| !letter.is_alphanumeric() && letter != '_');
        let floats: Vec<_> = words.filter(|word| word.ends_with("f32") || word.ends_with("f64")).collect();
        assert!(floats.is_empty(), "{}: {floats:?}", path.display());
    }
    assert!(files >= 10, "the source was found");
}
