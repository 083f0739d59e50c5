//! Decision rules that requirements state: one check has one rule, and says which where its requirements don't agree.

use rig_model::scenario::StepKind;
use rig_model::verdict::{DecisionRule, Rule, StatedBy};
use rig_scenario::{Requirements, SourceFile, parse_scenarios};

/// Two requirements with these rules, and a check that verifies both.
fn rule(a: &str, b: &str, stated: &str) -> Result<Option<Rule>, Vec<String>> {
    let table = format!("id,text,source,hazard,class,rule\nREQ-A-01,A,S,HAZ-A,delivery,{a}\nREQ-B-01,B,S,HAZ-A,delivery,{b}\n");
    let known =
        Requirements::parse("requirements.csv", &table).map_err(|errors| errors.into_iter().map(|d| d.message).collect::<Vec<_>>())?;
    let text = format!(
        "scenario: RULE-01\ntitle: A rule\ntime_limit: 1 h\ngiven: {{ pump: factory_reset, reservoir: 20 mL, catheter: primed }}\nsteps:\n  \
         - measure: all\n    on: flow.tip\n    for: 1 min\n  \
         - check: {{ volume_of: all, at_most: 1 µL, verifies: [REQ-A-01, REQ-B-01]{stated} }}\nfinally:\n  - stop\n"
    );
    let parsed = parse_scenarios(vec![SourceFile { path: "s.yaml".into(), text }], &mut |_: &str| Err("no file".into()), Some(&known));
    if !parsed.diagnostics.is_empty() {
        return Err(parsed.diagnostics.into_iter().map(|d| d.message).collect());
    }
    let steps = &parsed.scenarios[0].cases[0].steps;
    let found = steps.iter().find_map(|step| if let StepKind::Check(check) = &step.kind { Some(check.rule) } else { None });
    Ok(found.expect("a check"))
}

#[test]
fn requirements_of_one_check_state_one_rule() {
    let of = |rule, guard_factor, stated_by| Ok(Some(Rule { rule, guard_factor, stated_by }));
    assert_eq!(rule("", "", ""), Ok(None));
    assert_eq!(rule("guarded 0.5", "guarded 0.5", ""), of(DecisionRule::Guarded, 0.5, StatedBy::Requirement));
    for (a, b, why) in [
        ("guarded", "simple", "`REQ-A-01` and `REQ-B-01` want different decision rules"),
        ("guarded", "guarded 0.5", "`REQ-A-01` and `REQ-B-01` want different decision rules"),
        ("guarded", "", "`REQ-A-01` wants a decision rule, and `REQ-B-01` states none"),
        ("", "simple", "`REQ-B-01` wants a decision rule, and `REQ-A-01` states none"),
    ] {
        assert_eq!(rule(a, b, ""), Err(vec![why.to_owned()]), "{a} {b}");
        assert_eq!(rule(a, b, ", rule: three-way"), of(DecisionRule::ThreeWay, 1.0, StatedBy::Check), "the check decides");
    }
}

#[test]
fn a_guard_band_of_nothing_is_none() {
    assert_eq!(rule("guarded 0", "", ""), Err(vec!["`guarded 0` is not a decision rule".to_owned()]));
    let zero = rule("", "", ", rule: guarded, guard_factor: 0");
    assert_eq!(zero, Err(vec!["a `guard_factor` of 0 is simple acceptance by another name".to_owned()]));
}
