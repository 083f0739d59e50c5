//! Who signs as what.

use std::fmt;

use serde::{Deserialize, Serialize};

/// In what capacity a signature is made. Each is a namespace of SSHSIG, so that the file of allowed signers says who may sign as what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// The bench itself, at the end of a run: no person.
    Bench,
    /// Ran it.
    Operator,
    /// Went through the record, and is somebody else.
    Reviewer,
    /// Gives leave: to a plan before the run, to the result after it.
    Approver,
}

impl Role {
    pub const ALL: [Self; 4] = [Self::Bench, Self::Operator, Self::Reviewer, Self::Approver];
    pub const PEOPLE: [Self; 3] = [Self::Operator, Self::Reviewer, Self::Approver];

    pub fn name(self) -> &'static str {
        match self {
            Self::Bench => "bench",
            Self::Operator => "operator",
            Self::Reviewer => "reviewer",
            Self::Approver => "approver",
        }
    }

    /// As `ssh-keygen -Y verify -n` takes it.
    pub fn namespace(self) -> &'static str {
        match self {
            Self::Bench => "rig-bench",
            Self::Operator => "rig-operator",
            Self::Reviewer => "rig-reviewer",
            Self::Approver => "rig-approver",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
