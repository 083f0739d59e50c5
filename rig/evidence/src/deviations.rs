//! Deviations: signed notes to rows, the last word about each, and those of them that nobody has closed.

use serde::Serialize;

use crate::chain::Chain;
use crate::role::Role;
use crate::statement::{Disposition, Signed, Statement};

/// A note to a row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Deviation {
    /// Number of the row in `results.csv`.
    pub row: u64,
    /// Number of the problem report.
    pub id: String,
    pub disposition: Disposition,
    /// What the signer says about it.
    pub note: String,
    /// Principal, name and role of the signer.
    pub signer: String,
    pub name: String,
    pub role: Role,
    pub utc: String,
    /// The statement's name in the run's folder.
    pub file: String,
}

/// All of them, in the order in which they were signed.
pub fn deviations(chain: &Chain) -> Vec<Deviation> {
    chain.statements.iter().filter_map(|s| deviation(&s.statement)).collect()
}

/// The last word about each row and id, in the order in which they were signed.
pub fn last_words(all: &[Deviation]) -> Vec<&Deviation> {
    let same = |a: &Deviation, b: &Deviation| (a.row, &a.id) == (b.row, &b.id);
    let last = |at: usize| !all[at + 1..].iter().any(|later| same(later, &all[at]));
    (0..all.len()).filter(|&at| last(at)).map(|at| &all[at]).collect()
}

/// Those that stand open: the last word about their row and id leaves them so.
pub fn open_deviations(all: &[Deviation]) -> Vec<&Deviation> {
    last_words(all).into_iter().filter(|d| d.disposition == Disposition::Open).collect()
}

fn deviation(statement: &Statement) -> Option<Deviation> {
    let Signed::Deviation { row, id, disposition } = &statement.what else { return None };
    Some(Deviation {
        row: *row,
        id: id.clone(),
        disposition: *disposition,
        note: statement.meaning.clone(),
        signer: statement.signer.clone(),
        name: statement.name.clone(),
        role: statement.role,
        utc: statement.utc.clone(),
        file: statement.file(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_word_about_a_row_and_id_counts() {
        let deviation = |row, id: &str, disposition| Deviation {
            row,
            id: id.to_owned(),
            disposition,
            note: String::new(),
            signer: String::new(),
            name: String::new(),
            role: Role::Operator,
            utc: String::new(),
            file: String::new(),
        };
        use Disposition::{AcceptAsIs, Open};
        let check = |all: &[(u64, &str, Disposition)]| {
            let all: Vec<Deviation> = all.iter().map(|(row, id, d)| deviation(*row, id, *d)).collect();
            open_deviations(&all).iter().map(|d| (d.row, d.id.clone())).collect::<Vec<_>>()
        };
        assert_eq!(check(&[(3, "PR-1", Open), (3, "PR-1", AcceptAsIs)]), []);
        assert_eq!(check(&[(3, "PR-1", AcceptAsIs), (3, "PR-1", Open)]), [(3, "PR-1".to_owned())]);
        assert_eq!(check(&[(3, "PR-1", Open), (3, "PR-1", Open)]).len(), 1);
        assert_eq!(check(&[(3, "PR-1", Open), (4, "PR-1", AcceptAsIs), (3, "PR-2", AcceptAsIs)]).len(), 1, "another row, another report");
        let words = [(3, "PR-1", Open), (3, "PR-2", Open), (3, "PR-1", Disposition::Retest)];
        let all: Vec<Deviation> = words.iter().map(|(row, id, d)| deviation(*row, id, *d)).collect();
        let last: Vec<_> = last_words(&all).into_iter().map(|d| (&*d.id, d.disposition)).collect();
        assert_eq!(last, [("PR-2", Open), ("PR-1", Disposition::Retest)]);
        // Closed although nobody had opened it.
        assert_eq!(check(&[(3, "PR-1", AcceptAsIs)]), []);
    }
}
