//! `figures.csv`: one row per figure.

use std::io::Write;

use rig_metrology::{CurvePlan, Curves};
use rig_model::event::Figure;
use rig_model::time::Span;

use crate::columns::{FIGURES, SCHEMA_VERSION};
use crate::curves::Origin;
use crate::hashing::Digest;
use crate::table::Table;
use crate::view::ViewError;

#[derive(Debug)]
pub struct FiguresCsv<W: Write> {
    table: Table<W>,
}

impl<W: Write> FiguresCsv<W> {
    pub const NAME: &'static str = "figures.csv";

    pub fn new(out: W) -> Result<Self, ViewError> {
        Ok(Self { table: Table::new(out, FIGURES)? })
    }

    pub fn write(&mut self, origin: &Origin<'_>, figure: &Figure) -> Result<(), ViewError> {
        let row = self.table.row().integer(SCHEMA_VERSION)?.text(origin.run_id)?.text(origin.scenario)?.text(origin.case)?;
        let row = row.text(origin.window)?.text(origin.channel)?.text(&figure.name)?.number(figure.value)?.text(&figure.unit)?;
        let row = row.number(figure.expanded_uncertainty)?.integer(figure.n)?.text(&figure.method)?.text(&figure.note)?;
        row.boolean(origin.evidence)?.end()
    }

    pub fn finish(&mut self) -> Result<Digest, ViewError> {
        self.table.finish()
    }
}

/// The figures that belong to the curves of a record: overall errors with their volumes and flows, and the hour statistics.
pub fn figures_of_curves(plan: &CurvePlan, curves: &Curves) -> Vec<Figure> {
    let method = format!("{}, {}", plan.method.name(), plan.periods.name());
    let figure = |name: &'static str, value, unit: &'static str, n, note: String| Figure {
        name: name.into(),
        value,
        unit: unit.into(),
        expanded_uncertainty: None,
        n,
        method: method.clone(),
        note,
    };
    let mut figures = Vec::new();
    let t2 = Some(&curves.b);
    for (names, period, overall) in [
        (["overall_error_a", "volume_t1", "mean_flow_t1"], "T1", curves.a.as_ref()),
        (["overall_error_b", "volume_t2", "mean_flow_t2"], "T2", t2),
    ] {
        let note = match overall {
            Some(overall) if overall.from == Span::ZERO => format!("{period}, the first {} of the record", overall.to),
            Some(overall) => format!("{period} from {} to {} of the record", overall.from, overall.to),
            None => format!("nothing was left out, so there is no {period}"),
        };
        let samples = overall.map(|overall| ((overall.to - overall.from).0 / plan.method.sample().0) as u64);
        figures.push(figure(names[0], overall.map(|o| o.error_percent), "%", samples, note.clone()));
        figures.push(figure(names[1], overall.map(|o| o.volume.0), "µL", samples, note.clone()));
        figures.push(figure(names[2], overall.map(|o| o.flow.0), "µL/h", samples, note));
    }
    let hours = curves.hours.as_ref();
    let n = hours.map(|hours| hours.hours as u64);
    let note = || if hours.is_some() { "whole hours one after another".to_owned() } else { "no whole hour".to_owned() };
    let limit = format!("share of the hours within ±{} %", plan.within_percent);
    figures.push(figure("hour_mean_error", hours.map(|h| h.mean_percent), "%", n, note()));
    figures.push(figure("hour_sd_error", hours.and_then(|h| h.sd_percent), "%", n, note()));
    figures.push(figure("hour_min_error", hours.map(|h| h.min_percent), "%", n, note()));
    figures.push(figure("hour_max_error", hours.map(|h| h.max_percent), "%", n, note()));
    figures.push(figure("hours_within", hours.map(|h| h.within_percent), "%", n, limit));
    figures
}

#[cfg(test)]
mod tests {
    use rig_metrology::{Method, VolumeSeries, curves};
    use rig_model::quantity::Flow;
    use rig_model::time::RigTime;

    use super::*;

    #[test]
    fn the_figures_of_two_hours_to_the_byte() {
        // 96 µL/h for an hour, then 110 µL/h.
        let volumes = (0..=240).map(|i| 0.8 * f64::from(i.min(120)) + 110.0 / 120.0 * f64::from((i - 120).max(0))).collect();
        let series = VolumeSeries::from_cumulative(RigTime::ZERO, Span::seconds(30), volumes).unwrap();
        let plan = CurvePlan::new(Method::Volumetric, Flow(100.0));
        let figures = figures_of_curves(&plan, &curves(&series, &plan).unwrap());
        let mut out = Vec::new();
        let mut csv = FiguresCsv::new(&mut out).unwrap();
        let origin = Origin { window: "basal", channel: "flow.tip", ..Origin::default() };
        let rounded = |x: f64| (x * 1e6).round() / 1e6;
        for figure in figures {
            csv.write(&origin, &Figure { value: figure.value.map(rounded), ..figure }).unwrap();
        }
        csv.finish().unwrap();
        drop(csv);
        let text = String::from_utf8(out).unwrap();
        let (header, rows) = text.split_once("\r\n").unwrap();
        assert_eq!(header.split(',').collect::<Vec<_>>(), FIGURES.iter().map(|c| c.name).collect::<Vec<_>>());
        let t = |name, period, value, unit| {
            format!("{name},{value},{unit},,120,\"volumetric, second_and_last_hour\",{period} from 1 h to 2 h of the record")
        };
        let hour = |name, value| format!("{name},{value},%,,2,\"volumetric, second_and_last_hour\",whole hours one after another");
        let expected = [
            t("overall_error_a", "T1", "10", "%"),
            t("volume_t1", "T1", "110", "µL"),
            t("mean_flow_t1", "T1", "110", "µL/h"),
            t("overall_error_b", "T2", "10", "%"),
            t("volume_t2", "T2", "110", "µL"),
            t("mean_flow_t2", "T2", "110", "µL/h"),
            hour("hour_mean_error", "3"),
            hour("hour_sd_error", "9.899495"),
            hour("hour_min_error", "-4"),
            hour("hour_max_error", "10"),
            hour("hours_within", "100").replace("whole hours one after another", "share of the hours within ±15 %"),
        ];
        assert_eq!(rows, expected.map(|row| format!("3,,,,basal,flow.tip,{row},false\r\n")).concat());
    }

    #[test]
    fn what_is_not_there_has_no_value() {
        let series = VolumeSeries::from_cumulative(RigTime::ZERO, Span::seconds(30), vec![0.0, 1.0]).unwrap();
        let custom = rig_metrology::CustomMethod { sample: Span::seconds(30), windows: vec![Span::seconds(30)], excluded: Span::ZERO };
        let plan = CurvePlan::new(Method::Custom(custom), Flow(120.0));
        let figures = figures_of_curves(&plan, &curves(&series, &plan).unwrap());
        let missing: Vec<_> = figures.iter().filter(|f| f.value.is_none()).map(|f| (&*f.name, f.note.as_str())).collect();
        let no_t1 = "nothing was left out, so there is no T1";
        let no_hour = "no whole hour";
        assert_eq!(figures.iter().find(|f| f.name == "volume_t2").map(|f| f.note.as_str()), Some("T2, the first 30 s of the record"));
        assert_eq!(
            missing,
            [
                ("overall_error_a", no_t1),
                ("volume_t1", no_t1),
                ("mean_flow_t1", no_t1),
                ("hour_mean_error", no_hour),
                ("hour_sd_error", no_hour),
                ("hour_min_error", no_hour),
                ("hour_max_error", no_hour),
                ("hours_within", "share of the hours within ±15 %"),
            ]
        );
    }
}
