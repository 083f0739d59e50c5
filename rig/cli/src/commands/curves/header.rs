//! Which column is which, and in which unit: as told, or guessed and said.

use anyhow::{Result, anyhow, bail};

use super::units::{Kind, Unit, density};

/// The flags about columns.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Columns {
    /// The column of times, by its header; guessed without
    #[arg(long, value_name = "COLUMN")]
    pub time: Option<String>,
    /// The column of the volume delivered so far
    #[arg(long, value_name = "COLUMN", conflicts_with = "mass")]
    pub volume: Option<String>,
    /// The column of the mass delivered so far; needs --density
    #[arg(long, value_name = "COLUMN")]
    pub mass: Option<String>,
    /// Density of the liquid, which makes volume of mass: "0.998 g/mL"
    #[arg(long, value_name = "DENSITY")]
    pub density: Option<String>,
    /// Unit of the times, where the header does not state it: s, min, h …
    #[arg(long, value_name = "UNIT")]
    pub time_unit: Option<String>,
    /// Unit of the volumes or masses, where the header does not state it: µL, mL, mg, g …
    #[arg(long, value_name = "UNIT")]
    pub unit: Option<String>,
    /// Only the rows with this value in this column, where several records share a file: channel=flow.tip
    #[arg(long, value_name = "COLUMN=VALUE")]
    pub only: Option<String>,
}

/// What was made of a header.
#[derive(Debug, Clone, PartialEq)]
pub struct Layout {
    pub time: Column,
    pub amount: Column,
    /// mg/µL, for masses.
    pub density: Option<f64>,
    /// Column and value of the rows that belong to the record; without, all do.
    pub only: Option<(usize, String)>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    /// As the header has it.
    pub name: String,
    pub index: usize,
    pub unit: Unit,
    pub found: Found,
    pub unit_by: UnitBy,
}

/// How a column was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    Told,
    Guessed,
}

/// Who says its unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnitBy {
    Header,
    Flag,
}

const TIMES: &[&str] = &["time", "t", "elapsed", "elapsed time", "time elapsed"];
const VOLUMES: &[&str] = &["volume", "vol", "v", "cumulative volume", "total volume", "delivered", "delivered volume", "volume delivered"];
const MASSES: &[&str] = &["mass", "weight", "m", "w", "balance", "cumulative mass", "net weight"];

impl Columns {
    /// Finds the columns in a header row.
    pub fn find(&self, header: &[String]) -> Result<Layout> {
        let time = self.column(header, Kind::Time, self.time.as_deref(), TIMES)?;
        let amount = match (&self.volume, &self.mass) {
            (Some(told), _) => self.column(header, Kind::Volume, Some(told), VOLUMES)?,
            (None, Some(told)) => self.column(header, Kind::Mass, Some(told), MASSES)?,
            (None, None) => self.guessed_amount(header)?,
        };
        if time.index == amount.index {
            bail!("the column `{}` can't be both the time and what was delivered", time.name);
        }
        let density = self.density.as_deref().map(density).transpose().map_err(|why| anyhow!("--density: {why}"))?;
        if amount.unit.kind == Kind::Mass && density.is_none() {
            bail!(
                "the column `{}` is a mass; --density makes volume of it, such as --density \"0.998 g/mL\" for water at 20 °C",
                amount.name
            );
        }
        if amount.unit.kind == Kind::Volume && density.is_some() {
            bail!("--density goes with a mass, and the column `{}` is a volume", amount.name);
        }
        let only = self.only.as_deref().map(|told| only(told, header)).transpose()?;
        Ok(Layout { time, amount, density, only })
    }

