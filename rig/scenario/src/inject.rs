//! What is done to pump, bench and link: `inject`.

use rig_model::input::{NeedleSite, PlantChange};
use rig_model::quantity::{Concentration, Dimension, Length, Pressure, Temperature, Voltage, Volume};
use rig_model::scenario::{LinkFault, StepKind};

use crate::grammar::{INJECT, LINK, LINK_WORDS, PLANT};
use crate::grammar_command::{BACK_FLOW, CATHETER, CHECKSUM, NEEDLE, ROTOR};
use crate::limits::{MAX_BOUNCES, MAX_GARBAGE};
use crate::lower::Lower;
use crate::node::Node;
use crate::read::{Fields, Reader, Sign};

impl Lower<'_, '_> {
    pub fn inject(&mut self, node: &Node) -> Option<(String, StepKind)> {
        let (form, value, fields) = self.read.form(node, INJECT, "`inject`")?;
        match form.head.name {
            "link" => self.link(value),
            "plant" => self.plant(value),
            head => {
                let change = match fluid(&mut self.read, head, value, &fields) {
                    Some(change) => change,
                    None => around(&mut self.read, head, value, &fields),
                }?;
                Some((format!("inject {change}"), StepKind::Plant(change)))
            }
        }
    }

    fn link(&mut self, node: &Node) -> Option<(String, StepKind)> {
        if node.scalar().is_some() {
            let word = self.read.choice(node, "link", LINK_WORDS)?;
            let fault = match word {
                "lose_next_reply" => LinkFault::LoseNextReply,
                "lose_next_command" => LinkFault::LoseNextCommand,
                "corrupt_next_reply" => LinkFault::CorruptNextReply,
                "corrupt_next_command" => LinkFault::CorruptNextCommand,
                "duplicate_next_reply" => LinkFault::DuplicateNextReply,
                _ => LinkFault::DuplicateNextCommand,
            };
            return Some((format!("link: {}", word.replace('_', " ")), StepKind::LinkFault(fault)));
        }
        let (form, value, fields) = self.read.form(node, LINK, "`link`")?;
        let head = form.head.name;
        let (what, fault) = match head {
            "garbage" => {
                let bytes = u32::try_from(self.read.whole(value, head, 1, MAX_GARBAGE)?).ok()?;
                (format!("{bytes} bytes of garbage"), LinkFault::Garbage(bytes))
            }
            "interference" => {
                let share = self.read.share(value, head);
                let lasts = fields.get("for").and_then(|n| self.read.time(n, "for", Sign::Positive));
                let (share, lasts) = (share?, lasts?);
                // To a millionth: a probability from 0 to 1.
                let per_million = (share * 10_000.0).round() as u32;
                if per_million == 0 {
                    self.read.out.error(value.at, "`interference` must be more than zero");
                    return None;
                }
                (format!("{share} % of all frames are spoilt for {lasts}"), LinkFault::Interference { per_million, lasts })
            }
            "delay_next_reply" => {
                let span = self.read.time(value, head, Sign::Positive)?;
                (format!("delay next reply by {span}"), LinkFault::DelayNextReply(span))
            }
            _ => {
                let span = self.read.time(value, head, Sign::Positive)?;
                (format!("delay next command by {span}"), LinkFault::DelayNextCommand(span))
            }
        };
        Some((format!("link: {what}"), StepKind::LinkFault(fault)))
    }

    fn plant(&mut self, node: &Node) -> Option<(String, StepKind)> {
        let (form, value, _) = self.read.form(node, PLANT, "`plant`")?;
        let head = form.head.name;
        let (what, change) = match head {
            "reservoir" => {
                let volume = self.read.volume(value, head)?;
                (format!("reservoir truly holds {volume}"), PlantChange::Reservoir { volume })
            }
            "catheter" => {
                let word = self.read.choice(value, head, &["primed", "unprimed"])?;
                (format!("catheter {word}"), PlantChange::Catheter { primed: word == "primed" })
            }
            "air_bubble" => {
                let volume = self.read.volume(value, head)?;
                (format!("air bubble of {volume}"), PlantChange::AirBubble { volume })
            }
            "resistance" => {
                let factor = self.read.quantity(value, head, Dimension::Count, Sign::Positive)?;
                (format!("resistance times {}", factor.show()), PlantChange::Resistance { factor: factor.to_f64() })
            }
            _ => {
                let pressure = self.read.pressure(value, head)?;
                (format!("tip pressure {pressure}"), PlantChange::TipPressure { pressure })
            }
        };
        Some((format!("plant: {what}"), StepKind::Plant(change)))
    }
}

