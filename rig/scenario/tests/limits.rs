//! Hostile and absurd files are refused quickly, with a message, and never take the reader down.

use proptest::prelude::*;
use rig_scenario::{Diagnostic, Parsed, SourceFile, limits, parse_bench, parse_plan, parse_scenarios};

const GOOD: &str = include_str!("good/everything.yaml");
const BENCH: &str = include_str!("../../benches/sim.toml");
const PLAN: &str = include_str!("../../docs/plan-example.toml");

fn parse(text: String) -> Parsed {
    parse_scenarios(vec![SourceFile { path: "x.yaml".into(), text }], &mut (), None)
}

fn messages(parsed: &Parsed) -> Vec<&str> {
    parsed.diagnostics.iter().map(|d: &Diagnostic| d.message.as_str()).collect()
}

fn scenario(head: &str, steps: &str) -> String {
    format!("scenario: A\ntitle: T\ntime_limit: 1 h\n{head}\nsteps:\n{steps}  - check: {{ state: stopped }}\n")
}

#[test]
fn a_file_of_100_mb_is_neither_parsed_nor_kept() {
    let parsed = parse("a: [".repeat(25_000_000));
    assert_eq!(messages(&parsed), ["the file has 97657 KiB"]);
    assert!(parsed.files.is_empty());
    assert_eq!(parsed.diagnostics[0].suggestion.as_deref(), Some("at most 1024 KiB are taken"));
    assert!(parse_bench("b.toml", &"a = [".repeat(20_000_000)).is_err());
}

#[test]
fn a_yaml_bomb_is_refused_at_its_first_anchor() {
    let mut bomb = "a0: &a0 [lol, lol]\n".to_owned();
    for i in 1..30 {
        bomb += &format!("a{i}: &a{i} [*a{0}, *a{0}, *a{0}, *a{0}, *a{0}, *a{0}, *a{0}, *a{0}, *a{0}]\n", i - 1);
    }
    assert_eq!(messages(&parse(bomb)), ["YAML anchors and aliases are not taken"]);
}

#[test]
fn deep_nesting_is_refused() {
    for opening in ["[", "{a: ", "- ", "? "] {
        let parsed = parse(opening.repeat(100_000 / opening.len()));
        assert_eq!(parsed.diagnostics.len(), 1, "{opening}");
        assert!(parsed.scenarios.is_empty());
    }
    assert_eq!(messages(&parse("[".repeat(100))), ["nested deeper than 32 levels"]);
    let deep = scenario("", &format!("  - wait: {}1 s{}\n", "(".repeat(50), ")".repeat(50)));
    assert_eq!(messages(&parse(deep)), ["more than 16 parentheses in each other"]);
}

/// Each of these once was a way to make reading take the square of the file's size, or its thousandfold in memory.
#[test]
fn nothing_grows_beyond_the_file() {
    let keys: String = (0..50_000).map(|i| format!("k{i}: 1\n")).collect();
    assert_eq!(messages(&parse(keys)), ["more than 1000 keys in one map"]);
    let name = "x".repeat(400_000);
    let long = scenario(&format!("parameters: {{ a{name}: 1 s }}"), &format!("  - wait: $b{name}\n"));
    assert!(parse(long).diagnostics.iter().all(|d| d.message.len() < 2 * limits::MAX_MESSAGE));
    let sum = scenario("for_each: { n: [1, 2, 3] }", &format!("  - wait: 1 s{}\n", " + $n * 1 s".repeat(90_000)));
    assert_eq!(messages(&parse(sum)), ["`wait` is longer than 1000 characters"]);
    let ids = vec!["R"; 100_000].join(", ");
    let many = scenario("", &format!("  - check: {{ restarts: pump, is: 0, verifies: [{ids}] }}\n"));
    assert_eq!(messages(&parse(many)), ["`verifies` has more than 32 values"]);
    let cases = (0..1_000).map(|i| i.to_string()).collect::<Vec<_>>().join(", ");
    let watch = "  - never: { state: fault }\n".repeat(30_000);
    let watches = format!("for_each: {{ n: [{cases}] }}\nwatch:\n{watch}");
    assert!(messages(&parse(scenario(&watches, "  - wait: $n * 1 s\n"))).contains(&"more than 10000 steps in one case, fragments put in"));
}

#[test]
fn fragments_can_not_multiply_without_end() {
    // Eight fragments that each include the next ten times: 10^8 steps if they were put in.
    let mut loader = |path: &str| {
        let n: u32 = path.trim_start_matches('f').parse().map_err(|_| "no such file".to_owned())?;
        let step = if n < 8 { format!("  - include: f{}\n", n + 1) } else { "  - identify\n".to_owned() };
        Ok(format!("fragment: f{n}\nsteps:\n{}", step.repeat(10)))
    };
    let source = SourceFile { path: "x.yaml".into(), text: scenario("", "  - include: f1\n") };
    let parsed = parse_scenarios(vec![source], &mut loader, None);
    assert!(messages(&parsed).contains(&"more than 10000 steps in one case, fragments put in"), "{:?}", messages(&parsed));
    assert_eq!(parsed.files.len(), 9);
}

