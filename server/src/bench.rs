//! `plumbline bench`: how fast a model answers on this machine, and how near that comes to what the machine can do.
//!
//! The real engine answers; the model's own end is ignored, so that every run draws the same number of tokens.

mod lane;

mod answers;
mod gate;

mod ceilings;
mod machine;
mod roof;

mod report;

use anyhow::{Context, Result, bail, ensure};
use clap::ValueEnum;
use engine::{Engine, Language};
use model::{Base, DeviceChoice, Placement, PrecisionChoice};
use rand::seq::SliceRandom;
use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use answers::Desk;
use ceilings::Ceilings;
use gate::Questions;
use lane::Lane;
use report::{LaneReport, Report};
use roof::{Roof, Sizes};

#[derive(clap::Args)]
pub struct Arguments {
    /// Folder of a checkpoint in Hugging Face layout.
    #[arg(long)]
    model: PathBuf,

    /// Folder of an adapter in PEFT layout; three of them for the lanes with four variants.
    #[arg(long = "adapter", value_name = "FOLDER")]
    adapters: Vec<PathBuf>,

    /// Which lanes to run [default: all that the adapters allow]
    #[arg(long = "lane", value_delimiter = ',')]
    lanes: Vec<Lane>,

    #[arg(long, default_value = "auto")]
    device: DeviceChoice,

    /// auto, f32, bf16, f16, or on the processor int8 or int4.
    #[arg(long, default_value = "auto")]
    precision: PrecisionChoice,

    /// Threads for computing [default: one for each core]
    #[arg(long)]
    threads: Option<usize>,

    /// Measured runs of each lane.
    #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u32).range(1..))]
    repeats: u32,

    /// Runs of each lane before those that count, with at most eight answers of eight tokens.
    #[arg(long, default_value_t = 2)]
    warm_ups: u32,

    /// A lane is not repeated any more once its runs have taken this many seconds.
    #[arg(long, default_value_t = f64::INFINITY)]
    lane_seconds: f64,

    /// Cuts the answers to one part in this many, for a quick look.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=64))]
    shorten: u32,

    /// How long to wait for other programs to be quiet.
    #[arg(long, default_value_t = 60)]
    wait_seconds: u64,

    /// Answers the questions of this file as well, for a comparison with other programs.
    #[arg(long)]
    gate: Option<PathBuf>,

    /// Where to write everything that was measured.
    #[arg(long)]
    json: Option<PathBuf>,
}

pub async fn run(arguments: Arguments) -> Result<()> {
    let lanes = arguments.lanes()?;
    let questions = arguments.gate.as_deref().map(Questions::read).transpose()?;
    let n_threads = arguments.n_threads();
    let others_cores = machine::wait_until_idle(Duration::from_secs(arguments.wait_seconds)).await?;
    if others_cores >= machine::QUIET_CORES {
        tracing::warn!("other programs keep {others_cores:.1} cores busy; the figures will be too low");
    }
    let ceilings = Ceilings::measure(n_threads);
    let loaded = Loaded::load(&arguments, &lanes, n_threads)?;
    let lanes = loaded.measure(&lanes, &arguments, &ceilings).await?;
    let gate = match &questions {
        Some(questions) => Some(questions.answer(&loaded.desk.engine).await?),
        None => None,
    };
    let report = Report::new(loaded, others_cores, ceilings, lanes, gate);
    report.print();
    arguments.json.map_or(Ok(()), |path| report.write(&path))
}

impl Arguments {
    fn lanes(&self) -> Result<Vec<Lane>> {
        let fits = |lane: &Lane| lane.work(self.shorten).n_adapters() as usize <= self.adapters.len();
        if self.lanes.is_empty() {
            return Ok(Lane::value_variants().iter().copied().filter(fits).collect());
        }
        let n_adapters = self.adapters.len();
        if let Some(lane) = self.lanes.iter().find(|lane| !fits(lane)) {
            bail!("{} needs three adapters, and --adapter names {n_adapters}", lane.name());
        }
        Ok(self.lanes.clone())
    }

    fn base(&self) -> Result<Base> {
        let mut base = Base::load(
            &self.model,
            Placement { device: self.device, precision: self.precision, ..Placement::default() },
        )?;
        for folder in &self.adapters {
            base.add_adapter(folder)?;
        }
        Ok(base)
    }

    fn sizes(&self, base: &Base) -> Result<Sizes> {
        let adapter_weights = self.adapters.first().map_or(Ok(0), |folder| adapter_weights(folder))?;
        Ok(Sizes::of(base.config(), base.precision(), adapter_weights, base.position_bytes()))
    }

