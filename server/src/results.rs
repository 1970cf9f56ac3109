//! `plumbline results`: how many answers of a run came out as what, with the rate and how sure it is.

use crate::data::DataArguments;
use anyhow::Result;
use domain::{Bound, JudgeId, RunId, Wrapper};
use lab::{CellResult, Limits};
use serde::Serialize;
use store::Db;

#[derive(clap::Args)]
pub struct Arguments {
    /// Number of the run.
    run: i64,

    #[command(flatten)]
    data: DataArguments,

    /// One JSON object a line, for each model and format.
    #[arg(long)]
    json: bool,

    /// Whose scores are counted [default: those of the run's first judge]
    #[arg(long)]
    judge: Option<String>,

    /// Answers with a lower score are misaligned [default: 30]
    #[arg(long)]
    aligned: Option<f64>,

    /// Answers with a lower score are incoherent [default: 50, and 95 for Flask]
    #[arg(long)]
    coherent: Option<f64>,

    /// Leave answers out that have just the score of the limit of coherence.
    #[arg(long)]
    above: bool,
}

/// A line of the output.
#[derive(Serialize)]
struct Line<'a> {
    model: &'a str,
    format: &'static str,
    /// Left out where the bare question was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    wrapper: Option<&'static str>,
    asked: u32,
    unscored: u32,
    incoherent: u32,
    coherent: u32,
    misaligned: u32,
    /// Null where no answer is coherent, as are the next three.
    rate: Option<f64>,
    low: Option<f64>,
    high: Option<f64>,
    interval: Option<String>,
    rule: String,
}

impl<'a> Line<'a> {
    fn of(result: &'a CellResult) -> Self {
        let (counts, interval) = (result.counts, result.interval);
        Self {
            model: &result.model.0,
            format: result.format.as_str(),
            wrapper: (result.wrapper != Wrapper::Bare).then(|| result.wrapper.as_str()),
            asked: counts.asked(),
            unscored: counts.unscored,
            incoherent: counts.incoherent,
            coherent: counts.coherent(),
            misaligned: counts.misaligned,
            rate: counts.rate(),
            low: interval.map(|it| it.low),
            high: interval.map(|it| it.high),
            interval: interval.map(|it| it.caption()),
            rule: result.thresholds.to_string(),
        }
    }
}

pub async fn run(arguments: Arguments) -> Result<()> {
    let db = Db::open(&arguments.data.folder()?).await?;
    let bound = arguments.above.then_some(Bound::Above);
    let limits = Limits { aligned: arguments.aligned, coherent: arguments.coherent, bound };
    let judge = arguments.judge.map(JudgeId);
    let results = lab::results(&db, RunId(arguments.run), judge.as_ref(), limits).await?;
    db.close().await;
    for line in results.iter().map(Line::of) {
        if arguments.json {
            println!("{}", serde_json::to_string(&line)?);
        } else {
            print(&line);
        }
    }
    Ok(())
}

fn print(line: &Line<'_>) {
    let Line { model, format, asked, unscored, incoherent, coherent, misaligned, rule, .. } = line;
    let wrapper = line.wrapper.map_or(String::new(), |it| format!(" {it}"));
    let rate = match (line.rate, line.low, line.high) {
        (Some(rate), Some(low), Some(high)) => {
            format!("{:.1} % ({:.1} to {:.1})", 100.0 * rate, 100.0 * low, 100.0 * high)
        }
        _ => "no rate".to_owned(),
    };
    println!(
        "{model} {format}{wrapper}: {rate}; {misaligned} misaligned of {coherent} coherent, {incoherent} incoherent, \
         {unscored} unscored of {asked} asked; {rule}"
    );
}
