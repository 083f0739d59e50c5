//! A balance beside the pump: its rests, and what two rests tell of the delivery between them.

use rig_metrology::{Agreement, Agrees, Gate, Measured, NoRest, Rest, RestFit, Weighing, agreement, shared};
use rig_model::Name;
use rig_model::bench::{Bench, Certificate, Channel, Instrument};
use rig_model::dut::PumpState;
use rig_model::event::{Comparability, Comparison, Weighed, WeighedAgainst};
use rig_model::quantity::Volume;
use rig_model::time::RigTime;
use rig_model::weighing::Balance;

use crate::flow::flow_meter;
use crate::window::{Data, Window};

/// A balance at rest: from some time after whatever last touched the bench, until something touches it again.
#[derive(Debug)]
pub struct Scale {
    pub channel: Name,
    balance: Box<Balance>,
    /// The pump was told to start, or says that it delivers.
    delivering: bool,
    /// Readings from here on are at rest.
    rest_from: RigTime,
    fit: RestFit,
}

impl Scale {
    pub fn new(channel: &Channel) -> Option<Self> {
        let Instrument::Balance(balance) = &channel.instrument else { return None };
        let fit = RestFit::new(balance.resolution);
        Some(Self { channel: channel.name.clone(), balance: balance.clone(), delivering: false, rest_from: RigTime::MAX, fit })
    }

    /// Something touched the bench, or may have: what came before is one rest, what comes later another.
    pub fn touched(&mut self, at: RigTime) -> Result<Rest, NoRest> {
        let ended = self.rest();
        self.rest_from = at.saturating_add(self.balance.settle);
        self.fit = RestFit::new(self.balance.resolution);
        ended
    }

    pub fn told_to_start(&mut self) {
        self.delivering = true;
    }

    /// What the pump says it does.
    pub fn state(&mut self, state: PumpState) {
        self.delivering = matches!(state, PumpState::Infusing | PumpState::Bolus | PumpState::Priming);
    }

    /// Whether this pulse fell onto the pan; without a channel beside it any may have.
    pub fn is_under(&self, channel: &Name) -> bool {
        self.balance.beside.as_ref().is_none_or(|beside| beside == channel)
    }

    /// The next reading, mg; whether it says anything.
    pub fn reading(&mut self, at: RigTime, mg: f64) -> bool {
        if !(mg >= self.balance.min && mg <= self.balance.max) {
            return false;
        }
        if !self.delivering && at >= self.rest_from {
            // It is a number, and later than the one before: inputs come in the order of time; two at one instant are one.
            let _same_instant = self.fit.push(at, mg);
        }
        true
    }

    /// The rest so far.
    pub fn rest(&self) -> Result<Rest, NoRest> {
        self.fit.finish()
    }
}

/// What was weighed in one window.
#[derive(Debug, Clone)]
pub struct WeightData {
    balance: Box<Balance>,
    certificate: Option<Certificate>,
    /// The rest that ended with the first delivery in the window, and the one that goes on at its end.
    before: Option<Result<Rest, NoRest>>,
    after: Option<Result<Rest, NoRest>>,
    pub readings: u64,
    /// Readings that were no number, or outside the balance's range.
    pub bad: u64,
}

impl WeightData {
    pub fn new(balance: &Balance, certificate: Option<&Certificate>) -> Self {
        let certificate = certificate.cloned();
        Self { balance: Box::new(balance.clone()), certificate, before: None, after: None, readings: 0, bad: 0 }
    }

    pub fn reading(&mut self, sound: bool) {
        if sound { self.readings += 1 } else { self.bad += 1 }
    }

    /// A rest ended while the window was open. The first one is what stood before the delivery.
    pub fn rest_ended(&mut self, rest: Result<Rest, NoRest>) {
        self.before.get_or_insert(rest);
    }

    pub fn close(&mut self, rest: Result<Rest, NoRest>) {
        self.after = Some(rest);
    }

    /// Volume that fell onto the pan, or why it can't be told, in words that say what to do.
    pub fn volume(&self) -> Result<Measured, String> {
        if self.bad > 0 {
            return Err(format!("{} readings of the balance were no number or outside its range", self.bad));
        }
        let Some(before) = self.before else {
            return Err("nothing was delivered between two rests of the balance in the window".to_owned());
        };
        let before = before.map_err(|why| format!("before the delivery: {why}"))?;
        let after = self.after.unwrap_or(Err(NoRest::TooFew(0))).map_err(|why| format!("after the delivery: {why}"))?;
        let weighing = Weighing::on(&self.balance, self.certificate.as_ref().map(|c| &c.id), before, after);
        weighing.volume().map_err(|why| why.to_string())
    }

