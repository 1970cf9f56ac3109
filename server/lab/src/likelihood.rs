//! How likely models find an answer: one they wrote, token by token, and any other that is given to them.

use crate::{Error, Hosted, Lab, column};
use domain::{AnswerId, Comparison, Format, Given, GivenAnswer, Likelihood, ModelId, NewLikelihood, Question, Scores};
use engine::{Engine, Event, Message, NTop, Priority, Refused, Rendered, Request, Role, TokenScore};

/// How many tokens are told beside each.
pub(crate) const N_TOP: NTop = NTop(5);

impl Lab {
    /// How likely the model that wrote an answer found each of its tokens.
    pub async fn scores(&self, id: AnswerId) -> Result<Scores, Error> {
        if let Some(scores) = store::answers::scores(&self.db, id).await? {
            return Ok(scores);
        }
        let comparison = self.comparison_of(id).await?;
        let is_over = comparison.answers().any(|it| it.id == id && it.state.is_over());
        Err(Error::refused(if is_over {
            "no probabilities are kept of this answer: it has no token, or was written before they were kept"
        } else {
            "the probabilities are there once the answer has ended"
        }))
    }

    /// An answer as the likelihood page speaks of it. That page names models, so a blind comparison has none to give.
    pub async fn given_answer(&self, id: AnswerId) -> Result<GivenAnswer, Error> {
        given_answer(&self.open_comparison_of(id).await?, id)
    }

    /// How likely `model` finds an answer. Where the caller does not wait for it, the work on it ends.
    pub async fn likelihood(&self, new: &NewLikelihood, model: &ModelId) -> Result<Likelihood, Error> {
        let hosted = self.models.hosted(model).map_err(Error::refused_as)?;
        let (messages, beginning, answer) = match &new.given {
            Given::Answer(id) => {
                let comparison = self.open_comparison_of(*id).await?;
                let GivenAnswer { text, column_idx, .. } = given_answer(&comparison, *id)?;
                let messages = column::messages(&comparison, column_idx as usize, message(&comparison, *id))
                    .map_err(Error::refused)?;
                (messages, comparison.beginning.text().to_owned(), text)
            }
            Given::Text { question, format, text } => (messages(question, *format)?, String::new(), text.clone()),
        };
        let to_score = ToScore::of(&hosted.engine, &messages, &beginning, &answer, new.with_end)?;
        let scores = scored(&hosted, &to_score).await?;
        Ok(to_score.likelihood(scores))
    }

    async fn comparison_of(&self, id: AnswerId) -> Result<Comparison, Error> {
        self.comparison(store::answers::comparison_of(&self.db, id).await?).await
    }

    async fn open_comparison_of(&self, id: AnswerId) -> Result<Comparison, Error> {
        let comparison = self.comparison_of(id).await?;
        if comparison.is_blind() {
            return Err(Error::refused(
                "this answer is part of a blind comparison, and here models have names; reveal it first",
            ));
        }
        Ok(comparison)
    }
}

fn given_answer(comparison: &Comparison, id: AnswerId) -> Result<GivenAnswer, Error> {
    let found = comparison.columns.iter().enumerate().find_map(|(column_idx, column)| {
        let sample_idx = column.answers.iter().position(|it| it.id == id)?;
        Some((column_idx, sample_idx, column))
    });
    let (column_idx, sample_idx, column) = found.ok_or(store::Error::NoAnswer(id))?;
    let answer = &column.answers[sample_idx];
    if !answer.state.is_over() {
        return Err(Error::refused("this answer is still being written; wait until it has ended"));
    }
    if answer.text.is_empty() {
        return Err(Error::refused("this answer is empty, so there is nothing to be scored"));
    }
    let models = comparison.columns.iter().flat_map(|it| &it.model);
    Ok(GivenAnswer {
        id,
        comparison: comparison.id,
        column_idx: u32::try_from(column_idx).expect("a comparison has few columns"),
        sample_idx: u32::try_from(sample_idx).expect("a column has few samples"),
        written_by: column.model.as_ref().map(|it| it.name.clone()).unwrap_or_default(),
        question_id: comparison.question_id.clone(),
        question_text: comparison.question_text.clone(),
        format: comparison.format,
        text: answer.text.clone(),
        models: models.map(|it| it.id.clone()).collect(),
    })
}

/// The message that this answer alone was given.
fn message(comparison: &Comparison, id: AnswerId) -> Option<&str> {
    comparison.answers().find(|it| it.id == id)?.message.as_deref()
}

