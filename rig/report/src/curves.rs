//! `curves.csv`: one row per point of a start-up graph or trumpet curve.

use std::io::Write;

use rig_metrology::{CurvePlan, Curves, PulsatilityFloor, StartUpPoint, Trumpet, TrumpetPoint};
use rig_model::time::Span;

use crate::columns::{CURVES, SCHEMA_VERSION};
use crate::hashing::Digest;
use crate::table::{Row, Table};
use crate::view::ViewError;

/// What a curve or figure is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Origin<'a> {
    pub run_id: &'a str,
    pub scenario: &'a str,
    pub case: &'a str,
    pub window: &'a str,
    pub channel: &'a str,
    /// Whether the run may be used as evidence; never for a record from elsewhere.
    pub evidence: bool,
}

#[derive(Debug)]
pub struct CurvesCsv<W: Write> {
    table: Table<W>,
}

/// Cells that are the same in all rows of a curve.
struct Common<'a> {
    origin: &'a Origin<'a>,
    plan: &'a CurvePlan,
}

impl<W: Write> CurvesCsv<W> {
    pub const NAME: &'static str = "curves.csv";

    pub fn new(out: W) -> Result<Self, ViewError> {
        Ok(Self { table: Table::new(out, CURVES)? })
    }

    /// All curves of one record: start-up graph, trumpets, trumpets of whole strokes.
    pub fn write(&mut self, origin: &Origin<'_>, plan: &CurvePlan, curves: &Curves) -> Result<(), ViewError> {
        let common = Common { origin, plan };
        curves.start_up.iter().try_for_each(|point| common.start_up(self.table.row(), point))?;
        for trumpet in &curves.trumpets {
            for point in &trumpet.points {
                common.trumpet(self.table.row(), trumpet, "trumpet", None, point)?;
            }
            for stroke in &trumpet.strokes {
                common.trumpet(self.table.row(), trumpet, "trumpet_strokes", Some(stroke.strokes), &stroke.point)?;
            }
        }
        Ok(())
    }

    pub fn finish(&mut self) -> Result<Digest, ViewError> {
        self.table.finish()
    }
}

impl Common<'_> {
    fn start_up<W: Write>(&self, row: Row<'_, W>, point: &StartUpPoint) -> Result<(), ViewError> {
        let error = 100.0 * (point.flow.0 / self.plan.rate.0 - 1.0);
        let row = self.begin(row, "T0", "startup", point.at)?.number(point.flow.0)?.integer(None)?.integer(None)?.number(error)?;
        let row = row.number(None)?.number(None)?.number(None)?.number(None)?.number(None)?.number(None)?;
        row.boolean(self.origin.evidence)?.end()
    }

    fn trumpet<W: Write>(
        &self,
        row: Row<'_, W>,
        trumpet: &Trumpet,
        curve: &str,
        strokes: Option<u32>,
        point: &TrumpetPoint,
    ) -> Result<(), ViewError> {
        let row = self.begin(row, trumpet.period.name(), curve, point.window)?.number(None)?;
        let row = row.integer(strokes.map(u64::from))?.integer(point.windows as u64)?.number(point.mean_percent)?;
        let floor = |of: fn(PulsatilityFloor) -> f64| point.floor.map(of);
        let row = row.number(point.max_percent)?.number(point.min_percent)?;
        let row = row.number(floor(|f| f.max_percent))?.number(floor(|f| f.min_percent))?;
        row.number(point.within_percent)?.number(self.plan.within_percent)?.boolean(self.origin.evidence)?.end()
    }

    /// Up to and with the set rate.
    fn begin<'t, W: Write>(&self, row: Row<'t, W>, period: &str, curve: &str, x: Span) -> Result<Row<'t, W>, ViewError> {
        let Self { origin, plan } = self;
        let row = row.integer(SCHEMA_VERSION)?.text(origin.run_id)?.text(origin.scenario)?.text(origin.case)?;
        let row = row.text(origin.window)?.text(origin.channel)?.text(plan.method.name())?.text(plan.periods.name())?;
        let row = row.text(period)?.text(curve)?.number(x.0 as f64 / 60e9)?.text("min")?;
        row.number(plan.method.sample().as_seconds())?.number(plan.rate.0)
    }
}

#[cfg(test)]
mod tests {
    use rig_metrology::{CustomMethod, Method, VolumeSeries, curves, stroke_cycle};
    use rig_model::quantity::{Flow, Volume};
    use rig_model::time::RigTime;

    use super::*;

    #[test]
    fn a_small_record_to_the_byte() {
        // Strokes of 1 µL at 60 µL/h come once a minute: in every second sample of 30 s.
        let volumes = vec![0.0, 0.0, 1.0, 1.0, 2.0, 2.0, 3.0];
        let series = VolumeSeries::from_cumulative(RigTime::ZERO, Span::seconds(30), volumes).unwrap();
        let windows = vec![Span::seconds(30)];
        let method = Method::Custom(CustomMethod { sample: Span::seconds(30), windows, excluded: Span::minutes(1) });
        let rate = Flow(60.0);
        let plan = CurvePlan { stroke_cycle: stroke_cycle(Volume(1.0), rate), ..CurvePlan::new(method, rate) };
        let mut out = Vec::new();
        let mut csv = CurvesCsv::new(&mut out).unwrap();
        let origin = Origin { run_id: "r", scenario: "S-01", case: "rate=60", window: "=w", channel: "flow.tip", evidence: false };
        csv.write(&origin, &plan, &curves(&series, &plan).unwrap()).unwrap();
        csv.finish().unwrap();
        drop(csv);
        let text = String::from_utf8(out).unwrap();
        let (header, rows) = text.split_once("\r\n").unwrap();
        assert_eq!(header.split(',').collect::<Vec<_>>(), CURVES.iter().map(|c| c.name).collect::<Vec<_>>());
        let common = "3,r,S-01,rate=60,'=w,flow.tip,custom,stabilisation_and_analysis,";
        let expected = [
            "T0,startup,0.5,min,30,60,0,,,-100,,,,,,,false",
            "T0,startup,1,min,30,60,120,,,100,,,,,,,false",
            "T2,trumpet,0.5,min,30,60,,,4,0,100,-100,100,-100,0,15,false",
            "T2,trumpet_strokes,1,min,30,60,,1,3,0,0,0,0,0,100,15,false",
        ];
        assert_eq!(rows, expected.map(|row| format!("{common}{row}\r\n")).concat());
    }
}