    /// Slots and positions for the largest lane; some of both are left over for the questions of a gate.
    fn room(&self, lanes: &[Lane], n_positions_max: u32) -> Result<(u32, u32)> {
        const AT_LEAST: (u32, u32) = (8, 256);
        let works = || lanes.iter().map(|lane| lane.work(self.shorten));
        let n_rows = works().map(|work| work.n_rows).max().unwrap_or_default();
        let n_positions = works().map(|work| work.n_positions()).max().unwrap_or_default();
        ensure!(
            n_positions <= n_positions_max,
            "the lanes need {n_positions} positions, but the model knows {n_positions_max}; cut answers with --shorten"
        );
        Ok((n_rows.max(AT_LEAST.0), n_positions.max(AT_LEAST.1).min(n_positions_max)))
    }

    fn n_threads(&self) -> usize {
        let n_cores = || std::thread::available_parallelism().map_or(1, usize::from);
        self.threads.unwrap_or_else(n_cores).max(1)
    }
}

/// A model that is ready to answer, and what is known of it.
struct Loaded {
    desk: Desk,
    sizes: Sizes,
    model: String,
    device: String,
    precision: String,
    load_seconds: f64,
}

impl Loaded {
    fn load(arguments: &Arguments, lanes: &[Lane], n_threads: usize) -> Result<Self> {
        let begun = Instant::now();
        let language = Language::load(&arguments.model)?;
        let base = arguments.base()?;
        base.set_threads(n_threads);
        let (device, precision) = (base.device(), base.precision().to_owned());
        let sizes = arguments.sizes(&base)?;
        let vocabulary_size = base.vocabulary_size();
        let (n_slots, n_positions) = arguments.room(lanes, base.max_positions())?;
        let engine = Engine::start(base.into_runner(n_slots, n_positions)?, language);
        Ok(Self {
            desk: Desk { engine, vocabulary_size },
            sizes,
            model: arguments.model.display().to_string(),
            device,
            precision,
            load_seconds: begun.elapsed().as_secs_f64(),
        })
    }

    /// All lanes and repeats in random order, so that a drift of the machine meets all alike.
    async fn measure(&self, lanes: &[Lane], arguments: &Arguments, ceilings: &Ceilings) -> Result<Vec<LaneReport>> {
        let roof = (self.device == "cpu").then(|| Roof::new(&self.sizes, ceilings, &self.precision));
        let mut reports: Vec<_> = lanes.iter().map(|lane| LaneReport::new(*lane, arguments.shorten)).collect();
        for report in &mut reports {
            self.warm_up(report, arguments.warm_ups).await?;
        }
        let mut order: Vec<usize> = (0..arguments.repeats).flat_map(|_| 0..reports.len()).collect();
        order.shuffle(&mut rand::rng());
        for (number, idx) in order.into_iter().enumerate() {
            if reports[idx].seconds() < arguments.lane_seconds {
                self.measure_once(&mut reports[idx], number as u64).await?;
            }
        }
        reports.iter_mut().for_each(|report| report.finish(roof.as_ref()));
        Ok(reports)
    }

    async fn warm_up(&self, report: &LaneReport, n_runs: u32) -> Result<()> {
        let work = report.work.warm_up();
        for number in 0..n_runs {
            // Far from the numbers of the runs that count, so that nothing of theirs has been seen.
            self.desk.run(&work, u64::MAX - u64::from(number)).await?;
        }
        Ok(())
    }

    async fn measure_once(&self, report: &mut LaneReport, number: u64) -> Result<()> {
        machine::forget_peak();
        let run = self.desk.run(&report.work, number).await.with_context(|| format!("in {}", report.lane.name()))?;
        tracing::info!("{}: {:.2} {} after {:.1} s", report.lane.name(), run.value, report.unit(), run.seconds);
        report.add(run, machine::peak_bytes());
        Ok(())
    }
}

/// How many numbers an adapter consists of.
fn adapter_weights(folder: &Path) -> Result<u64> {
    let path = folder.join("adapter_model.safetensors");
    let bytes = std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let tensors = safetensors::SafeTensors::deserialize(&bytes)
        .with_context(|| format!("cannot understand {}", path.display()))?;
    Ok(tensors.iter().map(|(_, tensor)| tensor.shape().iter().product::<usize>() as u64).sum())
}

#[cfg(test)]
mod tests;
