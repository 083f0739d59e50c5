//! Bench and pump before the first step.

use rig_model::quantity::{Concentration, Dimension, Length, Pressure, Temperature};
use rig_model::scenario::Given;

use crate::grammar::GIVEN;
use crate::node::Node;
use crate::read::{Reader, Sign};

pub(crate) fn given(read: &mut Reader<'_>, node: &Node) -> Option<Given> {
    let fields = read.map(node, GIVEN, "`given`")?;
    let pump = fields.get("pump").and_then(|n| read.choice(n, "pump", &["factory_reset", "power_cycle"]));
    let catheter = fields.get("catheter").and_then(|n| read.choice(n, "catheter", &["primed", "unprimed"]));
    let mut number = |key: &str, dimension, sign| fields.get(key).and_then(|n| read.quantity(n, key, dimension, sign)).map(|q| q.to_f64());
    let drug = number("drug", Dimension::Concentration, Sign::NotNegative).map(Concentration);
    let head = number("head", Dimension::Length, Sign::Any).map(Length);
    let temperature = number("temperature", Dimension::Temperature, Sign::Any).map(Temperature);
    let ambient = number("ambient", Dimension::Pressure, Sign::Positive).map(Pressure);
    Some(Given {
        factory_reset: pump == Some("factory_reset"),
        reservoir: fields.get("reservoir").and_then(|n| read.volume(n, "reservoir")),
        catheter_primed: catheter.map(|word| word == "primed"),
        air_bubble: fields.get("air_bubble").and_then(|n| read.volume(n, "air_bubble")),
        tip_pressure: fields.get("tip_pressure").and_then(|n| read.pressure(n, "tip_pressure")),
        drug,
        battery_percent: fields.get("battery").and_then(|n| read.share(n, "battery")),
        head,
        temperature,
        ambient,
        pump_clock_ppm: fields.get("pump_clock").and_then(|n| read.clock(n, "pump_clock")),
    })
}
