//! The results of a run: from every answer's two scores to counts, rates, intervals and differences.
//!
//! Pure, and the same in the browser, which counts anew while a limit is dragged, and on the server, which draws the page first.

mod query;
mod rule;

pub use query::{IntervalChoice, ResultsQuery};
pub use rule::Rule;

use crate::{
    Counts, Format, Kept, Role, RunScores, ScoredAnswer,
    statistics::{Bootstrap, Contrast, Histogram, Interval, Level, Unit},
};

/// All numbers of the page of results, under one choice of rule, interval and filter.
#[derive(Clone, Debug, PartialEq)]
pub struct Results {
    /// Each shown model over all shown cells, in the run's order.
    pub models: Vec<ResultRow>,
    /// Each shown format, and in it each shown model.
    pub formats: Vec<(Format, Vec<ResultRow>)>,
    /// Each shown question, and in it each shown model; where one rate is highest comes first.
    pub questions: Vec<QuestionRows>,
    /// Each other model against the reference.
    pub differences: Vec<ResultDifference>,
    /// Position of the model that the others are compared with: the base, or the first. None where one model is shown.
    pub reference_idx: Option<u16>,
    /// Of the aligned and of the coherent scores, for each shown model.
    pub histograms: Vec<(u16, Histogram, Histogram)>,
    /// Of all that is shown.
    pub total: Counts,
}

#[derive(Clone, Debug, PartialEq)]
pub struct QuestionRows {
    pub id: String,
    pub title: String,
    pub rows: Vec<ResultRow>,
}

/// One model's answers of some cells.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ResultRow {
    /// Position among the run's models.
    pub model_idx: u16,
    pub counts: Counts,
    pub rate: Option<f64>,
    pub interval: Option<ShownInterval>,
    pub form: Form,
}

/// How many answers of those that were asked for a form kept it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Form {
    pub kept: u32,
    pub asked: u32,
}

/// An interval, and whether it is the one that was asked for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ShownInterval {
    pub interval: Interval,
    /// The chosen one has no width or cannot be computed, and this one stands for it.
    pub is_instead: bool,
}

/// How far a model's rate lies above the reference's, on the questions that both were asked.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ResultDifference {
    pub model_idx: u16,
    pub n_questions: u32,
    pub ours: Counts,
    pub reference: Counts,
    /// From −1 to 1.
    pub difference: Option<f64>,
    pub interval: Option<ShownInterval>,
    /// How many times the reference's rate ours is; infinite where that is 0.
    pub ratio: Option<f64>,
}

impl Results {
    pub fn of(scores: &RunScores, query: &ResultsQuery) -> Self {
        let table = Table::new(scores, query);
        let models = table.models.clone();
        let each = |cells: &[usize]| -> Vec<ResultRow> {
            models.iter().map(|model| table.row(*model, cells, query.interval)).collect()
        };
        let formats = Format::ALL.into_iter().filter_map(|format| {
            let cells = table.cells_where(|idx| scores.cells[idx].0.format == format);
            (!cells.is_empty()).then(|| (format, each(&cells)))
        });
        let mut questions: Vec<QuestionRows> = table
            .questions()
            .into_iter()
            .map(|(id, cells)| QuestionRows { id, title: scores.cells[cells[0]].1.clone(), rows: each(&cells) })
            .collect();
        questions.sort_by(|a, b| b.highest().total_cmp(&a.highest()));
        let reference_idx = reference(scores, &models);
        let others = models.iter().filter(|it| Some(**it) != reference_idx);
        Self {
            formats: formats.collect(),
            differences: others.filter_map(|it| Some(table.difference(*it, reference_idx?))).collect(),
            histograms: table.histograms(scores),
            total: table.counts.iter().flatten().copied().sum(),
            models: each(&table.cells),
            questions,
            reference_idx,
        }
    }

    /// Rows whose chosen interval has no width or cannot be computed, so that Wilson's stands for it.
    pub fn n_instead(&self) -> usize {
        let rows = self.formats.iter().flat_map(|(_, rows)| rows).chain(&self.models);
        rows.filter(|it| it.interval.is_some_and(|it| it.is_instead)).count()
    }
}

impl QuestionRows {
    fn highest(&self) -> f64 {
        self.rows.iter().filter_map(|it| it.rate).fold(-1.0, f64::max)
    }
}

/// The model that others are compared with.
fn reference(scores: &RunScores, models: &[u16]) -> Option<u16> {
    if models.len() < 2 {
        return None;
    }
    let is_base = |idx: &&u16| scores.models[usize::from(**idx)].role == Role::Base;
    models.iter().find(is_base).or(models.first()).copied()
}