    fn guessed_amount(&self, header: &[String]) -> Result<Column> {
        let is = |names: &[&str], kind| header.iter().any(|cell| guess(cell, names, kind));
        match (is(VOLUMES, Kind::Volume), is(MASSES, Kind::Mass)) {
            (true, true) => {
                bail!("there are columns of volume and of mass; choose with --volume COLUMN or --mass COLUMN: {}", listed(header))
            }
            (false, true) => self.column(header, Kind::Mass, None, MASSES),
            _ => self.column(header, Kind::Volume, None, VOLUMES),
        }
    }

    fn column(&self, header: &[String], kind: Kind, told: Option<&str>, names: &[&str]) -> Result<Column> {
        let flag = format!("--{kind}");
        let fits = |cell: &String| match told {
            Some(told) => cell == told || split(cell).0 == plain(told),
            None => guess(cell, names, kind),
        };
        let mut found: Vec<usize> = (0..header.len()).filter(|i| fits(&header[*i])).collect();
        // The header as it stands wins over what it is without its unit.
        if let Some(exact) = told.and_then(|told| header.iter().position(|cell| cell == told)) {
            found = vec![exact];
        }
        let index = match (found.as_slice(), told) {
            ([one], _) => *one,
            ([], Some(told)) => bail!("{flag}: there is no column `{told}`; there are {}", listed(header)),
            ([], None) if kind == Kind::Volume => {
                bail!(
                    "no column is known by its name for volume or mass; name it with --volume COLUMN or --mass COLUMN: {}",
                    listed(header)
                )
            }
            ([], None) => bail!("no column is known by its name for {kind}; name it with {flag} COLUMN: {}", listed(header)),
            _ => {
                let several: Vec<String> = found.iter().map(|i| header[*i].clone()).collect();
                bail!("several columns may be the {kind}; choose one with {flag} COLUMN: {}", listed(&several))
            }
        };
        let (unit, unit_by) = self.unit(&header[index], kind)?;
        let how = if told.is_some() { Found::Told } else { Found::Guessed };
        Ok(Column { name: header[index].clone(), index, unit, found: how, unit_by })
    }

    /// The unit that the header states, or a flag; it must be of the right kind, and both the same if both are there.
    fn unit(&self, cell: &str, kind: Kind) -> Result<(Unit, UnitBy)> {
        let (flag, told) = match kind {
            Kind::Time => ("--time-unit", &self.time_unit),
            Kind::Volume | Kind::Mass => ("--unit", &self.unit),
        };
        let wrong = |what: String| anyhow!("{what}, which is no unit of {kind}; those are {}", Unit::symbols(&[kind]));
        let told = match told {
            Some(text) => Some(Unit::read(text).filter(|unit| unit.kind == kind).ok_or_else(|| wrong(format!("{flag} says `{text}`")))?),
            None => None,
        };
        let (_, stated) = split(cell);
        let stated = match stated {
            Stated::Nothing => None,
            Stated::Unknown(text) if told.is_none() => {
                bail!("the unit `{text}` of column `{cell}` is not known; state one with {flag}: {}", Unit::symbols(&[kind]))
            }
            Stated::Unknown(_) => None,
            Stated::Unit(unit) if unit.kind != kind => return Err(wrong(format!("the column `{cell}` is in {}", unit.symbol))),
            Stated::Unit(unit) => Some(unit),
        };
        match (stated, told) {
            (Some(stated), Some(told)) if stated != told => {
                bail!("the column `{cell}` is in {}, {flag} says {}; leave out the one that is wrong", stated.symbol, told.symbol)
            }
            (Some(unit), _) => Ok((unit, UnitBy::Header)),
            (None, Some(unit)) => Ok((unit, UnitBy::Flag)),
            (None, None) => bail!(
                "the column `{cell}` states no unit; write it into the header, as in `{cell}_{first}` or `{cell} [{first}]`, or say {flag} {first}; \
                 units of {kind} are {}",
                Unit::symbols(&[kind]),
                first = first_unit(kind),
            ),
        }
    }
}

