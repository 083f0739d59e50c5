//! Scenarios that are written for one measurement.

use std::fmt::Write;

/// As short as a scenario can be: pump powered and identified, one check, bench made safe.
pub const SHORTEST: &str = "\
scenario: BENCH-SHORTEST
title: One check of the pump's state
time_limit: 5 min
given: { pump: factory_reset }
steps:
  - check: { state: stopped }
";

/// The workload for any number of days, each of them with a window, a check and a refill, so that days differ in nothing but their number.
pub fn days(days: u32) -> String {
    format!(
        "\
scenario: BENCH-{days}-DAYS
title: {days} days at 0.5 mL/day
time_limit: {limit} d
given: {{ pump: factory_reset, reservoir: 20 mL, catheter: primed }}
watch:
  - never: {{ alarm: any }}
  - always: {{ volume: flow.tip, in_any: 24 h, at_most: 0.53 mL }}
steps:
  - program: {{ basal: 0.5 mL/day }}
  - start
  - repeat: {days}
    steps:
      - measure: day
        on: flow.tip
        for: 24 h
      - check: {{ mean_flow_of: day, is: 0.5 mL/day ± 5 % }}
      - inject: {{ plant: {{ reservoir: 20 mL }} }}
      - refill: 20 mL
finally:
  - stop
",
        limit = days + 1
    )
}

/// A short bolus, one check, and as many more as asked for.
pub fn checks(more: u32) -> String {
    let mut text = format!(
        "\
scenario: BENCH-CHECKS-{more}
title: A bolus and 1 + {more} checks
time_limit: 10 min
given: {{ pump: factory_reset, reservoir: 20 mL, catheter: primed }}
steps:
  - program: {{ bolus: 10 µL, over: 10 s }}
  - measure: dose
    on: flow.tip
    until: {{ pump: stopped, then_quiet_for: 10 s }}
    within: 5 min
    during: [start]
"
    );
    for i in 0..=more {
        let check = if i % 2 == 0 { "volume_of: dose, is: 10 µL ± 20 %" } else { "delivery_time_of: dose, at_most: 60 s" };
        writeln!(text, "  - check: {{ {check} }}").expect("a String takes all that is written");
    }
    text.push_str("finally:\n  - stop\n");
    text
}