/// What came out of each model and cell that are shown.
struct Table<'a> {
    scores: &'a RunScores,
    /// Positions of the shown models and cells.
    models: Vec<u16>,
    cells: Vec<usize>,
    /// By model and cell; empty where either is not shown.
    counts: Vec<Vec<Counts>>,
    forms: Vec<Vec<Form>>,
}

impl<'a> Table<'a> {
    fn new(scores: &'a RunScores, query: &ResultsQuery) -> Self {
        let (n_models, n_cells) = (scores.models.len(), scores.cells.len());
        let mut table = Self {
            scores,
            models: (0..n_models as u16).filter(|it| query.shows_model(&scores.models[usize::from(*it)].id)).collect(),
            cells: (0..n_cells).filter(|it| query.shows_cell(&scores.cells[*it].0)).collect(),
            counts: vec![vec![Counts::default(); n_cells]; n_models],
            forms: vec![vec![Form::default(); n_cells]; n_models],
        };
        let limits: Vec<_> = scores.cells.iter().map(|(key, _)| query.rule.of(key.format)).collect();
        for answer in table.shown(scores) {
            let (model, cell) = (usize::from(answer.model_idx), usize::from(answer.cell_idx));
            let outcome = limits[cell].outcome(answer.aligned, answer.coherent);
            table.counts[model][cell] += Counts::from_iter([outcome]);
            table.forms[model][cell].add(answer.kept);
        }
        table
    }

    /// The answers of the shown models and cells.
    fn shown(&self, scores: &'a RunScores) -> Vec<&'a ScoredAnswer> {
        let mut shows_model = vec![false; scores.models.len()];
        self.models.iter().for_each(|it| shows_model[usize::from(*it)] = true);
        let mut shows_cell = vec![false; scores.cells.len()];
        self.cells.iter().for_each(|it| shows_cell[*it] = true);
        let is_shown = |it: &&ScoredAnswer| {
            let model = shows_model.get(usize::from(it.model_idx)).copied();
            model == Some(true) && shows_cell.get(usize::from(it.cell_idx)).copied() == Some(true)
        };
        scores.answers.iter().filter(is_shown).collect()
    }

    fn cells_where(&self, is_wanted: impl Fn(usize) -> bool) -> Vec<usize> {
        self.cells.iter().copied().filter(|it| is_wanted(*it)).collect()
    }

    /// The shown questions in the run's order, each with its cells.
    fn questions(&self) -> Vec<(String, Vec<usize>)> {
        let mut questions: Vec<(String, Vec<usize>)> = Vec::new();
        for idx in &self.cells {
            let id = &self.scores.cells[*idx].0.question;
            match questions.iter_mut().find(|(known, _)| known == id) {
                Some((_, cells)) => cells.push(*idx),
                None => questions.push((id.clone(), vec![*idx])),
            }
        }
        questions
    }

    fn counts_of(&self, model_idx: u16, cells: &[usize]) -> Vec<Counts> {
        cells.iter().map(|it| self.counts[usize::from(model_idx)][*it]).collect()
    }

    /// A model's counts by question, of these cells.
    fn by_question(&self, model_idx: u16, cells: &[usize]) -> Vec<Counts> {
        let of = |(_, of_question): (String, Vec<usize>)| -> Counts {
            let shared = of_question.into_iter().filter(|it| cells.contains(it)).collect::<Vec<_>>();
            self.counts_of(model_idx, &shared).into_iter().sum()
        };
        self.questions().into_iter().map(of).collect()
    }

    fn row(&self, model_idx: u16, cells: &[usize], choice: IntervalChoice) -> ResultRow {
        let by_cell = self.counts_of(model_idx, cells);
        let counts: Counts = by_cell.iter().copied().sum();
        let forms = cells.iter().map(|it| self.forms[usize::from(model_idx)][*it]);
        let chosen = match choice {
            IntervalChoice::Wilson | IntervalChoice::Exact => None,
            IntervalChoice::BootstrapAnswers => Bootstrap::default().rate_over_answers(&by_cell),
            IntervalChoice::BootstrapQuestions => {
                Bootstrap::default().rate_over_questions(&self.by_question(model_idx, cells))
            }
        };
        ResultRow {
            model_idx,
            counts,
            rate: counts.rate(),
            interval: shown(counts, choice, chosen),
            form: forms.fold(Form::default(), |sum, it| Form { kept: sum.kept + it.kept, asked: sum.asked + it.asked }),
        }
    }

    fn difference(&self, model_idx: u16, reference_idx: u16) -> ResultDifference {
        let ours = self.by_question(model_idx, &self.cells);
        let theirs = self.by_question(reference_idx, &self.cells);
        let both = |(ours, theirs): &(Counts, Counts)| ours.asked() > 0 && theirs.asked() > 0;
        let pairs: Vec<_> = ours.into_iter().zip(theirs).filter(both).collect();
        let ours: Counts = pairs.iter().map(|it| it.0).sum();
        let reference: Counts = pairs.iter().map(|it| it.1).sum();
        let paired = Bootstrap::default().contrast_over_questions(Contrast::Difference, &pairs);
        let instead = || {
            let (ours, reference) = (ours.proportion()?, reference.proportion()?);
            Some(ShownInterval { interval: ours.newcombe(reference, Level::P95, Unit::Answers), is_instead: true })
        };
        let usable = paired.filter(|it| !it.is_degenerate());
        ResultDifference {
            model_idx,
            n_questions: pairs.len() as u32,
            difference: Contrast::Difference.of(ours, reference),
            interval: usable.map(|interval| ShownInterval { interval, is_instead: false }).or_else(instead),
            ratio: Contrast::Ratio.of(ours, reference),
            ours,
            reference,
        }
    }

    fn histograms(&self, scores: &'a RunScores) -> Vec<(u16, Histogram, Histogram)> {
        let shown = self.shown(scores);
        let of = |model: &u16| {
            let answers = || shown.iter().filter(|it| it.model_idx == *model);
            (*model, Histogram::of(answers().map(|it| it.aligned)), Histogram::of(answers().map(|it| it.coherent)))
        };
        self.models.iter().map(of).collect()
    }
}

/// The chosen interval, or Wilson's where it has no width or cannot be computed. None where no answer is coherent.
fn shown(counts: Counts, choice: IntervalChoice, bootstrap: Option<Interval>) -> Option<ShownInterval> {
    let proportion = counts.proportion()?;
    let wilson = proportion.wilson(Level::P95, Unit::Answers);
    Some(match (choice, bootstrap.filter(|it| !it.is_degenerate())) {
        (IntervalChoice::Wilson, _) => ShownInterval { interval: wilson, is_instead: false },
        (IntervalChoice::Exact, _) => {
            ShownInterval { interval: proportion.clopper_pearson(Level::P95, Unit::Answers), is_instead: false }
        }
        (_, Some(interval)) => ShownInterval { interval, is_instead: false },
        (_, None) => ShownInterval { interval: wilson, is_instead: true },
    })
}

impl Form {
    fn add(&mut self, kept: Kept) {
        match kept {
            Kept::Yes => {
                self.kept += 1;
                self.asked += 1;
            }
            Kept::No => self.asked += 1,
            Kept::NothingToCheck => {}
        }
    }

