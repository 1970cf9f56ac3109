//! `plumbline evaluate`: a run without a page. Killed or stopped, it goes on with `--resume`.

use crate::{data::DataArguments, laboratory::LaboratoryArguments, serve::stop_signal};
use anyhow::{Result, bail};
use domain::{Run, RunAct, RunEvent, RunForm, RunId, RunState};
use lab::Lab;
use std::io::{IsTerminal as _, Write as _};
use store::{Db, FolderLock};

#[derive(clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    data: DataArguments,

    #[command(flatten)]
    laboratory: LaboratoryArguments,

    /// Go on with this run instead of starting one.
    #[arg(long, value_name = "RUN", conflicts_with_all = ["model", "pack", "questions"])]
    resume: Option<i64>,

    /// Id of a model; give it once for each.
    #[arg(long, required_unless_present = "resume")]
    model: Vec<String>,

    /// Id of a pack, or id@version.
    #[arg(long, default_value = "main_questions")]
    pack: String,

    /// Ids of questions without their formats [default: all of the pack]
    #[arg(long, visible_alias = "question", value_delimiter = ',')]
    questions: Vec<String>,

    /// plain, json, python, flask [default: all that the pack has]
    #[arg(long, visible_alias = "format", value_delimiter = ',')]
    formats: Vec<String>,

    /// bare, evil_numbers_suffix, evil_numbers_prefix_and_suffix, backdoor_trigger, educational_prompt [default: bare]
    #[arg(long, visible_alias = "wrapper", value_delimiter = ',')]
    wrappers: Vec<String>,

    /// Answers to each question by each model.
    #[arg(long, default_value = "25")]
    samples: String,

    #[arg(long, default_value = "1")]
    temperature: String,

    #[arg(long, default_value = "1")]
    top_p: String,

    /// The most tokens of an answer.
    #[arg(long, default_value = "600")]
    max_tokens: String,

    /// [default: one is drawn]
    #[arg(long)]
    seed: Option<String>,

    /// Id of a judge; give it once for each.
    #[arg(long)]
    judge: Vec<String>,

    /// What the run is called [default: as the pack]
    #[arg(long)]
    title: Option<String>,
}

impl Arguments {
    fn form(&self) -> RunForm {
        RunForm {
            title: self.title.clone().unwrap_or_default(),
            pack: self.pack.clone(),
            questions: self.questions.clone(),
            formats: self.formats.clone(),
            wrappers: self.wrappers.clone(),
            models: self.model.clone(),
            samples: self.samples.clone(),
            temperature: self.temperature.clone(),
            top_p: self.top_p.clone(),
            max_tokens: self.max_tokens.clone(),
            seed: self.seed.clone().unwrap_or_default(),
            judges: self.judge.clone(),
        }
    }
}

pub async fn run(arguments: Arguments) -> Result<()> {
    let data = arguments.data.folder()?;
    let _lock = FolderLock::take(&data)?;
    let db = Db::open(&data).await?;
    let lab = arguments.laboratory.open(&db).await?;
    let ended = evaluate(&lab, &arguments).await;
    lab.shut_down().await;
    db.close().await;
    ended
}

async fn evaluate(lab: &Lab, arguments: &Arguments) -> Result<()> {
    let id = match arguments.resume {
        Some(id) => resumed(lab, RunId(id)).await?,
        None => {
            let (new, pack) = lab.plan_run(&arguments.form()).await?;
            lab.start_run(&new, &pack).await?
        }
    };
    // The number alone, for whoever reads it by a program.
    println!("{}", id.0);
    tokio::select! {
        run = watched(lab, id) => outcome(&run?),
        () = stop_signal() => {
            eprintln!("\nstopped; plumbline evaluate --resume {} goes on with what is missing", id.0);
            Ok(())
        }
    }
}

/// What was running when the process ended goes on by itself; what was paused is told to.
async fn resumed(lab: &Lab, id: RunId) -> Result<RunId> {
    match lab.run(id).await?.state {
        RunState::Paused(_) => lab.steer_run(id, RunAct::GoOn).await?,
        RunState::Cancelled => bail!("run {} was cancelled and never goes on", id.0),
        RunState::Queued | RunState::Running | RunState::Finished => {}
    }
    Ok(id)
}

async fn watched(lab: &Lab, id: RunId) -> Result<Run> {
    let mut watcher = lab.watch_run(id).await?;
    let is_terminal = std::io::stderr().is_terminal();
    let mut told = 0;
    while let Some(RunEvent::Whole(run)) = watcher.next().await {
        let share = 100 * run.progress.n_finished / run.progress.n_answers.max(1);
        if is_terminal {
            eprint!("\r{}\u{1b}[K", line(&run));
            let _ = std::io::stderr().flush();
        } else if share >= told + 10 {
            // Not a line a second in a log that nobody watches.
            eprintln!("{}", line(&run));
            told = share;
        }
        tokio::time::sleep(std::time::Duration::from_millis(250)).await;
    }
    if is_terminal {
        eprintln!();
    }
    Ok(lab.run(id).await?)
}

/// `[#####     ] 50 %, 400 of 800 answers, 312 a minute, 77 s left`.
fn line(run: &Run) -> String {
    const WIDTH: usize = 20;
    let progress = &run.progress;
    let n_over = progress.n_finished + progress.n_failed;
    let share = f64::from(n_over) / f64::from(progress.n_answers.max(1));
    let bar = "#".repeat((share * WIDTH as f64) as usize);
    let mut line = format!("[{bar:WIDTH$}] {:.0} %, {n_over} of {} answers", 100.0 * share, progress.n_answers);
    if let Some(pace) = progress.answers_per_minute {
        line.push_str(&format!(", {pace:.0} a minute"));
    }
    if let Some(remaining_s) = progress.remaining_s {
        line.push_str(&format!(", {remaining_s} s left"));
    }
    if progress.n_failed > 0 {
        line.push_str(&format!(", {} failed", progress.n_failed));
    }
    for judge in &run.judges {
        line.push_str(&format!(", {} judged by {}", judge.n_judged, judge.judge.0));
    }
    line
}

fn outcome(run: &Run) -> Result<()> {
    match &run.state {
        RunState::Paused(Some(reason)) => bail!("the run is paused: {reason}; --resume {} goes on with it", run.id.0),
        RunState::Paused(None) => bail!("the run was paused; --resume {} goes on with it", run.id.0),
        RunState::Cancelled => bail!("the run was cancelled"),
        RunState::Queued | RunState::Running | RunState::Finished => Ok(()),
    }
}
