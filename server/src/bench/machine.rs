//! What the system says about this process and about who else is at work.

use anyhow::{Context, Result};
use std::{
    fs,
    time::{Duration, Instant},
};

/// The most memory this process has held since [`forget_peak`], in bytes. `None` where the system does not say.
pub fn peak_bytes() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.parse::<u64>().ok().map(|kib| kib * 1024)
}

/// Starts the peak anew; where the system refuses, it stays that of the whole process.
pub fn forget_peak() {
    let _ = fs::write("/proc/self/clear_refs", "5");
}

/// Others may keep this many cores busy without anybody calling the machine busy.
pub const QUIET_CORES: f64 = 0.2;

/// Waits until others use less than [`QUIET_CORES`], at most this long, and says how many cores they used last.
///
/// The load average would remember the program before for minutes, so the processor's own clock is asked.
pub async fn wait_until_idle(longest: Duration) -> Result<f64> {
    let begun = Instant::now();
    loop {
        let n_busy = n_cores_busy().await?;
        if n_busy < QUIET_CORES || begun.elapsed() >= longest {
            return Ok(n_busy);
        }
    }
}

/// Cores at work in the next second, in which this process sleeps.
async fn n_cores_busy() -> Result<f64> {
    const TICKS_PER_SECOND: f64 = 100.0;
    let before = busy_ticks()?;
    tokio::time::sleep(Duration::from_secs(1)).await;
    Ok(busy_ticks()?.saturating_sub(before) as f64 / TICKS_PER_SECOND)
}

/// Everything that `/proc/stat` counts but idling: user, nice, system, then idle and iowait, then interrupts and theft.
fn busy_ticks() -> Result<u64> {
    let stat = fs::read_to_string("/proc/stat").context("cannot read /proc/stat, which says who is at work")?;
    let line = stat.lines().next().unwrap_or_default();
    let ticks: Vec<u64> = line.split_whitespace().skip(1).take(8).filter_map(|word| word.parse().ok()).collect();
    Ok(ticks.iter().enumerate().filter(|(idx, _)| *idx != 3 && *idx != 4).map(|(_, ticks)| ticks).sum())
}
