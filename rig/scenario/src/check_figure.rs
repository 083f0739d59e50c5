//! Checks of the figures by which pumps are known: curves, continuity, deliveries, occlusions.

use rig_model::Name;
use rig_model::curve::{Period, Periods};
use rig_model::dut::Verb;
use rig_model::quantity::Dimension;
use rig_model::scenario::{ComplianceWindows, DeliveryFigure, HourStatistic, Rolling, Subject, WindowQuantity};
use rig_model::time::Span;

use crate::check::Asked;
use crate::diagnostic::one_of;
use crate::grammar::HOUR_STATISTICS;
use crate::limits::MAX_REPEAT;
use crate::lower::Lower;
use crate::node::Node;
use crate::read::{Fields, Sign};

/// Successive deliveries of one setting, after the practice with EN 60601-2-24.
const DELIVERIES: u32 = 25;
/// A line pressure that is older than this says little of the pressure at the alarm.
const READING_AGE: Span = Span::seconds(10);

impl Lower<'_, '_> {
    /// `None` in the outer one for a head that is no such figure.
    #[expect(clippy::option_option, reason = "the outer one is another kind of check, the inner one a file with errors")]
    pub fn figure(&mut self, head: &str, node: &Node, fields: &Fields<'_>) -> Option<Option<Asked>> {
        Some(match head {
            "trumpet_of" | "windows_within_of" => self.trumpet(head, node, fields),
            "overall_error_of" => self.overall_error(head, node, fields),
            "hour_error_of" => self.hour_error(head, node, fields),
            "start_latency_of" => self.of_command(head, node, WindowQuantity::StartLatency, Dimension::Time, &Verb::Start),
            "after_run_time_of" => self.of_command(head, node, WindowQuantity::AfterRunTime, Dimension::Time, &Verb::Stop),
            "after_run_volume_of" => self.of_command(head, node, WindowQuantity::AfterRunVolume, Dimension::Volume, &Verb::Stop),
            "deliveries_mean_error_of" => self.deliveries(head, node, fields, DeliveryFigure::MeanError),
            "deliveries_max_error_of" => self.deliveries(head, node, fields, DeliveryFigure::MaxError),
            "deliveries_min_error_of" => self.deliveries(head, node, fields, DeliveryFigure::MinError),
            "deliveries_within_of" => self.deliveries(head, node, fields, DeliveryFigure::Within),
            "deliveries_after_end_of" => self.after_end(head, node, fields),
            "pressure_at_alarm" => self.pressure_at_alarm(head, node, fields),
            "compliance_of" => self.compliance(head, node, fields),
            _ => return None,
        })
    }

    /// The name of a closed window with a curve.
    fn curve_window(&mut self, head: &str, node: &Node) -> Option<Name> {
        let window = self.closed_window(node, head, &["flow."])?;
        if self.windows.get(&window).is_some_and(|w| w.curve.is_none()) {
            let message = format!("the window `{window}` has no curve");
            self.read.out.error_with_help(node.at, message, "say `curve: { rate: …, method: …, periods: … }` in its `measure`");
            return None;
        }
        Some(window)
    }

