//! Nobody reviews what they ran: of the people who signed a run, no reviewer may be an operator.

use std::fmt;

use crate::chain::Chain;
use crate::role::Role;

/// Somebody who signed a run, or is about to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    pub role: Role,
    /// The principal.
    pub signer: String,
    /// As they call themselves.
    pub name: String,
    /// Of the key that signed; `None` where the signature is none.
    pub fingerprint: Option<String>,
}

/// A reviewer who is an operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// The reviewer's principal.
    pub reviewer: String,
    /// The operator's principal, or the name that the record's header gives.
    pub operator: String,
    pub same: Same,
}

/// By what they are the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Same {
    Principal,
    Key,
    /// The reviewer's principal or name is the operator of the record's header.
    Header,
}

impl Chain {
    /// All who signed, benches aside.
    pub fn people(&self) -> Vec<Person> {
        let people = self.statements.iter().filter(|s| s.statement.role != Role::Bench);
        let person = |s: &crate::chain::SignedStatement| Person {
            role: s.statement.role,
            signer: s.statement.signer.clone(),
            name: s.statement.name.clone(),
            fingerprint: s.fingerprint(),
        };
        people.map(person).collect()
    }
}

/// Every reviewer who is also an operator: by principal, by key, or by name as the operator whom the record's header names. Small and capital letters are
/// the same, and so are one blank and several.
pub fn conflicts(people: &[Person], operator: Option<&str>) -> Vec<Conflict> {
    let in_role = |role| people.iter().filter(move |person| person.role == role);
    let mut found = Vec::new();
    for reviewer in in_role(Role::Reviewer) {
        for other in in_role(Role::Operator) {
            let same = if alike(&reviewer.signer, &other.signer) {
                Same::Principal
            } else if reviewer.fingerprint.is_some() && reviewer.fingerprint == other.fingerprint {
                Same::Key
            } else {
                continue;
            };
            found.push(Conflict { reviewer: reviewer.signer.clone(), operator: other.signer.clone(), same });
        }
        if let Some(operator) = operator.filter(|o| alike(o, &reviewer.signer) || alike(o, &reviewer.name)) {
            found.push(Conflict { reviewer: reviewer.signer.clone(), operator: operator.to_owned(), same: Same::Header });
        }
    }
    found.dedup();
    found
}

fn alike(a: &str, b: &str) -> bool {
    let plain = |name: &str| name.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
    plain(a) == plain(b)
}

impl fmt::Display for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { reviewer, operator, same } = self;
        match same {
            Same::Principal => write!(f, "`{reviewer}` is operator and reviewer of the same run; a reviewer must be somebody else"),
            Same::Key => {
                write!(f, "reviewer `{reviewer}` and operator `{operator}` signed with the same key; a reviewer must be somebody else")
            }
            Same::Header => {
                write!(f, "reviewer `{reviewer}` is the operator `{operator}` whom the record names; a reviewer must be somebody else")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(role: Role, signer: &str, key: &str) -> Person {
        Person { role, signer: signer.to_owned(), name: format!("{signer} Muster"), fingerprint: Some(key.to_owned()) }
    }

    #[test]
    fn a_reviewer_is_somebody_else() {
        let check = |people: &[Person], operator: Option<&str>| conflicts(people, operator).iter().map(|c| c.same).collect::<Vec<_>>();
        let operator = person(Role::Operator, "anna", "1");
        assert_eq!(check(&[operator.clone(), person(Role::Reviewer, "bert", "2")], Some("anna")), []);
        assert_eq!(check(&[operator.clone(), person(Role::Reviewer, "anna", "2")], None), [Same::Principal]);
        assert_eq!(check(&[operator.clone(), person(Role::Reviewer, "ANNA", "2")], None), [Same::Principal]);
        assert_eq!(check(&[operator.clone(), person(Role::Reviewer, "bert", "1")], None), [Same::Key]);
        // In whatever order they signed.
        assert_eq!(check(&[person(Role::Reviewer, "bert", "1"), operator.clone()], None), [Same::Key]);
        assert_eq!(check(&[person(Role::Reviewer, "bert", "2")], Some(" Bert ")), [Same::Header]);
        assert_eq!(check(&[person(Role::Reviewer, "bert", "2")], Some("bert muster")), [Same::Header]);
        assert_eq!(check(&[person(Role::Reviewer, "bert", "2")], Some("Bert \t Muster")), [Same::Header], "blanks are no other name");
        // An approver may have run it.
        assert_eq!(check(&[operator, person(Role::Approver, "anna", "1")], Some("anna")), []);
        // Without a signature nobody is taken for anybody.
        let none = |role| Person { fingerprint: None, ..person(role, role.name(), "") };
        assert_eq!(check(&[none(Role::Operator), none(Role::Reviewer)], None), []);
    }
}
