//! The computer: what it is, its kernel, its clocks, and whether its supply holds.

use std::process::Command;

use rig_model::bench::{Bench, BenchKind};
use rppal::system::DeviceInfo;

use super::{Finding, Ground, State};

/// Kernels from here on number the edges of each line (uAPI v2 of the GPIO character device).
const KERNEL: (u32, u32) = (5, 10);
/// Vendors and products of virtual machines, as their firmware names them.
const VIRTUAL: [&str; 8] = ["QEMU", "KVM", "VirtualBox", "VMware", "Xen", "Bochs", "Virtual Machine", "Firecracker"];
/// The device tree of QEMU's machine without a model in hardware.
const VIRTUAL_TREE: &str = "linux,dummy-virt";
/// There once systemd-timesyncd has set the clock since the machine started.
const SYNCHRONISED: &str = "/run/systemd/timesync/synchronized";
pub(super) const CLOCKSOURCE: &str = "/sys/devices/system/clocksource/clocksource0/current_clocksource";
/// Of the firmware of Raspberry Pis.
const THROTTLED: &str = "/sys/devices/platform/soc/soc:firmware/get_throttled";

/// Where kernels of Raspberry Pi say that they go on driving an output whose owner has let it go.
const KEPT: [&str; 2] =
    ["/sys/module/pinctrl_bcm2835/parameters/persist_gpio_outputs", "/sys/module/pinctrl_rp1/parameters/persist_gpio_outputs"];

pub(super) fn look(bench: &Bench, ground: &Ground) -> Vec<Finding> {
    let what = identity(ground).or_else(|| ground.text("/sys/class/dmi/id/product_name"));
    let machine = Finding::good("machine", what.unwrap_or_else(|| "one that does not say what it is".to_owned()));
    let mut found = vec![machine.simulated(virtual_machine(ground)), clock(ground)];
    if bench.kind == BenchKind::Pi {
        found.push(kernel(ground));
        found.push(clocksource(ground));
        found.extend(supply(ground));
        found.extend(let_go(ground));
    }
    found
}

/// Model, SoC, revision and serial number of a Raspberry Pi; nothing elsewhere.
pub(super) fn identity(ground: &Ground) -> Option<String> {
    let model = ground.text("/proc/device-tree/model").filter(|model| model.starts_with("Raspberry Pi"))?;
    let soc = DeviceInfo::new().map(|info| info.soc().to_string()).ok();
    let revision = std::fs::read(ground.path("/proc/device-tree/system/linux,revision")).ok();
    let revision = revision.and_then(|bytes| Some(format!("revision {:x}", u32::from_be_bytes(bytes.try_into().ok()?))));
    let serial = ground.text("/proc/device-tree/serial-number").map(|serial| format!("serial number {serial}"));
    Some([Some(model), soc, revision, serial].into_iter().flatten().collect::<Vec<_>>().join(", "))
}

/// Why this is no computer of its own, if it is none.
pub(super) fn virtual_machine(ground: &Ground) -> Option<String> {
    let cpu = ground.text("/proc/cpuinfo").unwrap_or_default();
    if cpu.contains("User Mode Linux") {
        return Some("the kernel is User-Mode Linux, a process on another machine".to_owned());
    }
    if ground.text("/proc/device-tree/compatible").is_some_and(|tree| tree.contains(VIRTUAL_TREE)) {
        return Some(format!("the machine is virtual (device tree {VIRTUAL_TREE})"));
    }
    if let Some(hypervisor) = ground.text("/sys/hypervisor/type") {
        return Some(format!("the machine is virtual (hypervisor {hypervisor})"));
    }
    let firmware =
        ["sys_vendor", "product_name"].map(|file| ground.text(&format!("/sys/class/dmi/id/{file}")).unwrap_or_default()).join(" ");
    if VIRTUAL.iter().any(|name| firmware.contains(name)) {
        return Some(format!("the machine is virtual ({})", firmware.trim()));
    }
    let flagged = cpu.lines().any(|line| line.starts_with("flags") && line.split_whitespace().any(|flag| flag == "hypervisor"));
    flagged.then(|| "the machine is virtual (its processor says that a hypervisor is below it)".to_owned())
}

fn kernel(ground: &Ground) -> Finding {
    let what = "kernel";
    let release = ground.text("/proc/sys/kernel/osrelease").unwrap_or_default();
    let mut numbers = release.split(['.', '-']).map_while(|part| part.parse::<u32>().ok());
    let version = numbers.next().zip(numbers.next());
    if version.is_none_or(|version| version < KERNEL) {
        let words = format!("`{release}` does not number the edges of a line");
        return Finding::bad(what, words, format!("take a kernel from {}.{} on", KERNEL.0, KERNEL.1));
    }
    let build = ground.text("/proc/version").unwrap_or_default();
    let preemption = ["PREEMPT_RT", "PREEMPT_DYNAMIC", "PREEMPT"].into_iter().find(|word| build.contains(word)).unwrap_or("no preemption");
    let configuration = ground.text(&format!("/boot/config-{release}")).unwrap_or_default();
    let hz = configuration.lines().find_map(|line| line.strip_prefix("CONFIG_HZ=")).map(|hz| format!(", {hz} Hz")).unwrap_or_default();
    Finding::good(what, format!("{release}, GPIO uAPI v2, {preemption}{hz}"))
}

