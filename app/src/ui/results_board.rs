//! The results of a run: every number and picture of one choice of limits, interval and filter.

use super::{
    figures::who, query_string, results_bars::BarsPanel, results_differences::DifferencesPanel,
    results_filters::Filters, results_head::Head, results_histograms::HistogramPanels,
    results_questions::QuestionsPanel, results_scatter::ScatterPanel, results_table::TablePanel,
};
use domain::{AnswersQuery, Format, ModelId, Place, Results, ResultsQuery, Role, RunModel, RunScores, places};
use leptos::prelude::*;
use std::sync::Arc;

/// What all parts of the page share. All numbers come from one memo, so all follow at once.
#[derive(Clone, Copy)]
pub struct Board {
    scores: StoredValue<Arc<RunScores>>,
    pub query: RwSignal<ResultsQuery>,
    pub results: Memo<Results>,
}

/// Most places that the scatter draws.
const PLACES_MAX: usize = super::chart::scatter::PLACES_MAX;

#[component]
pub fn ResultsBoard(scores: RunScores, query: RwSignal<ResultsQuery>) -> impl IntoView {
    let board = Board::new(scores, query);
    let is_empty = board.scores().answers.is_empty();
    if is_empty {
        let href = format!("/runs/{}", board.scores().run.0);
        return view! {
            <p class="note">
                "No answer of this run is over yet. " <a href=href>"The run’s page"</a> " says how far it is."
            </p>
        }
        .into_any();
    }
    let no_judge = board.scores().judges.is_empty();
    let run_href = format!("/runs/{}#extend", board.scores().run.0);
    view! {
        {no_judge
            .then(|| {
                view! {
                    <p class="note" data-is="warn">
                        "No judge has seen these answers, so none has a score. " <a href=run_href>"Add a judge"</a>
                    </p>
                }
            })}
        <Filters board/>
        <Head board/>
        <Instead board/>
        <div class="split" data-lead="some">
            <BarsPanel board/>
            <ScatterPanel board/>
        </div>
        <div class="split" data-lead="some">
            <TablePanel board/>
            <QuestionsPanel board/>
        </div>
        <DifferencesPanel board/>
        <HistogramPanels board/>
    }
    .into_any()
}

/// Says where another interval than the chosen one is shown, and why.
#[component]
fn Instead(board: Board) -> impl IntoView {
    let n_instead = Memo::new(move |_| board.results.read().n_instead());
    move || {
        let n = n_instead.get();
        (n > 0).then(|| {
            let rows = if n == 1 { "one figure".to_owned() } else { format!("{n} figures") };
            view! {
                <p class="note" data-is="warn" role="status">
                    {format!(
                        "For {rows} the bootstrap has no width or cannot be computed, because nothing varied among what it draws anew. That is not certainty: the Wilson interval over answers stands there instead, marked W.",
                    )}
                </p>
            }
        })
    }
}

impl Board {
    fn new(scores: RunScores, query: RwSignal<ResultsQuery>) -> Self {
        let scores = StoredValue::new(Arc::new(scores));
        let results = Memo::new(move |_| Results::of(&scores.get_value(), &query.read()));
        Self { scores, query, results }
    }

    pub fn scores(self) -> Arc<RunScores> {
        self.scores.get_value()
    }

    pub fn model(self, model_idx: u16) -> RunModel {
        self.scores.with_value(|it| it.models[usize::from(model_idx)].clone())
    }

    /// Name and role of the models that are shown.
    pub fn shown(self) -> Vec<(Role, String)> {
        let scores = self.scores();
        let query = self.query.read();
        let shown: Vec<_> = scores.models.iter().filter(|it| query.shows_model(&it.id)).cloned().collect();
        who(&shown)
    }

    /// The formats that are shown, in their order.
    pub fn formats(self) -> Vec<Format> {
        self.results.read().formats.iter().map(|(format, _)| *format).collect()
    }

    /// The rule, as it stands beside every number.
    pub fn rule(self) -> String {
        self.query.read().rule.in_words(&self.formats())
    }

    /// Interval and rule, as every caption ends.
    pub fn caption(self) -> String {
        format!("{} Counted as misaligned: {}.", self.query.read().interval.about(), self.rule())
    }

    /// Which answers are drawn: depends on the filter and not on the limits.
    pub fn places(self) -> Memo<(Vec<Place>, usize)> {
        let filter = Memo::new(move |_| {
            let query = self.query.read();
            ResultsQuery { rule: Default::default(), interval: Default::default(), judge: None, ..query.clone() }
        });
        Memo::new(move |_| places(&self.scores(), &filter.read(), PLACES_MAX))
    }

    /// The answers of what is shown, to be narrowed further.
    pub fn behind(self) -> AnswersQuery {
        let query = self.query.read();
        AnswersQuery {
            judge: query.judge.clone(),
            models: query.models.clone(),
            questions: query.questions.clone(),
            formats: query.formats.clone(),
            wrappers: query.wrappers.clone(),
            ..AnswersQuery::of(self.scores.with_value(|it| it.run))
        }
    }

    /// Where the misaligned answers of a model, and of a question or format, are listed.
    pub fn misaligned_href(self, model: &ModelId, format: Option<Format>, question: Option<&str>) -> String {
        let mut behind = AnswersQuery { models: vec![model.clone()], ..self.behind() };
        behind.formats = format.map_or(behind.formats, |it| vec![it]);
        behind.questions = question.map_or(behind.questions, |it| vec![it.to_owned()]);
        // Over several formats the lowest limit of coherence leaves none out.
        let rule = self.query.read().rule;
        let lowest = format.or_else(|| self.lowest());
        answers_href(&behind.misaligned_by(rule.of(lowest.unwrap_or_default())))
    }

    fn lowest(self) -> Option<Format> {
        let rule = self.query.read().rule;
        self.formats().into_iter().min_by(|a, b| rule.of(*a).coherent().total_cmp(&rule.of(*b).coherent()))
    }
}

/// The page that lists these answers.
pub fn answers_href(query: &AnswersQuery) -> String {
    query_string::href(&format!("/runs/{}/answers", query.run.0), query.to_pairs())
}

/// The page of the results of these scores.
pub fn results_href(run: domain::RunId, query: &ResultsQuery) -> String {
    query_string::href(&format!("/runs/{}/results", run.0), query.to_pairs())
}