/// Changes to fluid and line. `None` in the outer one for a head that is none of them.
#[expect(clippy::option_option, reason = "the outer one is another kind of change, the inner one a file with errors")]
fn fluid(read: &mut Reader<'_>, head: &str, value: &Node, fields: &Fields<'_>) -> Option<Option<PlantChange>> {
    Some(match head {
        "needle" => {
            let volume = positive_volume(read, head, value);
            let into = fields.get("into").and_then(|n| read.choice(n, "into", NEEDLE));
            let site = into.map(|word| if word == "pocket" { NeedleSite::Pocket } else { NeedleSite::Reservoir });
            volume.zip(site).map(|(volume, into)| PlantChange::Needle { into, volume })
        }
        "air" => positive_volume(read, head, value).map(|volume| PlantChange::Needle { into: NeedleSite::AirIntoReservoir, volume }),
        "withdraw" => positive_volume(read, head, value).map(|volume| PlantChange::Withdraw { volume }),
        "drug" => read
            .quantity(value, head, Dimension::Concentration, Sign::NotNegative)
            .map(|q| PlantChange::Drug { concentration: Concentration(q.to_f64()) }),
        "catheter" => read.choice(value, head, CATHETER).map(|word| PlantChange::Disconnected { open: word == "disconnected" }),
        "kink" => {
            read.quantity(value, head, Dimension::Count, Sign::Positive).map(|factor| PlantChange::Resistance { factor: factor.to_f64() })
        }
        "back_flow" => read.choice(value, head, BACK_FLOW).map(|word| PlantChange::BackFlow { open: word == "open" }),
        _ => return None,
    })
}

/// Changes to what surrounds the pump, and to the pump itself.
fn around(read: &mut Reader<'_>, head: &str, value: &Node, fields: &Fields<'_>) -> Option<PlantChange> {
    Some(match head {
        "head" => PlantChange::Head { height: Length(read.quantity(value, head, Dimension::Length, Sign::Any)?.to_f64()) },
        "ambient" => PlantChange::Ambient { pressure: Pressure(read.quantity(value, head, Dimension::Pressure, Sign::Positive)?.to_f64()) },
        "temperature" => {
            PlantChange::Temperature { inside: Temperature(read.quantity(value, head, Dimension::Temperature, Sign::Any)?.to_f64()) }
        }
        "supply" => {
            let to = read.quantity(value, head, Dimension::Voltage, Sign::NotNegative);
            let lasts = fields.get("for").and_then(|n| read.time(n, "for", Sign::Positive));
            PlantChange::SupplyDip { to: Voltage(to?.to_f64()), lasts: lasts? }
        }
        "battery" => PlantChange::Battery { percent: read.share(value, head)? },
        "rotor" => PlantChange::Rotor { held: read.choice(value, head, ROTOR)? == "held" },
        "firmware" => {
            read.choice(value, head, &["hang"])?;
            PlantChange::Hang
        }
        "memory" => {
            let field = read.name(value, head);
            let mask = fields.get("bits").map_or(Some(1), |n| read.whole(n, "bits", 1, 255));
            let sealed = fields.get("checksum").map_or(Some(false), |n| read.choice(n, "checksum", CHECKSUM).map(|word| word == "right"));
            PlantChange::Memory { field: field?, mask: u8::try_from(mask?).ok()?, sealed: sealed? }
        }
        "button" => {
            let held = read.time(value, head, Sign::Positive);
            let bounces = fields.get("bounces").map_or(Some(0), |n| read.whole(n, "bounces", 0, MAX_BOUNCES));
            PlantChange::Button { held: held?, bounces: u32::try_from(bounces?).ok()? }
        }
        _ => PlantChange::PumpClock { ppm: read.clock(value, head)? },
    })
}

fn positive_volume(read: &mut Reader<'_>, head: &str, value: &Node) -> Option<Volume> {
    read.quantity(value, head, Dimension::Volume, Sign::Positive).map(|q| Volume(q.to_f64()))
}
