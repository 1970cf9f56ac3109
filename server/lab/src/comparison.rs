//! Comparisons: asked, watched, stopped, continued, revealed, labelled.

use crate::{
    Error, Lab, Watcher, column,
    live::{Halt, Live},
};
use domain::{
    Act, AnswerId, AskError, Comparison, ComparisonId, Field, HistoryPage, HistoryQuery, Labels, ModelCard,
    NewComparison, Seed,
};
use rand::seq::SliceRandom;
use std::sync::Arc;
use store::comparisons::{New, NewColumn};

impl Lab {
    /// Keeps a new comparison and starts its answers. Names are hidden by the order of columns, drawn here, if it is blind.
    pub async fn compare(&self, new: &NewComparison) -> Result<ComparisonId, Error> {
        let mut cards = self.cards(new)?;
        if new.blind {
            cards.shuffle(&mut rand::rng());
        }
        let columns = (0..).zip(cards).map(|(slot, card)| new_column(slot, card)).collect();
        self.begin(New {
            question_id: new.question.id(),
            question_text: new.question.text(),
            format: new.format,
            verbatim: None,
            system: new.system.as_ref(),
            beginning: &new.beginning,
            sampling: new.sampling,
            n_samples: new.n_samples,
            seed: new.seed.unwrap_or_else(drawn_seed),
            blind: new.blind,
            origin: None,
            turn_idx: 0,
            columns,
        })
        .await
    }

    /// Keeps a comparison and starts its answers.
    pub(crate) async fn begin(&self, new: New<'_>) -> Result<ComparisonId, Error> {
        let id = store::comparisons::insert(&self.db, &new).await?;
        self.start(id).await?;
        Ok(id)
    }

    /// The comparison as it is this moment, with everything that is known; see [`Comparison::as_seen`].
    pub async fn comparison(&self, id: ComparisonId) -> Result<Comparison, Error> {
        match self.live(id) {
            Some(live) => Ok(live.snapshot()),
            None => Ok(store::comparisons::get(&self.db, id).await?),
        }
    }

    /// Follows a running comparison; None where nothing is to come.
    pub fn watch(&self, id: ComparisonId) -> Option<Watcher> {
        self.live(id).map(|live| live.watch())
    }

    /// Stops the answers of one column, or of all; what was written is kept. Those that are over are left alone.
    pub fn stop(&self, id: ComparisonId, column_idx: Option<u32>) {
        let Some(live) = self.live(id) else { return };
        match column_idx {
            Some(column_idx) => live.halt_column(column_idx as usize, Halt::Stopped),
            None => live.halt(Halt::Stopped),
        }
    }

    /// Starts the answers that were cut off or failed once more.
    pub async fn resume(&self, id: ComparisonId) -> Result<(), Error> {
        if self.live(id).is_some() {
            return Err(Error::refused("answers are still being written; wait for them or stop them first"));
        }
        store::answers::reopen(&self.db, id).await?;
        self.start(id).await
    }

    /// Shows the names of a blind comparison and of all that are linked with it, for good.
    pub async fn reveal(&self, id: ComparisonId) -> Result<(), Error> {
        for revealed in store::comparisons::reveal(&self.db, id).await? {
            if let Some(live) = self.live(revealed) {
                let kept = store::comparisons::get(&self.db, revealed).await?;
                live.change(|comparison| take_over_labels(comparison, kept));
            }
        }
        Ok(())
    }

    /// Adds one act to an answer's labels; returns what stands once it is committed.
    pub async fn label(&self, answer: AnswerId, act: &Act, by: &str) -> Result<Labels, Error> {
        let labels = store::labels::insert(&self.db, answer, act, by).await?;
        if let Some(run) = store::answers::run_of(&self.db, answer).await? {
            self.runs.scored.set_verdict(run, answer, labels.verdict);
        }
        let running: Vec<_> = self.running().values().cloned().collect();
        running.iter().any(|live| live.set_labels(answer, &labels));
        Ok(labels)
    }

    pub async fn history(&self, query: &HistoryQuery) -> Result<HistoryPage, Error> {
        Ok(store::history::page(&self.db, query).await?)
    }

    fn cards(&self, new: &NewComparison) -> Result<Vec<ModelCard>, AskError> {
        let card = |id| {
            self.models
                .card(id)
                .ok_or_else(|| AskError::new(Field::Models, format!("there is no model “{}” on this server", id.0)))
        };
        new.models.iter().map(card).collect()
    }

    /// Gives every waiting answer of a kept comparison to its engine.
    async fn start(&self, id: ComparisonId) -> Result<(), Error> {
        let comparison = store::comparisons::get(&self.db, id).await?;
        let is_blind = comparison.is_blind();
        let live = Arc::new(Live::new(comparison));
        if self.running().insert(id, live.clone()).is_some() {
            tracing::error!(comparison.id = id.0, "a comparison was started twice");
        }
        if is_blind {
            // Its family may have been revealed after it was read and before it was among the running ones.
            let kept = store::comparisons::get(&self.db, id).await?;
            live.change(|comparison| take_over_labels(comparison, kept));
        }
        for column_idx in 0..live.snapshot().columns.len() {
            tokio::spawn(column::run(self.clone(), live.clone(), column_idx));
        }
        let lab = self.clone();
        tokio::spawn(async move {
            live.ended().await;
            lab.running().remove(&id);
        });
        Ok(())
    }
}

fn new_column(slot: u32, card: ModelCard) -> NewColumn {
    NewColumn { slot, after: None, model_id: card.id, model_name: card.name, role: card.role, about: card.about }
}

pub(crate) fn drawn_seed() -> Seed {
    Seed(rand::random())
}

/// After a reveal, labels may have become locked; texts and states stay those of the running comparison.
fn take_over_labels(comparison: &mut Comparison, kept: Comparison) {
    comparison.blindness = kept.blindness;
    for answer in kept.columns.into_iter().flat_map(|it| it.answers) {
        if let Some(live) = comparison.answer_mut(answer.id) {
            live.labels = answer.labels;
        }
    }
}
