//! What `rig calibrate` takes from the journal of one run: weighed deliveries with their pulses.
//!
//! The run is replayed from its raw inputs on the way: weighed volumes are believed because this version of the rig gets them from the readings
//! again. Pulses are counted, and their flow is found, from the raw edges.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, anyhow};
use rig_metrology::{Measured, PulseFlow, WeighedPulses};
use rig_model::Name;
use rig_model::bench::{Channel, FlowSensor, Instrument};
use rig_model::event::{CaseStarted, Event, Weighed, WindowClosed};
use rig_model::fact::{Body, Fact, Header};
use rig_model::input::{Edges, Input, Lost, Sense};
use rig_model::time::RigTime;
use rig_model::weighing::Balance;
use rig_record::End;
use rig_runner::{Replay, Runner};

use crate::certificate::{self, LeftOut};
use crate::commands::report::{digest_of, open};
use crate::failure::{BENCH, Failure, OrExit, USAGE, failure};
use crate::folder::RunFolder;
use crate::inputs;

/// From here on a sensor may be at its end, as for all that is measured with it.
const NEAR_SATURATION: f64 = 0.9;

/// One run, as far as a calibration needs it.
#[derive(Debug)]
pub struct Record {
    pub header: Box<Header>,
    pub folder: String,
    pub journal_sha256: String,
    /// The channel to be calibrated and the balance under it, as the bench file had them.
    pub flow: Channel,
    pub balance: Channel,
    pub deliveries: Vec<Delivery>,
    pub left_out: Vec<LeftOut>,
}

#[derive(Debug)]
pub struct Delivery {
    pub scenario: String,
    pub case: String,
    pub window: String,
    pub number: u64,
    pub measured: WeighedPulses,
}

impl Record {
    pub fn sensor(&self) -> Option<&FlowSensor> {
        if let Instrument::Flow(sensor) = &self.flow.instrument { Some(sensor) } else { None }
    }

    pub fn scale(&self) -> Option<&Balance> {
        if let Instrument::Balance(balance) = &self.balance.instrument { Some(balance) } else { None }
    }
}

/// Reads a run from its journal. One that is damaged, cut off, or says what its raw inputs do not is an error: what is missing may be just the
/// delivery that contradicts the others.
pub fn record(run: &Path, channel: &str) -> Result<Record, Failure> {
    let folder = RunFolder::open(run);
    let mut journal = open(&folder)?;
    let path = folder.journal();
    let plan = inputs::plan_of_record(&journal.header).or_exit(BENCH)?;
    let (flow, balance) = channels(&plan.bench.channels, channel).map_err(|why| failure(USAGE, format!("`{}`: {why}", run.display())))?;
    let mut taken = Taken::new(&journal.header, flow, balance);
    let mut replay = Replay::new(Runner::new(plan).or_exit(BENCH)?);
    let differs = |line: u64| {
        let why = format!(
            "`{}` is not what follows from its raw inputs with this version of `rig`, from line {line} on: `rig replay` shows how they differ",
            path.display()
        );
        failure(BENCH, why)
    };
    replay.take(&journal.first).map_err(|_| differs(1))?;
    let mut last = 1;
    for fact in journal.reader.by_ref() {
        let (line, fact) = fact.with_context(|| format!("`{}` can't be used: failed to", path.display())).or_exit(BENCH)?;
        replay.take(&fact).map_err(|_| differs(line))?;
        taken.fact(&fact);
        last = line;
    }
    if let Some(End::CutOff(cut)) = journal.reader.end() {
        return Err(anyhow!("`{}` is cut off at line {}: calibrate with whole runs", path.display(), cut.line)).or_exit(BENCH);
    }
    replay.finish().map_err(|_| differs(last + 1))?;
    let digest = digest_of(&folder).or_exit(BENCH)?;
    let Taken { flow, balance, deliveries, left_out, .. } = taken;
    Ok(Record {
        folder: run.display().to_string(),
        journal_sha256: digest.sha256,
        header: journal.header,
        flow,
        balance,
        deliveries: deliveries.into_iter().filter(|d| !d.2).map(|d| d.1).collect(),
        left_out,
    })
}

/// The flow channel of that name and the balance that its liquid falls onto.
fn channels(all: &[Channel], name: &str) -> Result<(Channel, Channel), String> {
    let flow = all.iter().find(|c| &*c.name == name && matches!(c.instrument, Instrument::Flow(_)));
    let flow = flow.ok_or_else(|| {
        let known: Vec<&str> = all.iter().filter(|c| matches!(c.instrument, Instrument::Flow(_))).map(|c| &*c.name).collect();
        format!("the bench has no flow channel `{name}`; it has {}", known.join(", "))
    })?;
    if matches!(&flow.instrument, Instrument::Flow(sensor) if sensor.resolution > 0.0) {
        return Err(format!("`{name}` tells readings of flow: its pulses are made of them, and have no K-factor of the sensor's own"));
    }
    let under = |c: &&Channel| matches!(&c.instrument, Instrument::Balance(b) if b.beside.as_ref() == Some(&flow.name));
    let balance = all.iter().find(under).ok_or_else(|| format!("the bench has no balance beside `{name}`"))?;
    if balance.certificate.is_none() {
        return Err(format!("`{}` has no certificate: a K-factor that was found with it would be traceable to nothing", balance.name));
    }
    Ok((flow.clone(), balance.clone()))
}

/// A window that may hold a delivery.
#[derive(Debug)]
struct Open {
    opened: RigTime,
    pulses: i64,
    rates: PulseFlow,
    lost: Option<String>,
    ended: bool,
}