    fn trumpet(&mut self, head: &str, node: &Node, fields: &Fields<'_>) -> Option<Asked> {
        let name = self.curve_window(head, node);
        let period = self.period(fields);
        let rolling = fields.get("window").and_then(|n| Some((n, self.rolling(n, "window")?)));
        let (name, period, (at, rolling)) = (name?, period?, rolling?);
        let window = self.windows.get_mut(&name)?;
        let plan = window.curve.as_ref()?;
        if period == Period::T1 && plan.periods == Periods::StabilisationAndAnalysis {
            let help = "with `periods: second_and_last_hour` there is one of each";
            self.read.out.error_with_help(node.at, format!("T1 of `{name}` is its stabilisation, of which there is no trumpet"), help);
            return None;
        }
        let length = match rolling {
            Rolling::Strokes(n) => {
                if !window.strokes.contains(&n) {
                    window.strokes.push(n);
                }
                format!("{n} strokes")
            }
            Rolling::Every(span) if plan.method.windows().contains(&span) => span.to_string(),
            Rolling::Every(span) => {
                let windows: Vec<String> = plan.method.windows().iter().map(Span::to_string).collect();
                let help = format!("it has one of {}, or a number of strokes", one_of(windows.iter().map(String::as_str)));
                self.read.out.error_with_help(at.at, format!("the curve of `{name}` has no windows of {span}"), help);
                return None;
            }
        };
        let (quantity, words) = match head {
            "trumpet_of" => (WindowQuantity::Trumpet { period, window: rolling }, "error"),
            _ => (WindowQuantity::WindowsWithin { period, window: rolling }, "share within the limit"),
        };
        let text = format!("{words} in windows of {length} in {} of `{name}`", period.name());
        Some(Asked { subject: Subject::Window { window: name, quantity }, dimension: Some(Dimension::Ratio), text })
    }

    /// T1 or T2, where the curve has a trumpet of it.
    fn period(&mut self, fields: &Fields<'_>) -> Option<Period> {
        let Some(node) = fields.get("period") else { return Some(Period::T2) };
        Some(if self.read.choice(node, "period", &["t1", "t2"])? == "t1" { Period::T1 } else { Period::T2 })
    }

    fn overall_error(&mut self, head: &str, node: &Node, fields: &Fields<'_>) -> Option<Asked> {
        let name = self.curve_window(head, node);
        let word = self.read.choice(fields.get("period")?, "period", &["a", "b"])?;
        let period = if word == "a" { Period::T1 } else { Period::T2 };
        let name = name?;
        let plan = self.windows.get(&name)?.curve.as_ref()?;
        if period == Period::T1 && plan.periods == Periods::StabilisationAndAnalysis && plan.method.excluded() == Span::ZERO {
            self.read.out.error(node.at, format!("the curve of `{name}` leaves nothing out, so that there is no T1 and no error A"));
            return None;
        }
        let text = format!("overall error {} of `{name}`", word.to_uppercase());
        let quantity = WindowQuantity::OverallError(period);
        Some(Asked { subject: Subject::Window { window: name, quantity }, dimension: Some(Dimension::Ratio), text })
    }

    fn hour_error(&mut self, head: &str, node: &Node, fields: &Fields<'_>) -> Option<Asked> {
        let name = self.curve_window(head, node);
        let word = self.read.choice(fields.get("statistic")?, "statistic", HOUR_STATISTICS)?;
        let statistic = match word {
            "mean" => HourStatistic::Mean,
            "sd" => HourStatistic::Sd,
            "max" => HourStatistic::Max,
            "min" => HourStatistic::Min,
            _ => HourStatistic::Within,
        };
        let name = name?;
        let text = format!("{word} of the hours' errors of `{name}`");
        let quantity = WindowQuantity::HourError(statistic);
        Some(Asked { subject: Subject::Window { window: name, quantity }, dimension: Some(Dimension::Ratio), text })
    }

    /// A figure that counts from a command given while the window is open.
    fn of_command(&mut self, head: &str, node: &Node, quantity: WindowQuantity, dimension: Dimension, verb: &Verb) -> Option<Asked> {
        let window = self.closed_window(node, head, &["flow."])?;
        let given = self.windows.get(&window).is_some_and(|w| if *verb == Verb::Start { w.starts } else { w.stops });
        if !given {
            let help = format!("put `{verb}` into its `during`");
            self.read.out.error_with_help(node.at, format!("`{head}` counts from a {verb}, and `{window}` holds none"), help);
            return None;
        }
        let text = format!("{} of `{window}`", head.trim_end_matches("_of").replace('_', " "));
        Some(Asked { subject: Subject::Window { window, quantity }, dimension: Some(dimension), text })
    }

