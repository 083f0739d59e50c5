//! What a file becomes: exact numbers, paths, texts, windows, needs.

use rig_model::dut::{Alarm, PumpState, Verb};
use rig_model::quantity::{Dimension, Volume};
use rig_model::scenario::{
    Case, Condition, Expected, LinkFault, Rolling, Scenario, Step, StepKind, Subject, Until, Watched, WindowQuantity,
};
use rig_model::time::Span;
use rig_model::verdict::Limits;
use rig_scenario::{SourceFile, lacking, needs, parse_bench, parse_scenarios};

fn parse(text: &str) -> Scenario {
    let source = SourceFile { path: "s/x.yaml".into(), text: text.into() };
    let settle = include_str!("good/fragments/settle.yaml");
    let mut loader = |path: &str| (path == "s/fragments/settle.yaml").then(|| settle.to_owned()).ok_or_else(|| "no such file".to_owned());
    let mut parsed = parse_scenarios(vec![source], &mut loader, None);
    assert!(parsed.diagnostics.is_empty(), "{}", parsed.diagnostics[0]);
    parsed.scenarios.remove(0)
}

fn case_of(steps: &str) -> Case {
    parse(&format!("scenario: A\ntitle: T\ntime_limit: 1 h\nsteps:\n{steps}  - check: {{ state: stopped }}\n")).cases.remove(0)
}

fn all_steps(steps: &[Step]) -> Vec<&Step> {
    steps
        .iter()
        .flat_map(|step| {
            let below = match &step.kind {
                StepKind::Measure(measure) => all_steps(&measure.during),
                StepKind::Repeat { steps, .. } => all_steps(steps),
                _ => Vec::new(),
            };
            std::iter::once(step).chain(below)
        })
        .collect()
}

#[test]
fn the_design_example_exactly() {
    let scenario = parse(include_str!("good/design_example.yaml"));
    assert_eq!((&*scenario.id, &*scenario.file, scenario.tags.as_slice()), ("TRIAL-BOLUS-01", "s/x.yaml", &["trial".to_owned()][..]));
    assert_eq!(scenario.sha256.len(), 64);
    let [case] = &scenario.cases[..] else { panic!("one case") };
    assert_eq!((&*case.label, case.time_limit), ("", Span::minutes(20)));
    assert_eq!((case.given.factory_reset, case.given.reservoir, case.given.catheter_primed), (true, Some(Volume(20_000.0)), Some(true)));
    assert_eq!(case.watch[0].what, Watched::NoReverseFlow { channel: "flow.tip".into() });
    assert_eq!(case.watch[1].what, Watched::NoAlarm { only: vec![] });
    assert_eq!(case.watch[2].what, Watched::VolumeInAny { channel: "flow.tip".into(), window: Span::hours(24), at_most: Volume(300.0) });
    assert_eq!((&*case.watch[2].path, &*case.watch[2].verifies[0]), ("watch.3", "REQ-LIM-02"));

    let lines: Vec<String> =
        all_steps(&case.steps).iter().chain(&all_steps(&case.finally)).map(|s| format!("{}: {}", s.path, s.text)).collect();
    assert_eq!(
        lines,
        [
            "steps.1: program bolus 200 µL over 2 min",
            "steps.2: measure `dose` on flow.tip until state stopped, then quiet for 30 s, within 8 min",
            "steps.2.during.1: start",
            "steps.2.during.2: link: lose next reply",
            "steps.3: volume of `dose` is 200 µL ± 5 %",
            "steps.4: delivery time of `dose` is 2 min ± 10 s",
            "finally.1: stop",
        ]
    );
    let verb = Verb::ProgramBolus { volume: Volume(200.0), over: Span::minutes(2) };
    assert_eq!(case.steps[0].kind, StepKind::Command { verb, expect: Expected::Accepted, verifies: vec![] });
    let StepKind::Measure(measure) = &case.steps[1].kind else { panic!("a window") };
    let what = Some(Condition::State(PumpState::Stopped));
    assert_eq!(measure.until, Until::Condition { what, then_quiet_for: Some(Span::seconds(30)), within: Span::minutes(8) });
    assert_eq!(measure.during[1].kind, StepKind::LinkFault(LinkFault::LoseNextReply));
    let StepKind::Check(check) = &case.steps[2].kind else { panic!("a check") };
    assert_eq!(check.subject, Subject::Window { window: "dose".into(), quantity: WindowQuantity::Volume });
    assert_eq!(check.limits, Limits { lower: Some(190.0), upper: Some(210.0) });
    assert_eq!((check.nominal, check.dimension, check.rule), (Some(200.0), Dimension::Volume, None));
    let StepKind::Check(check) = &case.steps[3].kind else { panic!("a check") };
    assert_eq!((check.limits, check.dimension), (Limits { lower: Some(110.0), upper: Some(130.0) }, Dimension::Time));
}

