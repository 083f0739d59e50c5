//! What a line of a real bench does to pump and patient, so that an injection can be played through it.

use std::fmt;

use crate::Name;
use crate::bench::{Bench, Line};
use crate::input::{NeedleSite, PlantChange};
use crate::quantity::{Figures, Flow, Voltage, Volume};
use crate::time::Span;

/// No injection takes longer: a rate that wants more is a mistake in the bench file.
const LONGEST: Span = Span::hours(1);

/// What is done while the line is active. The line is safe when it is not.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Deed {
    /// A needle injects through the septum at this rate.
    NeedleReservoir(Flow),
    /// A needle injects beside the pump at this rate.
    NeedlePocket(Flow),
    /// Air is pushed through the septum at this rate.
    Air(Flow),
    /// The reservoir is emptied at this rate.
    Withdraw(Flow),
    /// The catheter is off its connector.
    Disconnect,
    /// The catheter is squeezed: its resistance is multiplied by this.
    Kink(f64),
    /// The outlet valve is bridged.
    BackFlow,
    /// A magnet holds the rotor.
    Magnet,
    /// The supply is pulled down to this voltage.
    SupplyDip(Voltage),
    /// The patient's button is pressed.
    Button,
}

/// How a line is moved for an injection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moved {
    /// It stays there.
    To { active: bool },
    /// It is active for this long.
    For(Span),
}

/// Why a bench has no line for a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoLine {
    /// A line that does this would do, and states this key besides.
    Missing { does: &'static str, states: Option<&'static str> },
    /// There is one that does something like it.
    Unfit { line: Name, why: String },
    /// No line does such a thing: it takes simulated plumbing.
    Never,
}

impl fmt::Display for NoLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { does, states } => {
                write!(f, "neither simulated plumbing nor a line for it: add a `[[line]]` with `does = \"{does}\"`")?;
                states.map_or(Ok(()), |key| write!(f, " and `{key}`"))
            }
            Self::Unfit { line, why } => write!(f, "no simulated plumbing, and line `{line}` {why}"),
            Self::Never => f.write_str("no simulated plumbing to change"),
        }
    }
}

impl Deed {
    /// As bench files call it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NeedleReservoir(_) => "needle_reservoir",
            Self::NeedlePocket(_) => "needle_pocket",
            Self::Air(_) => "air",
            Self::Withdraw(_) => "withdraw",
            Self::Disconnect => "disconnect",
            Self::Kink(_) => "kink",
            Self::BackFlow => "back_flow",
            Self::Magnet => "magnet",
            Self::SupplyDip(_) => "supply_dip",
            Self::Button => "button",
        }
    }

    /// Whether fluid or air goes into the pump or out of it while the line is active.
    pub const fn moves_fluid(self) -> bool {
        matches!(self, Self::NeedleReservoir(_) | Self::NeedlePocket(_) | Self::Air(_) | Self::Withdraw(_))
    }

    /// How a line that does this carries out the change; why it can't; or nothing, where it is about something else.
    pub fn carries_out(self, change: &PlantChange) -> Option<Result<Moved, String>> {
        let pumped = |rate: Flow, volume: Volume| {
            let lasts = Span::from_seconds(volume.0 / rate.0 * 3_600.0);
            // The conversion holds at the ends of its range.
            let sound = lasts > Span::ZERO && lasts <= LONGEST;
            if sound { Ok(Moved::For(lasts)) } else { Err(format!("would work longer than {LONGEST} for {volume} at {rate}")) }
        };
        let exactly = |is: bool, what: String| if is { Ok(()) } else { Err(what) };
        Some(match (self, change) {
            (Self::NeedleReservoir(rate), PlantChange::Needle { into: NeedleSite::Reservoir, volume })
            | (Self::NeedlePocket(rate), PlantChange::Needle { into: NeedleSite::Pocket, volume })
            | (Self::Air(rate), PlantChange::Needle { into: NeedleSite::AirIntoReservoir, volume })
            | (Self::Withdraw(rate), PlantChange::Withdraw { volume }) => pumped(rate, *volume),
            (Self::Disconnect, PlantChange::Disconnected { open }) | (Self::BackFlow, PlantChange::BackFlow { open }) => {
                Ok(Moved::To { active: *open })
            }
            (Self::Magnet, PlantChange::Rotor { held }) => Ok(Moved::To { active: *held }),
            (Self::Kink(_), PlantChange::Resistance { factor }) if *factor == 1.0 => Ok(Moved::To { active: false }),
            (Self::Kink(made), PlantChange::Resistance { factor }) => {
                let why = || format!("multiplies the resistance by {}, and {} is asked for", Figures(made), Figures(*factor));
                exactly(made == *factor, why()).map(|()| Moved::To { active: true })
            }
            (Self::SupplyDip(made), PlantChange::SupplyDip { to, lasts }) => {
                exactly(made == *to, format!("pulls the supply down to {made}, and {to} is asked for")).map(|()| Moved::For(*lasts))
            }
            (Self::Button, PlantChange::Button { held, bounces: 0 }) => Ok(Moved::For(*held)),
            // A relay closes once; what its own contacts do is not what was asked for.
            (Self::Button, PlantChange::Button { .. }) => Err("makes no bounces".to_owned()),
            _ => return None,
        })
    }

    /// The name of a deed that would carry out the change, and of the key that such a line states besides; nothing for what no line can do.
    fn wanted_for(change: &PlantChange) -> Option<(&'static str, Option<&'static str>)> {
        Some(match change {
            PlantChange::Needle { into: NeedleSite::Reservoir, .. } => ("needle_reservoir", Some("rate")),
            PlantChange::Needle { into: NeedleSite::Pocket, .. } => ("needle_pocket", Some("rate")),
            PlantChange::Needle { into: NeedleSite::AirIntoReservoir, .. } => ("air", Some("rate")),
            PlantChange::Withdraw { .. } => ("withdraw", Some("rate")),
            PlantChange::Disconnected { .. } => ("disconnect", None),
            PlantChange::Resistance { .. } => ("kink", Some("factor")),
            PlantChange::BackFlow { .. } => ("back_flow", None),
            PlantChange::Rotor { .. } => ("magnet", None),
            PlantChange::SupplyDip { .. } => ("supply_dip", Some("voltage")),
            PlantChange::Button { bounces: 0, .. } => ("button", None),
            PlantChange::Button { .. }
            | PlantChange::Fresh { .. }
            | PlantChange::Reservoir { .. }
            | PlantChange::Catheter { .. }
            | PlantChange::AirBubble { .. }
            | PlantChange::TipPressure { .. }
            | PlantChange::Drug { .. }
            | PlantChange::Head { .. }
            | PlantChange::Ambient { .. }
            | PlantChange::Temperature { .. }
            | PlantChange::Battery { .. }
            | PlantChange::Hang
            | PlantChange::Memory { .. }
            | PlantChange::PumpClock { .. } => return None,
        })
    }
}