fn messages(question: &Question, format: Format) -> Result<Vec<Message>, Error> {
    let prompt = format.apply(question).map_err(Error::refused_as)?;
    let system = prompt.system.map(|content| Message { role: Role::System, content });
    let user = Message { role: Role::User, content: prompt.user };
    Ok(system.into_iter().chain([user]).collect())
}

/// Prompt and answer as the model is to read them, and where in there the answer is.
struct ToScore {
    /// Up to the first token that is scored.
    before: Vec<u32>,
    scored: Vec<u32>,
    with_end: bool,
    n_recut: u32,
    specials: Vec<String>,
}

impl ToScore {
    /// Cuts prompt and answer into tokens as one text, which is what the model would have had before it.
    ///
    /// Tokens may reach over the place where the two meet: a prompt that ends in a line end and an answer that begins with
    /// one can make a single token. So the prompt is also cut by itself, and scored is everything behind the tokens that
    /// both have in common from the start; tokens of the prompt among it are counted in `n_recut`.
    fn of(engine: &Engine, messages: &[Message], beginning: &str, answer: &str, with_end: bool) -> Result<Self, Error> {
        let prompt = engine.render(messages, beginning).map_err(Error::refused_as)?;
        let whole = format!("{beginning}{answer}");
        let Rendered { tokens, specials, .. } = engine.render(messages, &whole).map_err(Error::refused_as)?;
        let first = prompt.tokens.iter().zip(tokens.iter()).take_while(|(a, b)| a == b).count();
        if first == tokens.len() {
            return Err(Error::refused("the tokenizer of this model makes no token of the answer"));
        }
        if first == 0 {
            return Err(Error::refused("nothing stands before the answer, so its first token has no probability"));
        }
        let (before, answered) = tokens.split_at(first);
        let end = with_end.then(|| end_token(engine));
        Ok(Self {
            before: before.to_vec(),
            scored: answered.iter().copied().chain(end).collect(),
            with_end,
            n_recut: u32::try_from(prompt.tokens.len() - first).expect("a prompt has less than 2³² tokens"),
            specials: specials.into_iter().filter(|it| answer.contains(it.as_str())).collect(),
        })
    }

    fn likelihood(self, scores: Vec<TokenScore>) -> Likelihood {
        let mut scores: Vec<_> = scores.into_iter().map(token_score).collect();
        let end = if self.with_end { scores.pop() } else { None };
        Likelihood { scores: Scores(scores), end, specials: self.specials, n_recut: self.n_recut }
    }
}

/// The token by which the model's own template ends an answer. Where several end one, as with models that also call tools,
/// it is the one that stands in a conversation behind an answer; else the first.
fn end_token(engine: &Engine) -> u32 {
    let said = |role| Message { role, content: "Hello".into() };
    let n_before = engine.render(&[said(Role::User)], "").map_or(0, |it| it.tokens.len());
    let turns = engine.render(&[said(Role::User), said(Role::Assistant), said(Role::User)], "");
    let end_tokens = engine.end_tokens();
    let behind = turns.ok().and_then(|it| it.tokens.iter().skip(n_before).copied().find(|it| end_tokens.contains(it)));
    behind.unwrap_or_else(|| *end_tokens.first().expect("at least one token ends an answer"))
}

async fn scored(hosted: &Hosted, to_score: &ToScore) -> Result<Vec<TokenScore>, Error> {
    let n_scores = to_score.scored.len();
    let request = Request {
        adapter: hosted.adapter,
        max_tokens: 0,
        given: to_score.scored.as_slice().into(),
        score_given: Some(N_TOP),
        priority: Priority::Interactive,
        ..Request::new(to_score.before.as_slice())
    };
    let mut generation = hosted.engine.generate(request).map_err(|err| match err {
        Refused::Busy => Error::Busy,
        Refused::PromptTooLong { n_tokens, n_positions } => Error::refused(format!(
            "question and answer have {n_tokens} tokens together, and this model was given room for {n_positions}"
        )),
        err => Error::refused_as(err),
    })?;
    let mut scores = Vec::new();
    while let Some(event) = generation.next().await {
        match event {
            Event::Read(found) => scores = found,
            Event::Failed(reason) => return Err(Error::refused(reason)),
            Event::Piece { .. } | Event::Finished { .. } => {}
        }
    }
    if scores.len() != n_scores {
        return Err(Error::refused(format!("the engine scored {} of {n_scores} tokens", scores.len())));
    }
    Ok(scores)
}

/// A score of the engine, as it is kept and shown.
pub(crate) fn token_score(score: TokenScore) -> domain::TokenScore {
    let likely = |it: engine::Likely| domain::Likely::new(it.bytes, it.logprob);
    domain::TokenScore { token: likely(score.token), top: score.top.into_iter().map(likely).collect() }
}