struct Taken {
    run: String,
    flow: Channel,
    balance: Channel,
    case: Option<CaseStarted>,
    open: BTreeMap<Name, Open>,
    /// Deliveries, each with the time that it took, and whether it turned out to be spoilt.
    deliveries: Vec<((RigTime, RigTime), Delivery, bool)>,
    left_out: Vec<LeftOut>,
}

impl Taken {
    fn new(header: &Header, flow: Channel, balance: Channel) -> Self {
        Self { run: header.run_id.clone(), flow, balance, case: None, open: BTreeMap::new(), deliveries: Vec::new(), left_out: Vec::new() }
    }

    fn fact(&mut self, fact: &Fact) {
        match &fact.body {
            Body::Input(Input::Edges(edges)) if edges.channel == self.flow.name => self.edges(edges),
            Body::Event(Event::CaseStarted(started)) => {
                self.case = Some(started.clone());
                self.open.clear();
            }
            Body::Event(Event::WindowOpened { window, channel }) if self.concerns(channel) => self.opened(window, fact.at),
            Body::Event(Event::WindowClosed(closed)) => self.closed(closed),
            Body::Event(Event::Weighed(weighed)) if weighed.flow == self.flow.name => self.weighed(weighed, fact.at),
            Body::Event(Event::DataLost(lost)) if lost.channel.as_ref().is_none_or(|c| self.concerns(c)) => self.lost(lost),
            _ => {}
        }
    }

    fn concerns(&self, channel: &Name) -> bool {
        *channel == self.flow.name || *channel == self.balance.name
    }

    fn opened(&mut self, window: &Name, at: RigTime) {
        let Instrument::Flow(FlowSensor { stroke_gap, .. }) = self.flow.instrument else { return };
        let open = Open { opened: at, pulses: 0, rates: PulseFlow::new(stroke_gap), lost: None, ended: true };
        self.open.insert(window.clone(), open);
    }

    fn edges(&mut self, edges: &Edges) {
        let count = i64::try_from(edges.count()).unwrap_or(i64::MAX);
        for open in self.open.values_mut() {
            open.pulses = open.pulses.saturating_add(if edges.sense == Sense::Reverse { -count } else { count });
            edges.times().for_each(|at| open.rates.push(at));
        }
    }

    fn closed(&mut self, closed: &WindowClosed) {
        if let Some(open) = self.open.get_mut(&closed.window) {
            open.ended = closed.ended;
        }
    }

    /// Where a loss is told, what is missing may have belonged to the window before as well.
    fn lost(&mut self, lost: &Lost) {
        let why = format!("facts were lost or came that never happened: {}", lost.why);
        for open in self.open.values_mut() {
            open.lost.get_or_insert_with(|| why.clone());
        }
        let last = self.deliveries.last_mut().filter(|(_, delivery, spoilt)| {
            !spoilt && self.case.as_ref().is_some_and(|case| case.case == delivery.case && case.scenario == delivery.scenario)
        });
        let Some((_, delivery, spoilt)) = last else { return };
        *spoilt = true;
        let (scenario, case, window) = (delivery.scenario.clone(), delivery.case.clone(), delivery.window.clone());
        self.left_out.push(LeftOut { run: self.run.clone(), scenario, case, window, why });
    }

    /// The window has closed, and what was weighed in it is told.
    fn weighed(&mut self, weighed: &Weighed, at: RigTime) {
        let Some(open) = self.open.remove(&weighed.window) else { return };
        let of = |field: fn(&CaseStarted) -> &String| self.case.as_ref().map(field).cloned().unwrap_or_default();
        let (scenario, case, window) = (of(|c| &c.scenario), of(|c| &c.case), weighed.window.to_string());
        let opened = open.opened;
        match self.delivery(weighed, open, at) {
            Ok(measured) => {
                let number = self.deliveries.len() as u64 + 1;
                self.deliveries.push(((opened, at), Delivery { scenario, case, window, number, measured }, false));
            }
            Err(why) => self.left_out.push(LeftOut { run: self.run.clone(), scenario, case, window, why }),
        }
    }

    fn delivery(&self, weighed: &Weighed, open: Open, at: RigTime) -> Result<WeighedPulses, String> {
        if let Some(((_, _), other, _)) = self.deliveries.iter().find(|((from, to), ..)| *from < at && open.opened < *to) {
            return Err(format!("it overlaps with `{}`, whose delivery is counted already", other.window));
        }
        if let Some(why) = open.lost {
            return Err(why);
        }
        if !open.ended {
            return Err("its end did not come in time".to_owned());
        }
        let volume = weighed.against.weighed.ok_or_else(|| weighed.against.why.clone())?;
        let volume = Measured::new(volume.0, weighed.against.budget.clone());
        let rates = open.rates.rates().filter(|_| open.pulses > 0).ok_or("too few pulses came, or too many to keep")?;
        let measured = WeighedPulses { pulses: open.pulses, rates, volume };
        let Instrument::Flow(FlowSensor { max_flow, .. }) = self.flow.instrument else { return Ok(measured) };
        let fastest = measured.rates.greatest / measured.k();
        if fastest > NEAR_SATURATION * max_flow {
            return Err(format!("the flow reached {fastest:.0} µL/h, and the sensor's range ends at {max_flow:.0} µL/h"));
        }
        Ok(measured)
    }
}

/// As the certificate names it.
pub fn run_of(record: &Record) -> certificate::Run {
    let Header { run_id, started_utc, tool, operator, .. } = &*record.header;
    certificate::Run {
        id: run_id.clone(),
        started_utc: started_utc.clone(),
        journal_sha256: record.journal_sha256.clone(),
        rig: tool.clone(),
        operator: operator.clone(),
    }
}