    /// Compares what a flow sensor saw with what was weighed; `lost` is why facts of either are missing.
    pub fn against(&self, flow: &Measured, sensor_certificate: Option<&Certificate>, lost: Option<&str>) -> WeighedAgainst {
        let flow_volume = Volume(flow.estimate.value);
        let (weighed, budget, found) = match lost.map_or_else(|| self.volume(), |why| Err(why.to_owned())) {
            Ok(weighed) => {
                let covariance = shared(flow.estimate.value, weighed.estimate.value, self.shared_with(sensor_certificate));
                let found = agreement(&flow.estimate, &weighed.estimate, covariance).map_err(|why| why.to_string());
                (Some(Volume(weighed.estimate.value)), weighed.budget, found)
            }
            Err(why) => (None, Vec::new(), Err(why)),
        };
        let outcome = match found.as_ref().map(Agreement::agrees) {
            Ok(Agrees::Yes) => Comparability::Agree,
            Ok(Agrees::Hardly) => Comparability::Hardly,
            Ok(Agrees::No) => Comparability::Disagree,
            Err(_) => Comparability::NotCompared,
        };
        let (comparison, why) = match &found {
            Ok(found) => (Some(comparison(found)), String::new()),
            Err(why) => (None, why.clone()),
        };
        WeighedAgainst { flow_volume, weighed, budget, comparison, outcome, why }
    }

    /// Relative standard uncertainty that both results have in common: the K-factor came from this very balance.
    fn shared_with(&self, sensor: Option<&Certificate>) -> f64 {
        let reference = sensor.and_then(|c| c.reference.as_ref());
        let same = reference.filter(|r| self.certificate.as_ref().is_some_and(|own| own.id == r.certificate));
        same.map_or(0.0, |r| r.uncertainty_percent / 200.0)
    }
}

fn comparison(found: &Agreement) -> Comparison {
    // A difference without any uncertainty is infinitely many of them: no number in a record.
    let finite = |x: f64| x.is_finite().then_some(x);
    Comparison {
        difference: Volume(found.difference),
        standard_uncertainty: found.standard_uncertainty,
        e_n: finite(found.e_n),
        chance: found.chance,
    }
}

/// What two instruments say of one window that has closed, if two measured it.
pub fn weighed(bench: &Bench, window: &Window) -> Option<Weighed> {
    let beside = window.beside.as_ref()?;
    let (flow, sensor, weight, balance) = match (&window.data, &beside.data) {
        (Data::Flow(flow), Data::Weight(weight)) => (flow, &window.channel, weight, &beside.channel),
        (Data::Weight(weight), Data::Flow(flow)) => (flow, &beside.channel, weight, &window.channel),
        _ => return None,
    };
    let meter = flow_meter(bench, sensor, &flow.sensor);
    let volume = meter.volume(flow.pulses(flow.forward, flow.reverse), Gate::Free, window.length(window.opened));
    let certificate = bench.channel(sensor).and_then(|c| c.certificate.as_ref());
    // What is missing on either side is no disagreement.
    let lost = beside.lost.as_deref().or(window.lost.as_deref());
    let against = weight.against(&volume, certificate, lost);
    Some(Weighed { window: window.name.clone(), flow: sensor.clone(), balance: balance.clone(), against })
}

/// A note, if two instruments measured a window and could not be compared.
pub fn not_compared(bench: &Bench, window: &Window) -> Option<String> {
    let Weighed { flow, balance, against, .. } = weighed(bench, window)?;
    let other = if window.channel == flow { balance } else { flow };
    (against.outcome == Comparability::NotCompared).then(|| format!("not compared with {other}: {}", against.why))
}

/// A sentence, if the two instruments of a window disagree by more than chance explains.
pub fn disagreement(bench: &Bench, window: &Window) -> Option<String> {
    let Weighed { flow, balance, against, .. } = weighed(bench, window)?;
    let (found, weighed) = (against.comparison?, against.weighed?);
    (against.outcome == Comparability::Disagree).then(|| {
        let e_n = found.e_n.map_or_else(String::new, |e_n| format!(", E_n = {e_n:.2}"));
        format!(
            "{flow} says {}, {balance} says {weighed}{e_n}: chance explains that less than once in 300, so one of them is wrong",
            against.flow_volume
        )
    })
}
