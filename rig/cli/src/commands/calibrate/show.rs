//! What `rig calibrate` says on the terminal.

use std::path::Path;

use rig_metrology::CHANCE_LIMIT;
use rig_model::quantity::{Figures, Flow};
use rig_report::printable;

use crate::certificate::{Certificate, Condition, LeftOut, Point, Status};
use crate::commands::calibrate::As;
use crate::say;

pub fn json(certificate: &Certificate) {
    say::out(serde_json::json!(certificate));
}

pub fn text(certificate: &Certificate, which: As, path: &Path) {
    let condition = match which {
        As::Found => &certificate.as_found,
        As::Left => &certificate.as_left,
    };
    let Some(condition) = condition else { return };
    let sensor = certificate.sensor.as_ref().map_or_else(String::new, |s| format!(", sensor {s}"));
    say::out(printable(&format!(
        "{} {}{sensor}, by {} with {}",
        certificate.channel,
        which.words(),
        certificate.reference,
        certificate.liquid
    )));
    condition.point.iter().for_each(of_point);
    if let Some(percent) = condition.k_linearity_percent {
        let k = Figures(condition.k_factor);
        say::out(format_args!("all points: {k} pulses/µL, from which one strays by {} %", Figures(percent)));
    }
    condition.left_out.iter().for_each(|l| say::out(printable(&format!("left out: {}", left_out(l)))));
    if certificate.simulated {
        say::out("simulated: no real bench may refer to it");
    }
    say::out(format_args!("draft: {}", path.display()));
    if certificate.as_left.is_none() {
        say::out("next: what is to be done to the sensor, if anything, and `--as left` with this file, whether or not anything was");
    } else {
        say::out(format_args!("next: `rig calibrate approve {} --by \"…\"`, then in the bench file:", path.display()));
        lines_to_paste(certificate, path);
    }
}

fn of_point(point: &Point) {
    let Point { flow, flow_from, flow_to, k_factor, uncertainty_percent, n, .. } = *point;
    say::out(format_args!(
        "  at {} ({} … {}): {} pulses/µL ± {} %, {n} deliveries",
        Flow(flow),
        Flow(flow_from),
        Flow(flow_to),
        Figures(k_factor),
        Figures(uncertainty_percent)
    ));
    let (is, should) = (Figures(point.scatter_percent), Figures(point.expected_scatter_percent));
    if point.scatter_chance < CHANCE_LIMIT {
        say::out(format_args!(
            "    they scatter by {is} %, and their own budgets explain {should} %: something errs in each that nobody has stated"
        ));
    } else {
        say::out(format_args!("    they scatter by {is} %; their own budgets let expect {should} %"));
    }
    let Some(deviation) = point.deviation_percent else { return };
    let stated = point.stated_uncertainty_percent.map_or_else(|| "no uncertainty".to_owned(), |u| format!("± {} %", Figures(u)));
    let within = point.stated_uncertainty_percent.is_some_and(|u| deviation.abs() <= u);
    let words = if within { "within what was stated" } else { "OUT OF TOLERANCE" };
    let k = Figures(point.stated_k_factor.unwrap_or(f64::NAN));
    say::out(format_args!("    the bench has gone by {k} pulses/µL, {stated}: {deviation:+} % off, {words}"));
}

pub fn out_of_tolerance() {
    say::err(
        "OUT OF TOLERANCE: the sensor was not as good as the bench file says. Volumes that this bench has told since its last calibration were \
         wrong by the deviations above: look at every run that rests on them",
    );
}

pub fn left_out(left_out: &LeftOut) -> String {
    let case = if left_out.case.is_empty() { String::new() } else { format!(" [{}]", left_out.case) };
    format!("window `{}` in {}{case}, run {}: {}", left_out.window, left_out.scenario, left_out.run, left_out.why)
}

/// The keys of the flow channel that follow from the certificate.
pub fn lines_to_paste(certificate: &Certificate, path: &Path) {
    let Some(left) = &certificate.as_left else { return };
    say::text(&lines(certificate, left, path));
}

fn lines(certificate: &Certificate, left: &Condition, path: &Path) -> String {
    let mut lines = format!("\n    k_factor = \"{} pulses/µL\"\n    k_uncertainty = \"{} %\"\n", left.k_factor, left.k_uncertainty_percent);
    if let Some(percent) = left.k_linearity_percent {
        lines.push_str(&format!("    k_linearity = \"{percent} %\"\n"));
    }
    let range = left.range().map(|(from, to)| format!(", range = \"{from} µL/h to {to} µL/h\"")).unwrap_or_default();
    let instrument = certificate.sensor.as_ref().map(|serial| format!(", instrument = \"{serial}\"")).unwrap_or_default();
    let due = certificate.due.as_deref().unwrap_or("YYYY-MM-DD");
    lines.push_str(&format!(
        "    certificate = {{ id = \"{}\", date = \"{}\", due = \"{due}\"{range}{instrument}, file = \"{}\", reference = \"{}\", reference_uncertainty = \"{} %\" }}\n\n",
        certificate.id,
        left.day(),
        path.display(),
        certificate.reference,
        left.reference_uncertainty_percent
    ));
    if left.point.len() > 1 {
        lines.push_str("or, in place of `k_factor` and `k_linearity`, for a sensor that measures between these flows only:\n\n");
        let point = |p: &Point| format!("{{ flow = \"{} µL/h\", k_factor = \"{} pulses/µL\" }}", p.flow, p.k_factor);
        lines.push_str(&format!("    k_curve = [{}]\n", left.point.iter().map(point).collect::<Vec<_>>().join(", ")));
        if let Some(percent) = left.curve_residual_percent {
            lines.push_str(&format!("    k_linearity = \"{percent} %\"\n"));
        }
        lines.push('\n');
    } else {
        lines.push_str(&format!(
            "It was found at {}, and says nothing of other flows: at those k_linearity is for you to state.\n",
            Flow(left.point.first().map_or(f64::NAN, |p| p.flow))
        ));
    }
    lines.push_str("`file` is a path from the bench file's folder.\n");
    if certificate.status == Status::Draft {
        lines.push_str("A bench that refers to a draft does not run.\n");
    }
    lines
}
