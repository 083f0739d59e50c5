//! What a `measure` says of curves and deliveries.

use rig_model::curve::{CurvePlan, CustomMethod, Method, Periods, WITHIN_PERCENT, stroke_cycle};
use rig_model::quantity::{Dimension, Volume};
use rig_model::scenario::{DeliveryAsked, Until};
use rig_model::time::Span;

use crate::grammar::{CURVE, DELIVERY, METHODS, PERIODS};
use crate::limits::{MAX_CURVE_SAMPLES, MAX_CURVE_WINDOWS};
use crate::lower::Lower;
use crate::node::Node;
use crate::read::{Fields, Sign};

/// What only a custom method says.
const CUSTOM: [&str; 3] = ["sample", "windows", "excluded"];

impl Lower<'_, '_> {
    /// A plan that can be kept by a window that closes like this.
    pub fn curve(&mut self, node: &Node, flows: bool, until: Option<&Until>) -> Option<CurvePlan> {
        let fields = self.read.map(node, CURVE, "`curve`")?;
        if !flows {
            self.read.out.error(node.at, "only a flow channel has a curve");
            return None;
        }
        let rate = fields.get("rate").and_then(|n| self.read.flow(n, "rate"));
        let method = fields.get("method").and_then(|n| self.method(n, &fields));
        let periods = fields.get("periods").and_then(|n| self.read.choice(n, "periods", PERIODS));
        let within_percent = self.within(&fields);
        let stroke = fields.get("stroke").map(|n| self.read.volume(n, "stroke"));
        let (rate, method, periods, within_percent) = (rate?, method?, periods?, within_percent?);
        let periods = if periods == PERIODS[0] { Periods::SecondAndLastHour } else { Periods::StabilisationAndAnalysis };
        let mut plan = CurvePlan { method, periods, rate, within_percent, stroke_cycle: None };
        if let Err(why) = plan.check() {
            self.read.out.error(node.at, why.to_string());
            return None;
        }
        if let Some(stroke) = stroke {
            plan.stroke_cycle = stroke_cycle(stroke?, rate);
            if plan.stroke_cycle.is_none() {
                self.read.out.error(fields.key_at("stroke"), "`stroke` must be more than zero");
                return None;
            }
        }
        self.has_room(node, &plan, until?)?;
        Some(plan)
    }

    fn method(&mut self, node: &Node, fields: &Fields<'_>) -> Option<Method> {
        let word = self.read.choice(node, "method", METHODS)?;
        if word == "custom" {
            let sample = fields.get("sample").and_then(|n| self.read.time(n, "sample", Sign::Positive));
            let windows = fields.get("windows").and_then(|n| self.windows_of(n));
            let excluded = fields.get("excluded").map_or(Some(Span::ZERO), |n| self.read.time(n, "excluded", Sign::NotNegative));
            for key in ["sample", "windows"].into_iter().filter(|key| fields.get(key).is_none()) {
                self.read.out.error(fields.at, format!("a custom method needs `{key}`"));
            }
            return Some(Method::Custom(CustomMethod { sample: sample?, windows: windows?, excluded: excluded? }));
        }
        if let Some(key) = CUSTOM.into_iter().find(|key| fields.get(key).is_some()) {
            let help = "take `method: custom`";
            self.read.out.error_with_help(fields.key_at(key), format!("the {word} method has its own `{key}`"), help);
            return None;
        }
        Some(if word == "ambulatory" { Method::Ambulatory } else { Method::Volumetric })
    }

    fn windows_of(&mut self, node: &Node) -> Option<Vec<Span>> {
        let items = self.read.list(node, "windows")?;
        if items.len() > MAX_CURVE_WINDOWS {
            self.read.out.error(node.at, format!("`windows` has more than {MAX_CURVE_WINDOWS} lengths"));
            return None;
        }
        items.iter().map(|n| self.read.time(n, "windows", Sign::Positive)).collect()
    }

    /// Whether the window is long enough for the plan, and not so long that its samples could not be kept.
    fn has_room(&mut self, node: &Node, plan: &CurvePlan, until: &Until) -> Option<()> {
        let (most, exact) = match until {
            Until::Elapsed(span) => (*span, true),
            Until::Condition { within, .. } => (*within, false),
            Until::StepsDone => {
                let help = "say `for:`, or `until:` a condition";
                self.read.out.error_with_help(node.at, "a window with a curve must say how long it is", help);
                return None;
            }
        };
        let needs = plan.shortest_record();
        if most < needs {
            let length = if exact { "is" } else { "is at most" };
            self.read.out.error(node.at, format!("this curve needs a window of {needs} at the least, and it {length} {most}"));
            return None;
        }
        let samples = most.0 / plan.method.sample().0;
        if samples > MAX_CURVE_SAMPLES {
            let sample = plan.method.sample();
            let message = format!("{most} in samples of {sample} are {samples}; at most {MAX_CURVE_SAMPLES} are kept");
            self.read.out.error_with_help(node.at, message, "take a method with longer samples");
            return None;
        }
        Some(())
    }

    pub fn delivery(&mut self, node: &Node, flows: bool) -> Option<DeliveryAsked> {
        let fields = self.read.map(node, DELIVERY, "`delivery`")?;
        if !flows {
            self.read.out.error(node.at, "only a flow channel has deliveries");
            return None;
        }
        let volume = fields.get("volume").and_then(|n| self.read.quantity(n, "volume", Dimension::Volume, Sign::Positive));
        let over = fields.get("over").and_then(|n| self.read.time(n, "over", Sign::Positive));
        let within_percent = self.within(&fields);
        Some(DeliveryAsked { volume: Volume(volume?.to_f64()), over: over?, within_percent: within_percent? })
    }

    fn within(&mut self, fields: &Fields<'_>) -> Option<f64> {
        let Some(node) = fields.get("within") else { return Some(WITHIN_PERCENT) };
        self.read.quantity(node, "within", Dimension::Ratio, Sign::NotNegative).map(|q| q.to_f64())
    }
}