fn clocksource(ground: &Ground) -> Finding {
    let what = "clock source";
    match ground.text(CLOCKSOURCE) {
        Some(source) if source == "jiffies" => {
            let words = "jiffies: time stamps are milliseconds apart";
            Finding::warning(what, words, "`dmesg` says why the machine's counter is not used")
        }
        Some(source) => Finding::good(what, source),
        None => Finding::warning(what, "the kernel does not say which", "mount /sys"),
    }
}

/// Asked of systemd, which asks the kernel (`adjtimex`) whoever keeps the clock.
fn clock(ground: &Ground) -> Finding {
    let asked = Command::new("timedatectl").args(["show", "--property=NTPSynchronized", "--value"]).output();
    let answer =
        asked.ok().filter(|output| output.status.success()).map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    synchronised(answer.as_deref(), ground.path(SYNCHRONISED).exists())
}

fn synchronised(answer: Option<&str>, since_start: bool) -> Finding {
    let what = "clock";
    match (answer, since_start) {
        (Some("yes"), _) => Finding::good(what, "synchronised"),
        (None, true) => Finding::good(what, "synchronised since the machine started"),
        (Some(_), _) => {
            let remedy = "`sudo timedatectl set-ntp true`, and a network; start times and due dates rest on it, measured times do not";
            Finding::warning(what, "not synchronised", remedy)
        }
        (None, false) => {
            Finding::warning(what, "whether it is synchronised is not known", "run where `timedatectl` works, or compare the clock by hand")
        }
    }
}

fn supply(ground: &Ground) -> Option<Finding> {
    identity(ground)?;
    let from_firmware = || {
        let output = Command::new("vcgencmd").arg("get_throttled").output().ok().filter(|output| output.status.success())?;
        Some(String::from_utf8_lossy(&output.stdout).trim().trim_start_matches("throttled=").to_owned())
    };
    let text = ground.text(THROTTLED).or_else(from_firmware);
    let bits = text.and_then(|text| u32::from_str_radix(text.trim_start_matches("0x"), 16).ok());
    Some(match bits {
        Some(bits) => throttled(bits),
        None => Finding::warning(
            "supply",
            "the firmware does not say how it is",
            "join the group `video`, whom `vcgencmd get_throttled` answers",
        ),
    })
}

/// Whether an output falls back to its resistor when its owner dies; asked only where the kernel has a say in it.
fn let_go(ground: &Ground) -> Option<Finding> {
    let what = "released outputs";
    let said = KEPT.iter().find_map(|file| ground.text(file))?;
    Some(if said.trim().eq_ignore_ascii_case("n") || said.trim() == "0" {
        Finding::good(what, "fall back to their resistors")
    } else {
        let words = "stay driven after their owner has died, so that a supervisor that is killed leaves them as they are";
        Finding::bad(
            what,
            words,
            "add `dtparam=strict_gpiod` to /boot/firmware/config.txt and restart; the wiring guide has a test with a meter",
        )
    })
}