fn only(told: &str, header: &[String]) -> Result<(usize, String)> {
    let (column, value) = told.split_once('=').ok_or_else(|| anyhow!("--only: `{told}` is not COLUMN=VALUE"))?;
    let index = header.iter().position(|cell| cell == column);
    let index = index.ok_or_else(|| anyhow!("--only: there is no column `{column}`; there are {}", listed(header)))?;
    Ok((index, value.to_owned()))
}

fn first_unit(kind: Kind) -> &'static str {
    match kind {
        Kind::Time => "s",
        Kind::Volume => "µL",
        Kind::Mass => "mg",
    }
}

fn listed(header: &[String]) -> String {
    header.iter().map(|cell| format!("`{cell}`")).collect::<Vec<_>>().join(", ")
}

/// Known by its name, and not in a unit of something else.
fn guess(cell: &str, names: &[&str], kind: Kind) -> bool {
    let (name, stated) = split(cell);
    names.contains(&name.as_str()) && !matches!(stated, Stated::Unit(unit) if unit.kind != kind)
}

#[derive(Debug, Clone, PartialEq)]
enum Stated {
    Nothing,
    Unit(Unit),
    /// In brackets, but no unit that is known.
    Unknown(String),
}

/// Name and unit of a header cell: `time_s`, `mass [mg]`, `volume (mL)`, `t / min`, `volume in µL`.
fn split(cell: &str) -> (String, Stated) {
    let cell = cell.trim();
    for (open, close) in [('[', ']'), ('(', ')')] {
        if let Some((name, unit)) = cell.strip_suffix(close).and_then(|rest| rest.rsplit_once(open)) {
            return (plain(name), Unit::read(unit).map_or_else(|| Stated::Unknown(unit.to_owned()), Stated::Unit));
        }
    }
    if let Some((name, unit)) = cell.rsplit_once(['_', ' ', '/', ','])
        && let Some(unit) = Unit::read(unit)
    {
        let name = plain(name.trim_end_matches(['/', ' ', ',']));
        return (name.strip_suffix(" in").map(str::to_owned).unwrap_or(name), Stated::Unit(unit));
    }
    (plain(cell), Stated::Nothing)
}

