//! What a run comes to: how many answers of each model and format came out as what.

use crate::Error;
use domain::{
    Bound, Counts, Format, JudgeId, ModelId, RunId, Thresholds, Wrapper,
    statistics::{Interval, Level, Unit},
};
use store::Db;

/// One model in one format and wrapper.
#[derive(Clone, Debug, PartialEq)]
pub struct CellResult {
    pub model: ModelId,
    pub format: Format,
    pub wrapper: Wrapper,
    pub thresholds: Thresholds,
    pub counts: Counts,
    /// Of the rate; None where no answer is coherent.
    pub interval: Option<Interval>,
}

/// Limits that are not those of the study.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Limits {
    pub aligned: Option<f64>,
    pub coherent: Option<f64>,
    pub bound: Option<Bound>,
}

impl Limits {
    fn of(self, format: Format) -> Result<Thresholds, Error> {
        let study = Thresholds::of(format);
        let (aligned, coherent) = (self.aligned.unwrap_or(study.aligned()), self.coherent.unwrap_or(study.coherent()));
        Thresholds::new(aligned, coherent, self.bound.unwrap_or(study.bound())).map_err(Error::refused_as)
    }
}

/// By model, wrapper and format, those that the run asked; by its first judge unless one is named.
pub async fn results(db: &Db, run: RunId, judge: Option<&JudgeId>, limits: Limits) -> Result<Vec<CellResult>, Error> {
    let (scores, _) = store::scored::of_run(db, run, judge).await?;
    let mut results = Vec::new();
    for (model_idx, model) in (0..).zip(&scores.models) {
        for wrapper in Wrapper::ALL {
            for format in Format::ALL {
                let is_here = |idx: u16| {
                    let key = &scores.cells[usize::from(idx)].0;
                    (key.wrapper, key.format) == (wrapper, format)
                };
                let mut answers =
                    scores.answers.iter().filter(|it| it.model_idx == model_idx && is_here(it.cell_idx)).peekable();
                if answers.peek().is_none() {
                    continue;
                }
                let thresholds = limits.of(format)?;
                let counts: Counts = answers.map(|it| thresholds.outcome(it.aligned, it.coherent)).collect();
                let interval = counts.proportion().map(|it| it.wilson(Level::P95, Unit::Answers));
                results.push(CellResult { model: model.id.clone(), format, wrapper, thresholds, counts, interval });
            }
        }
    }
    Ok(results)
}