#[test]
fn a_matrix_multiplies_out_and_names_its_cases() {
    let scenario = parse(include_str!("good/everything.yaml"));
    let labels: Vec<&str> = scenario.cases.iter().map(|c| &*c.label).collect();
    assert_eq!(
        labels,
        [
            "rate=2 µL/h, which=occlusion",
            "rate=2 µL/h, which=empty_reservoir",
            "rate=20.8 µL/h, which=occlusion",
            "rate=20.8 µL/h, which=empty_reservoir",
            "rate=1 mL/h, which=occlusion",
            "rate=1 mL/h, which=empty_reservoir",
        ]
    );
    let alarms = scenario.cases[1].steps.iter().find_map(|s| match &s.kind {
        StepKind::Expect { what: Condition::Alarm(alarm), .. } => Some(*alarm),
        _ => None,
    });
    assert_eq!(alarms, Some(Alarm::EmptyReservoir));
    let Watched::VolumeInAny { at_most, .. } = scenario.cases[0].watch[8].what else { panic!("a rolling volume") };
    assert_eq!(at_most, Volume(101.0));
    let Some(Watched::NoAlarm { only }) = scenario.cases[0].watch.last().map(|watch| &watch.what) else { panic!("alarms but some") };
    let but = [Alarm::LowReservoir, Alarm::StoppedTooLong];
    assert!(Alarm::ALL.iter().all(|alarm| only.contains(alarm) != but.contains(alarm)), "{only:?}");
}

#[test]
fn windows_know_the_extremes_that_later_checks_ask_for() {
    let scenario = parse(include_str!("good/everything.yaml"));
    let case = &scenario.cases[0];
    let rolling: Vec<(&str, &[Rolling])> = all_steps(&case.steps)
        .iter()
        .filter_map(|s| match &s.kind {
            StepKind::Measure(m) => Some((&*m.name, m.rolling.as_slice())),
            _ => None,
        })
        .collect();
    assert_eq!(rolling[0], ("long", &[Rolling::Every(Span::hours(24)), Rolling::Strokes(100)][..]));
    assert!(rolling[1..].iter().all(|(_, asked)| asked.is_empty()));
}

#[test]
fn curves_know_the_windows_of_strokes_that_later_checks_ask_for() {
    let scenario = parse(include_str!("good/everything.yaml"));
    let curves: Vec<(String, Vec<u32>, bool)> = all_steps(&scenario.cases[0].steps)
        .iter()
        .filter_map(|s| match &s.kind {
            StepKind::Measure(m) => m.curve.as_ref().map(|c| (m.name.to_string(), c.strokes.clone(), c.plan.stroke_cycle.is_some())),
            _ => None,
        })
        .collect();
    let of = |name: &str, strokes: &[u32], cycle| (name.to_owned(), strokes.to_vec(), cycle);
    assert_eq!(curves, [of("infusion", &[10], true), of("hours", &[], false), of("own", &[], false)]);
}

#[test]
fn fragments_stand_in_their_place() {
    let scenario = parse(include_str!("good/everything.yaml"));
    let included: Vec<String> =
        scenario.cases[0].steps.iter().filter(|s| s.path.contains("include")).map(|s| format!("{}: {}", s.path, s.text)).collect();
    let number = scenario.cases[0].steps.len() - 1;
    assert_eq!(
        included,
        [
            format!("steps.{number}.include.1: measure `settled` on flow.tip for 1 h"),
            format!("steps.{number}.include.2: volume of `settled` is at most 2 µL"),
        ]
    );
}