impl Line {
    /// What it does to pump and patient: as stated, and a line called `button` presses the button in any case.
    pub fn deed(&self) -> Option<Deed> {
        self.does.or((&*self.name == "button").then_some(Deed::Button))
    }
}

impl Bench {
    /// The line through which a bench without simulated plumbing plays this change, and how it is moved.
    ///
    /// # Errors
    /// There is none, or none that does just this.
    pub fn line_for(&self, change: &PlantChange) -> Result<(&Line, Moved), NoLine> {
        let mut unfit = None;
        for line in &self.lines {
            match line.deed().and_then(|deed| deed.carries_out(change)) {
                Some(Ok(moved)) => return Ok((line, moved)),
                Some(Err(why)) => unfit = unfit.or(Some(NoLine::Unfit { line: line.name.clone(), why })),
                None => {}
            }
        }
        Err(unfit.unwrap_or_else(|| match Deed::wanted_for(change) {
            Some((does, states)) => NoLine::Missing { does, states },
            None => NoLine::Never,
        }))
    }

    /// How long the bench's line works for this change; no time where it is carried out at once, or not at all.
    pub fn works_for(&self, change: &PlantChange) -> Span {
        match (&self.plant, self.line_for(change)) {
            (None, Ok((_, Moved::For(span)))) => span,
            _ => Span::ZERO,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_needle_works_for_volume_over_rate() {
        let needle = Deed::NeedleReservoir(Flow(600_000.0));
        let change = |into| PlantChange::Needle { into, volume: Volume(10_000.0) };
        assert_eq!(needle.carries_out(&change(NeedleSite::Reservoir)), Some(Ok(Moved::For(Span::seconds(60)))));
        assert_eq!(needle.carries_out(&change(NeedleSite::Pocket)), None);
        let stands = Deed::Withdraw(Flow(1e-30)).carries_out(&PlantChange::Withdraw { volume: Volume(1.0) });
        assert!(matches!(stands, Some(Err(_))));
    }

    #[test]
    fn a_clamp_makes_the_kink_it_makes() {
        let clamp = |factor| Deed::Kink(50.0).carries_out(&PlantChange::Resistance { factor });
        assert_eq!(clamp(50.0), Some(Ok(Moved::To { active: true })));
        assert_eq!(clamp(1.0), Some(Ok(Moved::To { active: false })));
        assert_eq!(clamp(20.0), Some(Err("multiplies the resistance by 50, and 20 is asked for".into())));
    }

    #[test]
    fn each_deed_is_wanted_for_what_it_carries_out() {
        let all = [
            (Deed::NeedleReservoir(Flow(1.0)), PlantChange::Needle { into: NeedleSite::Reservoir, volume: Volume(1.0) }),
            (Deed::NeedlePocket(Flow(1.0)), PlantChange::Needle { into: NeedleSite::Pocket, volume: Volume(1.0) }),
            (Deed::Air(Flow(1.0)), PlantChange::Needle { into: NeedleSite::AirIntoReservoir, volume: Volume(1.0) }),
            (Deed::Withdraw(Flow(1.0)), PlantChange::Withdraw { volume: Volume(1.0) }),
            (Deed::Disconnect, PlantChange::Disconnected { open: true }),
            (Deed::Kink(2.0), PlantChange::Resistance { factor: 2.0 }),
            (Deed::BackFlow, PlantChange::BackFlow { open: false }),
            (Deed::Magnet, PlantChange::Rotor { held: true }),
            (Deed::SupplyDip(Voltage(1.8)), PlantChange::SupplyDip { to: Voltage(1.8), lasts: Span::seconds(1) }),
            (Deed::Button, PlantChange::Button { held: Span::seconds(1), bounces: 0 }),
        ];
        for (deed, change) in all {
            assert_eq!(Deed::wanted_for(&change).map(|(name, _)| name), Some(deed.name()));
            assert!(matches!(deed.carries_out(&change), Some(Ok(_))), "{deed:?}");
        }
    }

    #[test]
    fn a_line_makes_no_bounces() {
        let change = PlantChange::Button { held: Span::seconds(1), bounces: 3 };
        assert_eq!(Deed::Button.carries_out(&change), Some(Err("makes no bounces".to_owned())));
        assert_eq!(Deed::wanted_for(&change), None);
    }
}
