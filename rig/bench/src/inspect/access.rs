//! Who may open a device, and the command after which this user may.

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use nix::unistd::{Gid, Group, Uid, User, getegid, getgroups};

/// For reading and writing by the group of a file.
const GROUP_MAY: u32 = 0o060;

/// A device file's group, and what it may.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Device {
    path: String,
    group: String,
    mode: u32,
}

/// The user of this process.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Caller {
    name: String,
    /// Whether the process has the device's group.
    in_group: bool,
    /// Whether the group's list has the user: then a new login has it too.
    listed: bool,
}

/// What lets this user open the file that it may not open now.
pub(super) fn remedy(path: &Path) -> String {
    let plain = || format!("`ls -l {}` shows whose it is", path.display());
    let Ok(metadata) = std::fs::metadata(path) else { return plain() };
    let gid = Gid::from_raw(metadata.gid());
    let group = Group::from_gid(gid).ok().flatten();
    let Some(user) = User::from_uid(Uid::effective()).ok().flatten() else { return plain() };
    let in_group = getegid() == gid || getgroups().is_ok_and(|groups| groups.contains(&gid));
    let listed = user.gid == gid || group.as_ref().is_some_and(|g| g.mem.contains(&user.name));
    let device = Device {
        path: path.display().to_string(),
        group: group.map_or_else(|| gid.to_string(), |g| g.name),
        mode: metadata.permissions().mode(),
    };
    words(&device, &Caller { name: user.name, in_group, listed })
}

fn words(device: &Device, caller: &Caller) -> String {
    let Device { path, group, mode } = device;
    let name = &caller.name;
    if mode & GROUP_MAY != GROUP_MAY {
        return format!(
            "not even its group `{group}` may open it: install the udev rules of the rig's package, or until the next restart `sudo chmod g+rw {path}`"
        );
    }
    if caller.in_group {
        return format!("`{name}` is in its group `{group}` and yet may not: a sandbox of the service forbids it (`DeviceAllow=`)");
    }
    if caller.listed {
        return format!("`{name}` was added to its group `{group}` after this login: log out and in again, or `newgrp {group}`");
    }
    format!("`sudo usermod -aG {group} {name}`, then log out and in again")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reason_has_its_command() {
        let device = |mode| Device { path: "/dev/i2c-1".to_owned(), group: "rig".to_owned(), mode };
        let caller = |in_group, listed| Caller { name: "ann".to_owned(), in_group, listed };
        for (mode, in_group, listed, expected) in [
            (0o660, false, false, "`sudo usermod -aG rig ann`, then log out and in again"),
            (0o660, false, true, "after this login: log out and in again"),
            (0o660, true, true, "a sandbox"),
            (0o600, false, false, "sudo chmod g+rw /dev/i2c-1"),
            (0o640, true, true, "not even its group `rig`"),
        ] {
            let said = words(&device(mode), &caller(in_group, listed));
            assert!(said.contains(expected), "{mode:o} {in_group} {listed}: {said}");
        }
    }

    #[test]
    fn a_file_that_is_not_there_has_a_plain_answer() {
        assert_eq!(remedy(Path::new("/nonexistent")), "`ls -l /nonexistent` shows whose it is");
    }
}