#[test]
fn numbers_are_exact() {
    for (limits, lower, upper, text) in [
        ("is: 0.2 mL ± 5 %", Some(190.0), Some(210.0), "is 200 µL ± 5 %"),
        ("is: 0.3 mL +- 10 %", Some(270.0), Some(330.0), "is 300 µL ± 10 %"),
        ("is: 0.1 mL + 0.2 mL ± 0.1 µL", Some(299.9), Some(300.1), "is 300 µL ± 0.1 µL"),
        ("is: 0.5 mL/day * 72 h ± 5 %", Some(1425.0), Some(1575.0), "is 1500 µL ± 5 %"),
        ("is: -10 µL ± 20 %", Some(-12.0), Some(-8.0), "is -10 µL ± 20 %"),
        ("is: between 1 nL and 0.7 µL", Some(0.001), Some(0.7), "is between 0.001 µL and 0.7 µL"),
        ("between: 1 µL and 3 µL - 1 µL", Some(1.0), Some(2.0), "is between 1 µL and 2 µL"),
        ("at_least: 1.1 µL * 3", Some(3.3), None, "is at least 3.3 µL"),
        ("at_most: (2 µL + 1 µL) / 3", None, Some(1.0), "is at most 1 µL"),
        ("at_least: 1 µL, at_most: 2 µL", Some(1.0), Some(2.0), "is at least 1 µL and is at most 2 µL"),
    ] {
        let case = case_of(&format!("  - measure: w\n    on: flow.tip\n    for: 1 s\n  - check: {{ volume_of: w, {limits} }}\n"));
        let StepKind::Check(check) = &case.steps[1].kind else { panic!("a check") };
        assert_eq!((check.limits.lower, check.limits.upper), (lower, upper), "{limits}");
        assert_eq!(case.steps[1].text, format!("volume of `w` {text}"));
    }
}

#[test]
fn positions_of_lines() {
    for (set, active) in
        [("occluder: closed", true), ("leak: closed", false), ("power: off", false), ("button: pressed", true), ("fan: on", true)]
    {
        let case = case_of(&format!("  - set: {{ {set} }}\n"));
        let StepKind::Set { active: found, .. } = case.steps[0].kind else { panic!("a line") };
        assert_eq!((found, &*case.steps[0].text), (active, &*format!("set {}", set.replace(':', ""))));
    }
}

#[test]
fn what_a_bench_lacks() {
    let scenario = parse(include_str!("good/everything.yaml"));
    let case = &scenario.cases[0];
    let needs = needs(case);
    let names = |set: &std::collections::BTreeSet<rig_model::Name>| set.iter().map(|n| n.to_string()).collect::<Vec<_>>();
    assert_eq!(names(&needs.flow), ["flow.pump", "flow.tip"]);
    assert_eq!(names(&needs.direction), ["flow.pump", "flow.tip"]);
    assert_eq!(names(&needs.pressure), ["pressure.line"]);
    assert_eq!(names(&needs.lines), ["button", "leak", "occluder", "power"]);
    assert!(needs.alarm && needs.plant && needs.prompts && needs.link_faults);

    let sim = include_str!("../../benches/sim.toml");
    let mut bench = parse_bench("sim.toml", sim).expect("a good file");
    assert_eq!(lacking(case, &bench), Vec::<String>::new());
    bench = parse_bench("sim.toml", &sim.replace("bidirectional = true", "bidirectional = false")).expect("a good file");
    bench.lines.retain(|l| &*l.name != "leak");
    bench.channels.retain(|c| c.name.starts_with("flow."));
    bench.plant = None;
    let needs_line = |what: &str| format!("neither simulated plumbing nor a line for it: add a `[[line]]` with {what}");
    let expected = [
        "`flow.pump` does not tell the direction of flow".to_owned(),
        "`flow.tip` does not tell the direction of flow".to_owned(),
        "no channel `pressure.line`".to_owned(),
        "no channel `drug.tip`".to_owned(),
        "no alarm channel".to_owned(),
        "no line `leak`".to_owned(),
        needs_line("`does = \"needle_reservoir\"` and `rate`"),
        needs_line("`does = \"needle_pocket\"` and `rate`"),
        needs_line("`does = \"air\"` and `rate`"),
        needs_line("`does = \"withdraw\"` and `rate`"),
        "no simulated plumbing to change".to_owned(),
        needs_line("`does = \"disconnect\"`"),
        needs_line("`does = \"kink\"` and `factor`"),
        needs_line("`does = \"back_flow\"`"),
        needs_line("`does = \"supply_dip\"` and `voltage`"),
        needs_line("`does = \"magnet\"`"),
        "no simulated plumbing, and line `button` makes no bounces".to_owned(),
    ];
    assert_eq!(lacking(case, &bench), expected);
}
