//! One judge's prompt as a model reads it, and how likely the model finds what might stand behind it.

use super::super::{Asked, JudgeFailure};
use crate::Hosted;
use engine::{Event, Message, NTop, Priority, Refused, Rendered, Request, Role, TokenScore};
use futures::future::try_join_all;
use std::{sync::Arc, time::Duration};
use tokio::time::{Instant, sleep};

pub struct Question {
    hosted: Hosted,
    messages: Arc<[Message]>,
    /// One allocation for all requests, so that the engine feeds it once.
    prompt: Arc<[u32]>,
}

/// Requests of one question that are in the engine's hands at once.
const N_AT_ONCE: usize = 24;

/// How long a question waits for a place in the engine's queue.
const BUSY_MAX: Duration = Duration::from_secs(120);

impl Question {
    pub fn new(hosted: Hosted, asked: &Asked) -> Result<Self, JudgeFailure> {
        let mut messages = said(asked.message());
        let mut rendered = hosted.engine.render(&messages, "").map_err(JudgeFailure::lasting)?;
        let brought = |it: &&String| asked.question.contains(it.as_str()) || asked.answer.contains(it.as_str());
        if let brought @ [_, ..] = rendered.specials.iter().filter(brought).collect::<Vec<_>>().as_slice() {
            messages = said(defused(asked, brought).message());
            rendered = hosted.engine.render(&messages, "").map_err(JudgeFailure::lasting)?;
        }
        let (n_tokens, n_positions) = (rendered.tokens.len(), hosted.engine.shape().n_positions);
        if n_tokens >= n_positions as usize {
            return Err(JudgeFailure::lasting(format!(
                "question and answer make a judge prompt of {n_tokens} tokens, and this model was given room for \
                 {n_positions}"
            )));
        }
        Ok(Self { hosted, messages, prompt: rendered.tokens })
    }

    /// The last tokens of the prompt, at most `n`.
    pub fn tail(&self, n: usize) -> Vec<u32> {
        self.prompt[self.prompt.len().saturating_sub(n)..].to_vec()
    }

    /// The tokens that write each of these behind the prompt, cut together with it; and how many of the prompt's last
    /// tokens are among them, because one of the texts has them cut otherwise.
    pub async fn spellings(&self, texts: Vec<String>) -> Result<(Vec<Vec<u32>>, usize), JudgeFailure> {
        let (engine, messages, prompt) = (self.hosted.engine.clone(), self.messages.clone(), self.prompt.clone());
        // A hundred prompts are rendered, which takes longer than others on this thread should wait.
        let spell = tokio::task::spawn_blocking(move || {
            let render = |text: &String| engine.render(&messages, text).map(|Rendered { tokens, .. }| tokens);
            let whole = texts.iter().map(render).collect::<Result<Vec<_>, _>>().map_err(JudgeFailure::lasting)?;
            let common = |it: &Arc<[u32]>| prompt.iter().zip(it.iter()).take_while(|(a, b)| a == b).count();
            let n_common = whole.iter().map(common).min().unwrap_or(prompt.len());
            if n_common == 0 || whole.iter().any(|it| it.len() <= n_common) {
                return Err(JudgeFailure::lasting("the tokenizer of this model makes no tokens of its own of a reply"));
            }
            Ok((whole.iter().map(|it| it[n_common..].to_vec()).collect(), prompt.len() - n_common))
        });
        spell.await.map_err(|_| JudgeFailure::lasting("the tokenizer of this model cannot write a reply"))?
    }

    /// The same without the last `n` tokens of its prompt.
    pub fn cut_back(self, n: usize) -> Self {
        let prompt = if n == 0 { self.prompt } else { self.prompt[..self.prompt.len() - n].into() };
        Self { prompt, ..self }
    }

    /// How likely each token of each path is, with the likeliest in its place.
    pub async fn scored(&self, paths: Vec<Vec<u32>>) -> Result<Vec<(Vec<u32>, Vec<TokenScore>)>, JudgeFailure> {
        let mut scored = Vec::with_capacity(paths.len());
        for some in paths.chunks(N_AT_ONCE) {
            scored.extend(try_join_all(some.iter().map(|path| self.path(path))).await?);
        }
        Ok(scored)
    }

    async fn path(&self, path: &[u32]) -> Result<(Vec<u32>, Vec<TokenScore>), JudgeFailure> {
        let mut generation = self.begun(path).await?;
        let mut scores = Vec::new();
        while let Some(event) = generation.next().await {
            match event {
                Event::Read(found) => scores = found,
                Event::Failed(reason) => return Err(JudgeFailure::passing(reason)),
                Event::Piece { .. } | Event::Finished { .. } => {}
            }
        }
        if scores.len() != path.len() {
            return Err(JudgeFailure::passing("the engine did not score all that was asked"));
        }
        Ok((path.to_vec(), scores))
    }

    /// Waits for a place where the engine is busy.
    async fn begun(&self, path: &[u32]) -> Result<engine::Generation, JudgeFailure> {
        let request = Request {
            adapter: self.hosted.adapter,
            max_tokens: 0,
            given: path.into(),
            score_given: Some(NTop(NTop::MAX)),
            priority: Priority::Bulk,
            ..Request::new(self.prompt.clone())
        };
        let until = Instant::now() + BUSY_MAX;
        loop {
            match self.hosted.engine.generate(request.clone()) {
                Ok(generation) => return Ok(generation),
                Err(Refused::Busy) if Instant::now() < until => sleep(Duration::from_millis(20)).await,
                Err(refused @ (Refused::Busy | Refused::Stopped)) => return Err(JudgeFailure::passing(refused)),
                Err(refused @ (Refused::PromptTooLong { .. } | Refused::Invalid(_))) => {
                    return Err(JudgeFailure::lasting(refused));
                }
            }
        }
    }
}

fn said(content: String) -> Arc<[Message]> {
    [Message { role: Role::User, content }].into()
}

/// The same question, in which nothing can end the judge's turn: a special token that question or answer bring along is
/// written with a space in it, and then is text like any other.
fn defused(asked: &Asked, specials: &[&String]) -> Asked {
    let defuse = |text: &str| {
        specials.iter().fold(text.to_owned(), |text, special| {
            let mut characters = special.chars();
            let spaced: String = characters.next().into_iter().chain([' ']).chain(characters).collect();
            text.replace(special.as_str(), &spaced)
        })
    };
    Asked { question: defuse(&asked.question), answer: defuse(&asked.answer), ..asked.clone() }
}