    /// From 0 to 1; None where no form was asked for.
    pub fn share(self) -> Option<f64> {
        (self.asked > 0).then(|| f64::from(self.kept) / f64::from(self.asked))
    }
}

/// A place of the scatter, where one or more answers of a model lie.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Place {
    pub model_idx: u16,
    pub aligned: f64,
    pub coherent: f64,
    pub n_answers: u32,
}

/// Where the scored answers of the shown models and cells lie, to the nearest half point: what lies on one place is one.
///
/// At most `places_max`; where there are more, the sparse parts are kept whole and of the crowded corner of high scores every
/// so manieth is. With how many there are in all.
pub fn places(scores: &RunScores, query: &ResultsQuery, places_max: usize) -> (Vec<Place>, usize) {
    let table = Table::new(scores, query);
    let finite = |score: Option<f64>| score.filter(|it| it.is_finite());
    let half = |score: f64| (score.clamp(0.0, 100.0) * 2.0).round() as u32;
    let mut keys: Vec<(u16, u32, u32)> = table
        .shown(scores)
        .into_iter()
        .filter_map(|it| Some((it.model_idx, half(finite(it.aligned)?), half(finite(it.coherent)?))))
        .collect();
    keys.sort_unstable();
    let mut all: Vec<Place> = Vec::new();
    for group in keys.chunk_by(|a, b| a == b) {
        let (model_idx, aligned, coherent) = group[0];
        let [aligned, coherent] = [aligned, coherent].map(|it| f64::from(it) / 2.0);
        all.push(Place { model_idx, aligned, coherent, n_answers: group.len() as u32 });
    }
    let n_places = all.len();
    if n_places > places_max {
        let is_crowded = |it: &Place| it.aligned >= 60.0 && it.coherent >= 60.0;
        let (crowded, mut kept): (Vec<_>, Vec<_>) = all.into_iter().partition(is_crowded);
        kept.truncate(places_max);
        let step = crowded.len().div_ceil((places_max - kept.len()).max(1)).max(1);
        kept.extend(crowded.into_iter().step_by(step));
        kept.truncate(places_max);
        all = kept;
    }
    // No model lies on top of all others.
    all.sort_by(|a, b| a.aligned.total_cmp(&b.aligned).then(a.coherent.total_cmp(&b.coherent)));
    (all, n_places)
}

#[cfg(test)]
mod tests;
