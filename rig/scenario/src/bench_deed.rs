//! What a line of a real bench does to pump and patient.

use rig_model::bench::BenchKind;
use rig_model::deed::Deed;
use rig_model::quantity::{Dimension, Flow, Voltage};

use crate::bench::BenchReader;
use crate::bench_grammar::DEEDS;
use crate::read::{Fields, Sign};

/// Keys that belong to some deeds.
const AMOUNTS: [&str; 3] = ["rate", "factor", "voltage"];

impl BenchReader<'_> {
    /// `safe_active`: whether the line is active where it is safe.
    pub(crate) fn deed(&mut self, fields: &Fields<'_>, safe_active: bool) -> Option<Deed> {
        let Some(node) = fields.get("does") else {
            self.no_amounts(fields, None, "a line without `does`");
            return None;
        };
        let word = self.read.choice(node, "does", DEEDS)?;
        if self.kind != BenchKind::Pi {
            let help = "injections change its simulated plumbing; take `does` out";
            self.read.out.error_with_help(fields.key_at("does"), "a simulated bench needs no line for an injection", help);
            return None;
        }
        if safe_active {
            let help = "whatever happens to a run, what was done to pump and patient must end";
            self.read.out.error_with_help(fields.key_at("safe"), format!("a line that does `{word}` is safe when it doesn't"), help);
        }
        let amount = match word {
            "needle_reservoir" | "needle_pocket" | "air" | "withdraw" => Some("rate"),
            "kink" => Some("factor"),
            "supply_dip" => Some("voltage"),
            _ => None,
        };
        self.no_amounts(fields, amount, &format!("`does = \"{word}\"`"));
        Some(match word {
            "needle_reservoir" => Deed::NeedleReservoir(self.rate(fields)?),
            "needle_pocket" => Deed::NeedlePocket(self.rate(fields)?),
            "air" => Deed::Air(self.rate(fields)?),
            "withdraw" => Deed::Withdraw(self.rate(fields)?),
            "disconnect" => Deed::Disconnect,
            "kink" => Deed::Kink(self.amount_of(fields, "factor", Dimension::Count, "50")?),
            "back_flow" => Deed::BackFlow,
            "magnet" => Deed::Magnet,
            "supply_dip" => Deed::SupplyDip(Voltage(self.amount_of(fields, "voltage", Dimension::Voltage, "\"1.8 V\"")?)),
            _ => Deed::Button,
        })
    }

    fn rate(&mut self, fields: &Fields<'_>) -> Option<Flow> {
        self.amount_of(fields, "rate", Dimension::Flow, "\"10 mL/min\"").map(Flow)
    }

    fn amount_of(&mut self, fields: &Fields<'_>, key: &str, dimension: Dimension, example: &str) -> Option<f64> {
        let Some(node) = fields.get(key) else {
            let help = format!("for example `{key} = {example}`");
            self.read.out.error_with_help(fields.key_at("does"), format!("a line that does this states its `{key}`"), help);
            return None;
        };
        self.read.quantity(node, key, dimension, Sign::Positive).map(|q| q.to_f64())
    }

    fn no_amounts(&mut self, fields: &Fields<'_>, but: Option<&str>, who: &str) {
        for key in AMOUNTS {
            if but != Some(key) && fields.get(key).is_some() {
                self.read.out.error(fields.key_at(key), format!("{who} has no `{key}`"));
            }
        }
    }
}
