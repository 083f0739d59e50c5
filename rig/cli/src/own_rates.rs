//! What a bench file says of a simulated pump's own rates, against the pump that is simulated: the dose oracle goes by what is said.

use rig_model::bench::{Bench, BenchKind};
use rig_sim::Fitted;

/// What the bench file says otherwise than the model that it names, by line; nothing of a real board, or of a model that this program does not know.
pub fn contradicted(bench: &Bench, text: &str) -> Vec<String> {
    let known = || [false, true].map(|trial| Fitted { trial, ..Fitted::default() }.config());
    let simulated = bench.kind != BenchKind::Pi;
    let model = simulated.then(known).and_then(|all| all.into_iter().find(|config| config.identity.model.as_str() == bench.dut.model));
    let Some(config) = model else { return Vec::new() };
    let (own, rules) = (&bench.dut.own, &config.rules);
    let stated = [
        ("minimum_rate", own.minimum.0, rules.minimum_nl_h, "µL/h"),
        ("priming_rate", own.priming.0, rules.priming_rate_nl_h, "µL/h"),
        ("soft_basal", own.soft_basal.0, rules.soft_basal_nl_h, "µL/h"),
        ("soft_bolus", own.soft_bolus.0, rules.soft_bolus_nl, "µL"),
    ];
    let same = |said: f64, nl: u32| (said - f64::from(nl) / 1_000.0).abs() <= 1e-9 * said.abs();
    let differs = stated.into_iter().filter(|(_, said, nl, _)| !same(*said, *nl));
    differs
        .map(|(key, said, nl, unit)| {
            let expected = format!("{} {unit}", f64::from(nl) / 1_000.0);
            let line = text.lines().position(|line| line.split_once('=').is_some_and(|(before, _)| before.trim() == key));
            let said = match line {
                Some(line) => format!("line {}: `{key}` is {said} {unit}", line + 1),
                None => format!("`[dut]` does not state `{key}`, so that it is the implant's {said} {unit}"),
            };
            format!("{said}, but the simulated `{}` has {expected}: `{key} = \"{expected}\"`", bench.dut.model)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use crate::inputs::{self, Errors};

    #[test]
    fn a_simulated_pump_has_the_rates_that_its_model_has() {
        let implant = include_str!("../../benches/sim.toml");
        let process = include_str!("../../benches/process.toml");
        let trial = include_str!("../../benches/sim-trial.toml");
        let with = |text: &str, line: &str| text.replace("[dut]\n", &format!("[dut]\n{line}\n"));
        let basal = "line 15: `soft_basal` is 900 µL/h, but the simulated `RP-1 reference` has 500 µL/h: `soft_basal = \"500 µL/h\"`";
        let unstated =
            "`[dut]` does not state `minimum_rate`, so that it is the implant's 2 µL/h, but the simulated `RP-1T trial` has 10 µL/h";
        for (text, expected) in [
            (implant.to_owned(), None),
            (process.to_owned(), None),
            (trial.to_owned(), None),
            (with(implant, "soft_basal = \"0.5 mL/h\""), None),
            (with(implant, "soft_basal = \"900 µL/h\""), Some(basal)),
            (with(implant, "minimum_rate = \"3 µL/h\""), Some("`minimum_rate` is 3 µL/h")),
            (with(process, "priming_rate = \"7 mL/h\""), Some("`priming_rate` is 7000 µL/h")),
            (with(implant, "soft_bolus = \"1 mL\""), Some("`soft_bolus` is 1000 µL, but the simulated `RP-1 reference` has 500 µL")),
            (trial.replace("minimum_rate = \"10 µL/h\"\n", ""), Some(unstated)),
            (with(&implant.replace("RP-1 reference", "another"), "minimum_rate = \"3 µL/h\""), None),
        ] {
            let dir = tempfile::tempdir().expect("a folder");
            let path = dir.path().join("bench.toml");
            std::fs::write(&path, &text).expect("a file");
            let mut errors = Errors::default();
            let bench = inputs::bench(Some(&path), &mut errors);
            let told = errors.to_string();
            assert_eq!(bench.is_none(), expected.is_some(), "{told}");
            assert!(told.contains(expected.unwrap_or("")), "{told}");
        }
    }
}
