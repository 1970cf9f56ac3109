//! How much memory is free.

use std::fs;
use std::path::{Path, PathBuf};

use tch::Device;

use crate::placement::DeviceChoice;

/// Bytes that may still be taken on a device, or `None` where nobody can say.
///
/// For the processor that is what the kernel counts as available, or what the limits of the process's control groups
/// (those of a container, say) leave, if that is less. libtorch has no question for it on CUDA.
pub fn free_bytes(device: DeviceChoice) -> Option<u64> {
    free_on(device.resolve().ok()?)
}

pub fn free_on(device: Device) -> Option<u64> {
    match device {
        Device::Cpu => free_below(Path::new("/")),
        _ => None,
    }
}

/// `root` is where `proc` and `sys` are.
fn free_below(root: &Path) -> Option<u64> {
    available(root).into_iter().chain(left_in_groups(root)).min()
}

fn available(root: &Path) -> Option<u64> {
    let text = fs::read_to_string(root.join("proc/meminfo")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let n_kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    n_kibibytes.checked_mul(1024)
}

/// What a version of control groups calls its files.
struct Names {
    mount: &'static str,
    limit: &'static str,
    used: &'static str,
    /// The line of `memory.stat` for what the kernel would give back at once: pages of files that nobody uses.
    reclaimable: &'static str,
}

const FIRST: Names = Names {
    mount: "sys/fs/cgroup/memory",
    limit: "memory.limit_in_bytes",
    used: "memory.usage_in_bytes",
    reclaimable: "total_inactive_file ",
};

const SECOND: Names =
    Names { mount: "sys/fs/cgroup", limit: "memory.max", used: "memory.current", reclaimable: "inactive_file " };

/// What the limit of each control group leaves that this process is in.
fn left_in_groups(root: &Path) -> Vec<u64> {
    let text = fs::read_to_string(root.join("proc/self/cgroup")).unwrap_or_default();
    let left = |line| {
        let (names, group) = group(line)?;
        Some(folders(&root.join(names.mount), group).into_iter().filter_map(|folder| names.left(&folder)))
    };
    text.lines().filter_map(left).flatten().collect()
}

/// The group that a line like `4:memory:/a/b` or `0::/a/b` names, if it is one that limits memory.
fn group(line: &str) -> Option<(&'static Names, &str)> {
    let (_, line) = line.split_once(':')?;
    match line.split_once(':')? {
        ("", group) => Some((&SECOND, group)),
        (controllers, group) if controllers.split(',').any(|controller| controller == "memory") => {
            Some((&FIRST, group))
        }
        _ => None,
    }
}

/// The folder of a group and those of the groups around it. A container often sees its own as the outermost.
fn folders(mount: &Path, group: &str) -> Vec<PathBuf> {
    let folder = mount.join(group.trim_start_matches('/'));
    folder.ancestors().take_while(|folder| folder.starts_with(mount)).map(Path::to_owned).collect()
}

impl Names {
    fn left(&self, folder: &Path) -> Option<u64> {
        let read = |name| fs::read_to_string(folder.join(name)).ok();
        let number = |name| read(name)?.trim().parse::<u64>().ok();
        let stat = read("memory.stat").unwrap_or_default();
        let reclaimable = stat.lines().find_map(|line| line.strip_prefix(self.reclaimable)?.trim().parse().ok());
        let held = number(self.used)?.saturating_sub(reclaimable.unwrap_or(0));
        Some(number(self.limit)?.saturating_sub(held))
    }
}

#[cfg(test)]
mod tests;