/// Bits as the firmware's documentation numbers them: now in the lower half, since the start in the upper one.
fn throttled(bits: u32) -> Finding {
    const WORDS: [(u32, &str); 4] =
        [(0, "under-voltage"), (1, "processor clock capped"), (2, "throttled"), (3, "temperature limit reached")];
    let at =
        |shift: u32| WORDS.iter().filter(|(bit, _)| bits >> (bit + shift) & 1 == 1).map(|(_, word)| *word).collect::<Vec<_>>().join(", ");
    let (now, since) = (at(0), at(16));
    let what = "supply";
    let remedy = "take a supply that holds 5.1 V at the Pi's plug, a short cable, and a fan if it is the temperature";
    match (now.as_str(), since.as_str()) {
        ("", "") => Finding::good(what, "no under-voltage, not throttled"),
        ("", since) => Finding::warning(what, format!("since the start: {since}"), remedy),
        (now, _) => {
            let state = if bits & 1 == 1 { State::Bad } else { State::Warning };
            Finding { state, ..Finding::bad(what, format!("now: {now}"), remedy) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inspect::tests::ground;

    #[test]
    fn a_machine_that_is_none_of_its_own_is_found_out() {
        for (files, words) in [
            (&[("/proc/cpuinfo", "vendor_id : User Mode Linux\n")][..], Some("User-Mode Linux")),
            (
                &[("/sys/class/dmi/id/sys_vendor", "QEMU\n"), ("/sys/class/dmi/id/product_name", "Standard PC\n")],
                Some("(QEMU Standard PC)"),
            ),
            (&[("/proc/device-tree/compatible", "linux,dummy-virt\0")], Some("dummy-virt")),
            (&[("/sys/hypervisor/type", "xen\n")], Some("hypervisor xen")),
            (&[("/proc/cpuinfo", "flags\t\t: fpu hypervisor sse\n")], Some("hypervisor is below it")),
            (&[("/proc/cpuinfo", "flags\t\t: fpu sse\n"), ("/sys/class/dmi/id/product_name", "NUC7\n")], None),
            (&[("/proc/device-tree/model", "Raspberry Pi 4 Model B Rev 1.4\0"), ("/proc/device-tree/compatible", "brcm,bcm2711\0")], None),
        ] {
            let (_dir, ground) = ground(files);
            let why = virtual_machine(&ground);
            assert_eq!(why.is_some(), words.is_some(), "{files:?}: {why:?}");
            assert!(why.unwrap_or_default().contains(words.unwrap_or_default()), "{files:?}");
        }
    }

    #[test]
    fn a_raspberry_pi_says_who_it_is_and_nothing_else_does() {
        let serial = ("/proc/device-tree/serial-number", "10000000abcd1234\0");
        let (dir, pi) = ground(&[("/proc/device-tree/model", "Raspberry Pi 4 Model B Rev 1.4\0"), serial]);
        std::fs::create_dir_all(dir.path().join("proc/device-tree/system")).unwrap();
        std::fs::write(dir.path().join("proc/device-tree/system/linux,revision"), 0x00c0_3114_u32.to_be_bytes()).unwrap();
        let said = identity(&pi).unwrap();
        assert!(
            said.starts_with("Raspberry Pi 4 Model B Rev 1.4") && said.ends_with("revision c03114, serial number 10000000abcd1234"),
            "{said}"
        );
        let (_dir, other) = ground(&[("/proc/device-tree/model", "StarFive VisionFive 2\0")]);
        assert_eq!(identity(&other), None);
    }

    #[test]
    fn a_kernel_must_number_edges() {
        for (release, state, words) in [
            ("5.9.16", State::Bad, "does not number"),
            ("nonsense", State::Bad, "`nonsense`"),
            ("5.10.0-8-arm64", State::Good, "GPIO uAPI v2"),
            ("6.12.25+rpt-rpi-v8", State::Good, "PREEMPT, 250 Hz"),
        ] {
            let config = format!("/boot/config-{release}");
            let (_dir, ground) = ground(&[
                ("/proc/sys/kernel/osrelease", release),
                ("/proc/version", "Linux version 6 #1 SMP PREEMPT Debian"),
                (&config, "CONFIG_HZ_250=y\nCONFIG_HZ=250\n"),
            ]);
            let found = kernel(&ground);
            assert_eq!(found.state, state, "{found:?}");
            assert!(found.words.contains(words), "{found:?}");
        }
    }

    #[test]
    fn clocks_that_are_coarse_or_adrift_are_told() {
        for (source, state) in [(Some("arch_sys_counter"), State::Good), (Some("jiffies"), State::Warning), (None, State::Warning)] {
            let (_dir, ground) = ground(&source.map(|s| (CLOCKSOURCE, s)).into_iter().collect::<Vec<_>>());
            assert_eq!(clocksource(&ground).state, state, "{source:?}");
        }
        for (answer, since_start, state) in [
            (Some("yes"), false, State::Good),
            (Some("no"), true, State::Warning),
            (None, true, State::Good),
            (None, false, State::Warning),
        ] {
            assert_eq!(synchronised(answer, since_start).state, state, "{answer:?} {since_start}");
        }
    }

    #[test]
    fn outputs_that_outlive_their_owner_are_bad() {
        for (file, said, state) in
            [(KEPT[0], "Y\n", Some(State::Bad)), (KEPT[1], "N\n", Some(State::Good)), ("/proc/version", "Linux", None)]
        {
            let (_dir, ground) = ground(&[(file, said)]);
            assert_eq!(let_go(&ground).map(|found| found.state), state, "{file}: {said}");
        }
    }

    #[test]
    fn a_weak_supply_is_bad_now_and_told_later() {
        for (bits, state, words) in [
            (0, State::Good, "no under-voltage"),
            (0x5_0005, State::Bad, "now: under-voltage, throttled"),
            (0x8, State::Warning, "now: temperature limit reached"),
            (0x1_0000, State::Warning, "since the start: under-voltage"),
        ] {
            let found = throttled(bits);
            assert_eq!((found.state, found.words.contains(words)), (state, true), "{bits:x}: {found:?}");
        }
        let (_dir, pi) = ground(&[("/proc/device-tree/model", "Raspberry Pi 5\0"), (THROTTLED, "10000\n")]);
        assert_eq!(supply(&pi).unwrap().state, State::Warning);
        let (_dir, other) = ground(&[(THROTTLED, "1")]);
        assert_eq!(supply(&other), None, "only Raspberry Pis are asked");
    }
}
