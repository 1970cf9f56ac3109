//! Comparisons that go on from another one: asked on, continued from a changed answer, asked once more.

use crate::{Error, Lab, comparison::drawn_seed};
use domain::{
    Answer, AnswerId, AnswerState, AskError, Blindness, Choice, Column, Comparison, ComparisonId, Family, Field,
    FormatError, NewComparison, NewEdit, NewFollowUp, Origin, Prompt,
};
use rand::seq::SliceRandom;
use store::comparisons::{New, NewColumn, NewOrigin};

impl Lab {
    /// Asks on: each chosen column's model goes on from the answer that was chosen there.
    pub async fn follow(&self, new: &NewFollowUp) -> Result<ComparisonId, Error> {
        let parent = self.comparison(new.parent).await?;
        parent.takes_another_turn().map_err(Error::refused)?;
        let columns = new.from.iter().map(|it| self.next_column(&parent, *it)).collect::<Result<_, _>>()?;
        self.begin(New {
            question_id: None,
            question_text: new.question.text(),
            format: parent.format.of_follow_up(),
            verbatim: None,
            system: None,
            beginning: &new.beginning,
            sampling: new.sampling,
            n_samples: new.n_samples,
            seed: new.seed.unwrap_or_else(drawn_seed),
            blind: parent.is_blind(),
            origin: Some(NewOrigin { comparison: parent.id, edited: None }),
            turn_idx: parent.turns.len() + 1,
            columns,
        })
        .await
    }

    /// Has a changed answer continued: what was asked is asked again, and every answer begins with the text.
    pub async fn edit(&self, new: &NewEdit) -> Result<ComparisonId, Error> {
        let parent = self.comparison(store::answers::comparison_of(&self.db, new.answer).await?).await?;
        let (its_own, answer) = find(&parent, new.answer).ok_or(store::Error::NoAnswer(new.answer))?;
        if !matches!(answer.state, AnswerState::Finished(_)) {
            return Err(Error::refused("only an answer that is finished can be continued from a changed text"));
        }
        let edited = (new.answer, parent.beginning.and(&answer.text) != new.beginning.text());
        let column_idxs = (0..parent.columns.len()).filter(|idx| new.by_all || *idx == its_own);
        let columns = column_idxs.map(|idx| self.same_column(&parent, idx)).collect();
        let origin = NewOrigin { comparison: parent.id, edited: Some(edited) };
        // A sample of a run may have answered a message of its own.
        let own =
            answer.message.as_ref().map(|user| with_message(&parent, user)).transpose().map_err(Error::refused_as)?;
        let asked = asked_as(&parent);
        let verbatim = own.as_ref().or(asked.verbatim);
        self.begin(New { beginning: &new.beginning, origin: Some(origin), columns, verbatim, ..asked }).await
    }

    /// Asks the same of the same models once more, with a new seed. A conversation goes on from the same answers.
    pub async fn ask_again(&self, id: ComparisonId) -> Result<ComparisonId, Error> {
        let comparison = self.comparison(id).await?;
        let mut columns: Vec<_> = (0..comparison.columns.len()).map(|idx| self.same_column(&comparison, idx)).collect();
        let blind = comparison.blindness != Blindness::Open;
        if blind && comparison.origin.is_none() {
            columns.shuffle(&mut rand::rng());
            (0..).zip(&mut columns).for_each(|(slot, column)| column.slot = slot);
        }
        let origin = comparison.origin.as_ref().map(same_origin);
        self.begin(New { blind, origin, columns, ..asked_as(&comparison) }).await
    }

    /// What goes on from a comparison, and what is revealed together with it.
    pub async fn family(&self, id: ComparisonId) -> Result<Family, Error> {
        Ok(store::families::get(&self.db, id).await?)
    }

    /// The column that goes on from the chosen answer, which must be finished: what it says must never change.
    fn next_column(&self, parent: &Comparison, choice: Choice) -> Result<NewColumn, AskError> {
        let (column_idx, sample_idx) = (choice.column_idx as usize, choice.sample_idx as usize);
        let wrong = |message| AskError::new(Field::Columns, message);
        let column = parent.columns.get(column_idx);
        let column = column.ok_or_else(|| wrong(format!("there is no column {}", column_idx + 1)))?;
        let sample = format!("sample {} of column {}", sample_idx + 1, column_idx + 1);
        match column.answers.get(sample_idx) {
            None => Err(wrong(format!("there is no {sample}"))),
            Some(Answer { id, state: AnswerState::Finished(_), .. }) => Ok(self.column(column, Some(*id))),
            Some(_) => Err(wrong(format!("{sample} is not finished; choose another of its samples or leave it out"))),
        }
    }

    /// The same column once more, in the same conversation.
    fn same_column(&self, comparison: &Comparison, column_idx: usize) -> NewColumn {
        let after = comparison.turns.last().map(|it| it.answers[column_idx].answer);
        self.column(&comparison.columns[column_idx], after)
    }

    /// Of a model as the catalogue knows it now; where it is gone, as it was, and its column will say so. A refusal here
    /// would name a model that may be hidden.
    fn column(&self, column: &Column, after: Option<AnswerId>) -> NewColumn {
        let kept = column.model.as_ref().expect("the server's own comparisons have names");
        let slot = column.slot;
        match self.models.card(&kept.id) {
            Some(card) => {
                NewColumn { slot, after, model_id: card.id, model_name: card.name, role: card.role, about: card.about }
            }
            None => NewColumn {
                slot,
                after,
                model_id: kept.id.clone(),
                model_name: kept.name.clone(),
                role: kept.role,
                about: kept.about.clone(),
            },
        }
    }
}

/// The prompt of a comparison, with this user message in place of its own.
fn with_message(comparison: &Comparison, user: &str) -> Result<Prompt, FormatError> {
    let prompt = match &comparison.verbatim {
        Some(verbatim) => verbatim.clone(),
        None => comparison.format.apply(&comparison.question())?.under(comparison.system.as_ref()),
    };
    Ok(Prompt { user: user.to_owned(), ..prompt })
}

/// What `comparison` asked, to be asked again with a new seed; it has no columns yet.
fn asked_as(comparison: &Comparison) -> New<'_> {
    New {
        question_id: comparison.question_id.as_deref(),
        question_text: &comparison.question_text,
        format: comparison.format,
        verbatim: comparison.verbatim.as_ref(),
        system: comparison.system.as_ref(),
        beginning: &comparison.beginning,
        sampling: comparison.sampling,
        // A cell of a run may have more than can be read side by side.
        n_samples: comparison.n_samples.min(NewComparison::SAMPLES_MAX),
        seed: drawn_seed(),
        blind: comparison.is_blind(),
        origin: None,
        turn_idx: comparison.turns.len(),
        columns: Vec::new(),
    }
}

fn same_origin(origin: &Origin) -> NewOrigin {
    let edited = origin.edited().map(|it| (it.answer, it.is_changed));
    NewOrigin { comparison: origin.comparison(), edited }
}

fn find(comparison: &Comparison, id: AnswerId) -> Option<(usize, &Answer)> {
    let columns = comparison.columns.iter().enumerate();
    columns.flat_map(|(idx, column)| column.answers.iter().map(move |it| (idx, it))).find(|(_, it)| it.id == id)
}