/// Small letters, words parted by single spaces.
fn plain(name: &str) -> String {
    name.to_lowercase().split(['_', ' ', '-']).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_state_names_and_units() {
        for (cell, name, unit) in [
            ("time_s", "time", Some("s")),
            ("mass [mg]", "mass", Some("mg")),
            ("volume (mL)", "volume", Some("mL")),
            ("t/min", "t", Some("min")),
            ("Time / h", "time", Some("h")),
            ("Cumulative volume in µL", "cumulative volume", Some("µL")),
            ("volume_ul", "volume", Some("µL")),
            ("Elapsed-Time, s", "elapsed time", Some("s")),
            ("weight", "weight", None),
            ("s", "s", None),
            ("total volume", "total volume", None),
        ] {
            let (got, stated) = split(cell);
            let symbol = match stated {
                Stated::Unit(unit) => Some(unit.symbol),
                _ => None,
            };
            assert_eq!((got.as_str(), symbol), (name, unit), "{cell}");
        }
        assert_eq!(split("volume [drops]").1, Stated::Unknown("drops".to_owned()));
    }

    fn found(columns: &Columns, header: &str) -> Result<Layout> {
        columns.find(&header.split('|').map(str::to_owned).collect::<Vec<_>>())
    }

    fn columns(flags: &[(&str, &str)]) -> Columns {
        let of = |flag| flags.iter().find(|(f, _)| *f == flag).map(|(_, value)| (*value).to_owned());
        Columns {
            time: of("time"),
            volume: of("volume"),
            mass: of("mass"),
            density: of("density"),
            time_unit: of("time-unit"),
            unit: of("unit"),
            only: of("only"),
        }
    }

    #[test]
    fn columns_are_found_or_guessed() {
        let layout = found(&columns(&[]), "no|Time [min]|flow_ul_h|volume_ml").unwrap();
        assert_eq!((layout.time.index, layout.amount.index), (1, 3));
        assert_eq!((layout.time.unit.symbol, layout.amount.unit.symbol, layout.density), ("min", "mL", None));
        assert_eq!((layout.time.found, layout.time.unit_by), (Found::Guessed, UnitBy::Header));
        let told = columns(&[("time", "clock"), ("mass", "Pan 2"), ("density", "0.998 g/mL"), ("time-unit", "h"), ("unit", "g")]);
        let layout = found(&told, "time_s|clock|Pan 1|Pan 2").unwrap();
        assert_eq!((layout.time.index, layout.amount.index, layout.density), (1, 3, Some(0.998)));
        assert_eq!((layout.amount.found, layout.amount.unit_by), (Found::Told, UnitBy::Flag));
        // By its name without the unit, and by the whole header where both are there.
        assert_eq!(found(&columns(&[("volume", "v2")]), "t_s|v1_ul|v2_ul").unwrap().amount.index, 2);
        assert_eq!(found(&columns(&[("volume", "a_ul")]), "t_s|a [ul]|a_ul").unwrap().amount.index, 2);
        // A unit of something else makes it no candidate: `v` in s.
        assert_eq!(found(&columns(&[]), "t_s|v_s|volume_ul").unwrap().amount.index, 2);
    }

    #[test]
    fn what_is_not_clear_is_an_error_that_says_how() {
        for (flags, header, words) in [
            (
                &[][..],
                "time|volume_ul",
                "the column `time` states no unit; write it into the header, as in `time_s` or `time [s]`, or say --time-unit s",
            ),
            (&[], "time_s|volume", "the column `volume` states no unit"),
            (&[], "time_s|volume [drops]", "the unit `drops` of column `volume [drops]` is not known; state one with --unit"),
            (&[], "when|volume_ul", "no column is known by its name for time; name it with --time COLUMN: `when`, `volume_ul`"),
            (&[], "time_s|pan", "no column is known by its name for volume or mass; name it with --volume COLUMN or --mass COLUMN"),
            (&[], "time_s|t_s|volume_ul", "several columns may be the time; choose one with --time COLUMN: `time_s`, `t_s`"),
            (&[], "time_s|volume_ul|mass_mg", "there are columns of volume and of mass; choose"),
            (&[], "time_s|mass_mg", "the column `mass_mg` is a mass; --density makes volume of it"),
            (&[("density", "1 g/mL")], "time_s|volume_ul", "--density goes with a mass"),
            (&[("density", "998 g/mL")], "time_s|mass_mg", "--density: no liquid has a density of `998 g/mL`"),
            (&[("unit", "mg")], "time_s|volume_ul", "--unit says `mg`, which is no unit of volume; those are nL, µL, mL, L"),
            (&[("unit", "mL")], "time_s|volume_ul", "the column `volume_ul` is in µL, --unit says mL; leave out the one that is wrong"),
            (&[("volume", "pan_mg")], "time_s|pan_mg", "the column `pan_mg` is in mg, which is no unit of volume"),
            (&[("time", "pan")], "time_s|pan_mg", "the column `pan_mg` is in mg, which is no unit of time"),
            (&[("volume", "pan")], "time_s|volume_ul", "--volume: there is no column `pan`; there are `time_s`, `volume_ul`"),
            (&[("only", "channel")], "time_s|volume_ul", "--only: `channel` is not COLUMN=VALUE"),
            (&[("only", "channel=a")], "time_s|volume_ul", "--only: there is no column `channel`; there are `time_s`, `volume_ul`"),
            (&[("time", "x"), ("time-unit", "s"), ("volume", "x"), ("unit", "mL")], "x|y", "the column `x` can't be both"),
        ] {
            let error = found(&columns(flags), header).expect_err(header).to_string();
            assert!(error.starts_with(words), "{header}: {error}");
        }
    }
}
