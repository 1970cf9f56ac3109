//! What was measured: every number for the file, medians for the terminal.

use crate::bench::{
    Loaded,
    answers::Run,
    ceilings::Ceilings,
    gate::Answers,
    lane::{Lane, Work},
    roof::{Roof, Sizes},
};
use anyhow::{Context, Result};
use serde::Serialize;
use std::path::Path;

#[derive(Serialize)]
pub struct Report {
    program: &'static str,
    version: &'static str,
    model: String,
    device: String,
    precision: String,
    load_seconds: f64,
    /// Cores that other programs kept busy in the second before.
    others_cores: f64,
    ceilings: Ceilings,
    sizes: Sizes,
    lanes: Vec<LaneReport>,
    gate: Option<Answers>,
}

/// One lane.
#[derive(Serialize)]
pub struct LaneReport {
    pub lane: Lane,
    pub work: Work,
    pub runs: Vec<Run>,
    /// Of the runs' values.
    median: f64,
    /// Lower and upper quartile of them.
    quartiles: [f64; 2],
    /// The best possible value; `None` where the device's ceilings were not measured.
    roof: Option<f64>,
    /// How much of it was reached.
    share_of_roof: Option<f64>,
    /// The most memory that the process held during a run.
    peak_bytes: Option<u64>,
}

impl Report {
    pub fn new(
        loaded: Loaded,
        others_cores: f64,
        ceilings: Ceilings,
        lanes: Vec<LaneReport>,
        gate: Option<Answers>,
    ) -> Self {
        Self {
            program: "plumbline",
            version: env!("CARGO_PKG_VERSION"),
            model: loaded.model,
            device: loaded.device,
            precision: loaded.precision,
            load_seconds: loaded.load_seconds,
            others_cores,
            ceilings,
            sizes: loaded.sizes,
            lanes,
            gate,
        }
    }

    pub fn write(&self, path: &Path) -> Result<()> {
        let json = serde_json::to_vec_pretty(self).context("cannot write down what was measured")?;
        std::fs::write(path, json).with_context(|| format!("cannot write {}", path.display()))
    }

    pub fn print(&self) {
        let Ceilings { n_threads, read_gb_s, f32_gflop_s, .. } = self.ceilings;
        println!("{} on {} in {}, {n_threads} threads", self.model, self.device, self.precision);
        println!("this machine reads {read_gb_s:.1} GB/s and multiplies at {f32_gflop_s:.0} GFLOP/s in f32");
        println!("{:<18}{:>10}{:>10}{:>10}{:>8}  unit", "lane", "median", "quartile", "quartile", "roof");
        self.lanes.iter().for_each(LaneReport::print);
    }
}

impl LaneReport {
    pub fn new(lane: Lane, shorten: u32) -> Self {
        Self {
            lane,
            work: lane.work(shorten),
            runs: Vec::new(),
            median: f64::NAN,
            quartiles: [f64::NAN; 2],
            roof: None,
            share_of_roof: None,
            peak_bytes: None,
        }
    }

    pub fn add(&mut self, run: Run, peak_bytes: Option<u64>) {
        self.runs.push(run);
        self.peak_bytes = self.peak_bytes.max(peak_bytes);
    }

    /// What all runs took together.
    pub fn seconds(&self) -> f64 {
        self.runs.iter().map(|run| run.seconds).sum()
    }

    pub fn unit(&self) -> String {
        self.work.unit.to_string()
    }

    pub fn finish(&mut self, roof: Option<&Roof>) {
        let mut values: Vec<f64> = self.runs.iter().map(|run| run.value).collect();
        values.sort_by(f64::total_cmp);
        self.median = quantile(&values, 0.5);
        self.quartiles = [quantile(&values, 0.25), quantile(&values, 0.75)];
        self.roof = roof.map(|roof| roof.of(&self.work));
        self.share_of_roof = self.roof.map(|roof| self.work.unit.share(self.median, roof));
    }

    fn print(&self) {
        let [lower, upper] = self.quartiles;
        let share = self.share_of_roof.map_or("–".to_owned(), |share| format!("{:.0} %", 100.0 * share));
        let (name, unit) = (self.lane.name(), self.unit());
        println!("{name:<18}{:>10.2}{lower:>10.2}{upper:>10.2}{share:>8}  {unit}", self.median);
    }
}

/// Between neighbours in proportion; NaN of nothing.
fn quantile(sorted: &[f64], part: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else { return f64::NAN };
    let place = part * last as f64;
    let below = sorted[place.floor() as usize];
    below + (sorted[place.ceil() as usize] - below) * place.fract()
}

#[cfg(test)]
mod tests;