    fn after_end(&mut self, head: &str, node: &Node, fields: &Fields<'_>) -> Option<Asked> {
        let statistic = match fields.get("statistic") {
            Some(node) => self.read.choice(node, "statistic", &["mean", "max"])?,
            None => "max",
        };
        let figure = if statistic == "mean" { DeliveryFigure::AfterEndMean } else { DeliveryFigure::AfterEndMax };
        self.deliveries(head, node, fields, figure)
    }

    fn deliveries(&mut self, head: &str, node: &Node, fields: &Fields<'_>, figure: DeliveryFigure) -> Option<Asked> {
        let name = self.closed_window(node, head, &["flow."]);
        let at_least = match fields.get("deliveries") {
            Some(node) => u32::try_from(self.read.whole(node, "deliveries", 1, MAX_REPEAT)?).ok()?,
            None => DELIVERIES,
        };
        let name = name?;
        let window = self.windows.get(&name)?;
        if window.delivery.is_none() {
            let message = format!("the window `{name}` is no delivery");
            self.read.out.error_with_help(node.at, message, "say `delivery: { volume: …, over: … }` in its `measure`");
            return None;
        }
        if window.rounds < u64::from(at_least) {
            let message = format!("`{name}` is measured {} times, and {at_least} deliveries are asked for", window.rounds);
            self.read.out.error_with_help(node.at, message, "repeat it, or say `deliveries:` how many there are");
            return None;
        }
        let after_end = matches!(figure, DeliveryFigure::AfterEndMean | DeliveryFigure::AfterEndMax);
        if after_end && !window.starts {
            let help = "put `start` into its `during`";
            self.read.out.error_with_help(node.at, format!("the nominal end counts from a start, and `{name}` holds none"), help);
            return None;
        }
        let (words, dimension) = match figure {
            DeliveryFigure::MeanError => ("mean error", Dimension::Ratio),
            DeliveryFigure::MaxError => ("greatest error", Dimension::Ratio),
            DeliveryFigure::MinError => ("least error", Dimension::Ratio),
            DeliveryFigure::Within => ("share within the limit", Dimension::Ratio),
            DeliveryFigure::AfterEndMean => ("mean volume after the nominal end", Dimension::Volume),
            DeliveryFigure::AfterEndMax => ("greatest volume after the nominal end", Dimension::Volume),
        };
        let text = format!("{words} of the deliveries `{name}`, {at_least} or more,");
        let quantity = WindowQuantity::Deliveries { figure, at_least };
        Some(Asked { subject: Subject::Window { window: name, quantity }, dimension: Some(dimension), text })
    }

    fn pressure_at_alarm(&mut self, head: &str, node: &Node, fields: &Fields<'_>) -> Option<Asked> {
        let alarm = self.alarm(node, head);
        let channel = fields.get("on").and_then(|n| self.channel(n, "on", &["pressure."]));
        let age = fields.get("not_older_than").map_or(Some(READING_AGE), |n| self.read.time(n, "not_older_than", Sign::Positive));
        let (alarm, channel, not_older_than) = (alarm?, channel?, age?);
        let text = format!("pressure on {channel} at the alarm {alarm}");
        let subject = Subject::PressureAtAlarm { alarm, channel, not_older_than };
        Some(Asked { subject, dimension: Some(Dimension::Pressure), text })
    }

    fn compliance(&mut self, head: &str, node: &Node, fields: &Fields<'_>) -> Option<Asked> {
        let release = self.closed_window(node, head, &["flow."]);
        let mut of = |key: &str, kind| fields.get(key).and_then(|n| self.closed_window(n, key, &[kind]));
        let (pressure, blank, blank_pressure) = (of("pressure", "pressure."), of("blank", "flow."), of("blank_pressure", "pressure."));
        let windows = ComplianceWindows { release: release?, pressure: pressure?, blank: blank?, blank_pressure: blank_pressure? };
        let text = format!("compliance by `{}`, less `{}`,", windows.release, windows.blank);
        Some(Asked { subject: Subject::Compliance(Box::new(windows)), dimension: Some(Dimension::Compliance), text })
    }
}