#[test]
fn includes_go_eight_deep() {
    let mut loader = |path: &str| {
        let n: u32 = path.trim_start_matches('f').parse().map_err(|_| "no such file".to_owned())?;
        Ok(format!("fragment: f{n}\nsteps: [{{ include: f{} }}]\n", n + 1))
    };
    let source = SourceFile { path: "x.yaml".into(), text: scenario("", "  - include: f1\n") };
    let parsed = parse_scenarios(vec![source], &mut loader, None);
    assert_eq!(messages(&parsed), ["fragments include each other more than 8 deep"]);
}

#[test]
fn a_thousand_cases_and_not_one_more() {
    let matrix = |n: u32| format!("for_each: {{ n: [{}] }}", (1..=n).map(|i| i.to_string()).collect::<Vec<_>>().join(", "));
    let parsed = parse(scenario(&matrix(1_000), "  - wait: $n * 1 s\n"));
    assert_eq!(messages(&parsed), Vec::<&str>::new());
    assert_eq!(parsed.scenarios[0].cases.len(), limits::MAX_CASES);
    assert_eq!(parsed.scenarios[0].cases[999].label, "n=1000");
    assert_eq!(messages(&parse(scenario(&matrix(1_001), "  - wait: $n * 1 s\n"))), ["the matrix gives more than 1000 cases"]);
}

#[test]
fn the_same_id_in_two_files() {
    let files = ["a.yaml", "b.yaml"].map(|path| SourceFile { path: path.into(), text: scenario("", "") });
    let parsed = parse_scenarios(files.into(), &mut (), None);
    assert_eq!(messages(&parsed), ["the id `A` is that of a.yaml too"]);
    assert_eq!(parsed.diagnostics[0].file, "b.yaml");
}

#[test]
fn errors_beyond_a_thousand_are_counted() {
    let parsed = parse(scenario("", &"  - strat\n".repeat(1_500)));
    assert_eq!(parsed.diagnostics.len(), limits::MAX_DIAGNOSTICS + 1);
    assert_eq!(parsed.diagnostics.last().map(|d| d.message.as_str()), Some("and 500 more errors, which are not shown"));
}

#[test]
fn control_characters_do_not_reach_the_terminal() {
    let shown = parse("scenario: A\u{1b}[2Jb\ntitle: \"\\e[31m\"\n".into()).diagnostics.iter().map(ToString::to_string).collect::<String>();
    assert!(!shown.contains('\u{1b}'), "{shown:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_text_never_panics(text in "(?s).{0,400}") {
        let shown: Vec<String> = parse(text.clone()).diagnostics.iter().map(ToString::to_string).collect();
        prop_assert!(!shown.is_empty());
        prop_assert!(parse_bench("b.toml", &text).is_err());
        prop_assert!(parse_plan("p.toml", &text).is_err());
    }

    #[test]
    fn yaml_like_text_never_panics(text in "[-a-z0-9 :{}\\[\\],&*!|>'\"%@`#?\n\t\u{b5}\u{3bc}\u{b1}$().]{0,300}") {
        parse(text).diagnostics.iter().for_each(|d| drop(d.to_string()));
    }

    #[test]
    fn a_mutated_file_never_panics(at in 0..GOOD.len(), cut in 0..40_usize, put in "(?s).{0,6}") {
        let text = mutated(GOOD, at, cut, &put);
        parse(text).diagnostics.iter().for_each(|d| drop(d.to_string()));
    }

    #[test]
    fn a_mutated_bench_file_never_panics(at in 0..BENCH.len(), cut in 0..40_usize, put in "(?s).{0,6}") {
        if let Err(diagnostics) = parse_bench("b.toml", &mutated(BENCH, at, cut, &put)) {
            prop_assert!(!diagnostics.is_empty());
            diagnostics.iter().for_each(|d| drop(d.to_string()));
        }
    }

    #[test]
    fn a_mutated_plan_never_panics(at in 0..PLAN.len(), cut in 0..40_usize, put in "(?s).{0,6}") {
        if let Err(diagnostics) = parse_plan("p.toml", &mutated(PLAN, at, cut, &put)) {
            prop_assert!(!diagnostics.is_empty());
            diagnostics.iter().for_each(|d| drop(d.to_string()));
        }
    }

    #[test]
    fn quantities_never_panic(text in "[-+*/()$0-9. a-zA-Zµ%±]{1,40}") {
        let text = scenario("", &format!("  - wait: '{text}'\n  - check: {{ restarts: pump, is: '{text}' }}\n"));
        parse(text).diagnostics.iter().for_each(|d| drop(d.to_string()));
    }
}

fn mutated(text: &str, at: usize, cut: usize, put: &str) -> String {
    let boundary = |i: usize| (i..=text.len()).find(|i| text.is_char_boundary(*i)).unwrap_or(text.len());
    format!("{}{put}{}", &text[..boundary(at)], &text[boundary((at + cut).min(text.len()))..])
}
