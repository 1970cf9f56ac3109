//! Completions: a text or tokens in, what follows them out; and how likely the model finds a given text.

use super::{
    error::Error,
    logprobs::{Offset, PromptLogprobs, TextLogprobs, prompt_logprobs},
    neutral::Neutral,
    options::{Options, n_top},
    order::{Order, Prompt, hosted},
    reply::{Answer, Wire},
    sent::{Known, Sent},
};
use crate::limits::Limits;
use engine::{Engine, NTop, Request, TokenScore};
use lab::Models;
use serde::{Deserialize, Serialize};
use std::sync::LazyLock;
use utoipa::ToSchema;

/// The body of a request for completions. Null is as good as nothing; fields that are not here are refused.
#[derive(Deserialize, ToSchema)]
#[expect(dead_code, reason = "the parts are read one by one, so that faults are told with the field's name")]
pub struct CompletionRequest {
    #[serde(flatten)]
    own: CompletionFields,
    #[serde(flatten)]
    options: Options,
    #[serde(flatten)]
    neutral: Neutral,
}

#[derive(Debug, Deserialize, ToSchema)]
pub struct CompletionFields {
    prompt: Prompts,
    /// Whether the choice's text begins with the prompt. With `logprobs`, its tokens are scored as well, and `max_tokens`
    /// may be 0.
    #[schema(default = false)]
    echo: Option<bool>,
    /// Tells how likely the model found each token, with so many of the likeliest beside it.
    #[schema(minimum = 0, maximum = 20)]
    logprobs: Option<u8>,
    /// Answers of which the best are told. Only as many as `n`: answers are not ranked here.
    best_of: Option<u32>,
}

/// Texts are taken as they are, without a chat template; only the token that every text of a model begins with, where it has
/// one, is put before them.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(
    untagged,
    expecting = "expected a text, a list of texts, a list of token numbers or a list of lists of token numbers"
)]
enum Prompts {
    Text(String),
    Texts(Vec<String>),
    Tokens(Vec<u32>),
    TokenLists(Vec<Vec<u32>>),
}

static KNOWN: LazyLock<Known> = LazyLock::new(Known::of::<CompletionFields, Options>);

/// What was asked for, and how it is to be written.
pub fn order(sent: &Sent, models: &Models, limits: &Limits) -> Result<(Order, TextWire), Error> {
    sent.check(&KNOWN)?;
    let (fields, options): (CompletionFields, Options) = (sent.read()?, sent.read()?);
    let hosted = hosted(models, &options.model)?;
    fields.check_best_of(options.n(limits)?)?;
    let request = fields.request(&options, &hosted.engine, limits)?;
    let (echoes, n_top) = (fields.echoes(), fields.logprobs);
    let prompts = fields.prompt.read(&hosted.engine, limits)?;
    let order = Order::new(&options, hosted, prompts, request, limits)?;
    let echoes = echoes.then(|| Echoes::of(&order));
    let offsets = vec![Offset::default(); order.n_answers() as usize];
    Ok((order, TextWire { n_top, n_top_prompt: options.prompt_logprobs, echoes, offsets }))
}

impl Prompts {
    fn read(self, engine: &Engine, limits: &Limits) -> Result<Vec<Prompt>, Error> {
        let prompts: Vec<Source> = match self {
            Self::Text(text) => vec![Source::Text(text)],
            Self::Texts(texts) => texts.into_iter().map(Source::Text).collect(),
            Self::Tokens(tokens) => vec![Source::Tokens(tokens)],
            Self::TokenLists(lists) => lists.into_iter().map(Source::Tokens).collect(),
        };
        let n_bytes: usize = prompts.iter().map(Source::n_bytes).sum();
        if n_bytes > limits.prompt_bytes_max {
            let message = format!("the prompts have {n_bytes} bytes, but may have {}", limits.prompt_bytes_max);
            return Err(Error::too_long("prompt", message));
        }
        if !(1..=limits.prompts_max as usize).contains(&prompts.len()) {
            let message = format!("there are {} prompts, but must be from 1 to {}", prompts.len(), limits.prompts_max);
            return Err(Error::invalid("prompt", message));
        }
        prompts.into_iter().map(|it| it.read(engine)).collect()
    }
}

/// One prompt as it was sent.
enum Source {
    Text(String),
    Tokens(Vec<u32>),
}

impl Source {
    fn n_bytes(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Tokens(_) => 0, // Their number is held to the model's room.
        }
    }

    fn read(self, engine: &Engine) -> Result<Prompt, Error> {
        let prompt = match self {
            Self::Text(text) => engine.encode(&text).map(|it| Prompt { text, tokens: it.tokens }),
            Self::Tokens(tokens) => engine.written(&tokens).map(|text| Prompt { text, tokens: tokens.into() }),
        };
        match prompt.map_err(|err| Error::unrendered(&err, "prompt"))? {
            prompt if prompt.tokens.is_empty() => Err(Error::invalid("prompt", "a prompt is empty")),
            prompt => Ok(prompt),
        }
    }
}

impl CompletionFields {
    fn request(&self, options: &Options, engine: &Engine, limits: &Limits) -> Result<Request, Error> {
        let request = options.request(engine)?;
        let max_tokens = options.max_tokens(limits)?.unwrap_or(MAX_TOKENS_DEFAULT);
        let score_answer = self.logprobs.map(|it| n_top("logprobs", it)).transpose()?;
        let score_prompt = larger(request.score_prompt, score_answer.filter(|_| self.echoes()));
        if max_tokens == 0 && !self.echoes() && score_prompt.is_none() {
            let message = "max_tokens is 0, which goes with echo or prompt_logprobs only";
            return Err(Error::invalid("max_tokens", message));
        }
        Ok(Request {
            max_tokens: max_tokens.min(engine.shape().n_positions),
            score_answer,
            // An engine that is to draw nothing has only the prompt to score.
            score_prompt: score_prompt.or((max_tokens == 0).then_some(NTop(0))),
            // Harnesses that score a text ask for one token more and take the last entry off the lists. If that token ended
            // the answer it would have no entry, and they would take off one of the text.
            ignore_end: request.ignore_end || (self.echoes() && score_answer.is_some() && max_tokens == 1),
            ..request
        })
    }

    fn echoes(&self) -> bool {
        self.echo.unwrap_or(false)
    }

    fn check_best_of(&self, n: u32) -> Result<(), Error> {
        match self.best_of {
            Some(best_of) if best_of != n => Err(Error::unsupported_value("best_of", "that of n")),
            _ => Ok(()),
        }
    }
}

/// As OpenAI has it for completions.
const MAX_TOKENS_DEFAULT: u32 = 16;

/// The one that asks for more.
fn larger(one: Option<NTop>, other: Option<NTop>) -> Option<NTop> {
    one.into_iter().chain(other).max_by_key(|it| it.0)
}

/// How completions write an answer.
pub struct TextWire {
    n_top: Option<u8>,
    n_top_prompt: Option<u8>,
    /// The prompts, where they are told with the answers.
    echoes: Option<Echoes>,
    /// How far each answer's text has been counted.
    offsets: Vec<Offset>,
}

struct Echoes {
    /// Answers to each prompt.
    n: u32,
    prompts: Vec<Echo>,
}

/// A prompt as it is told again.
struct Echo {
    text: String,
    /// What the first token writes, which has no score.
    first: Vec<u8>,
}

#[derive(Serialize, ToSchema)]
pub struct TextChoice {
    index: u32,
    text: String,
    logprobs: Option<TextLogprobs>,
    /// `stop` at a stop string or where the model ended, `length` where there was no room for more.
    finish_reason: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    prompt_logprobs: Option<PromptLogprobs>,
}

#[derive(Serialize)]
pub struct TextPart {
    index: u32,
    text: String,
    logprobs: Option<TextLogprobs>,
    finish_reason: Option<&'static str>,
}

impl Echoes {
    fn of(order: &Order) -> Self {
        let engine = &order.hosted.engine;
        let echo = |it: &Prompt| Echo { text: it.text.clone(), first: engine.bytes(it.tokens[0]) };
        Self { n: order.n, prompts: order.prompts.iter().map(echo).collect() }
    }
}

impl TextWire {
    fn echo(&self, index: u32) -> Option<&Echo> {
        self.echoes.as_ref().map(|it| &it.prompts[(index / it.n) as usize])
    }
}

impl Wire for TextWire {
    type Choice = TextChoice;
    type Part = TextPart;
    const ID_PREFIX: &'static str = "cmpl";
    const OBJECT: &'static str = "text_completion";
    const CHUNK_OBJECT: &'static str = "text_completion";
    const PROMPT: &'static str = "prompt";

    fn choice(&self, index: u32, answer: Answer) -> TextChoice {
        let mut offset = Offset::default();
        let echo = self.echo(index);
        let logprobs = self.n_top.map(|n_top| {
            let mut logprobs = echo
                .map_or_else(TextLogprobs::default, |echo| echo.logprobs(&answer.prompt_scores, n_top, &mut offset));
            logprobs.push(&answer.scores, n_top, &mut offset);
            logprobs
        });
        let prompt_logprobs = self.n_top_prompt.map(|n_top| prompt_logprobs(&answer.prompt_scores, n_top));
        let text = echo.map_or_else(String::new, |it| it.text.clone()) + &answer.text;
        TextChoice { index, text, logprobs, finish_reason: answer.finish_reason, prompt_logprobs }
    }

    /// A prompt without scores can be told at once.
    fn opening(&mut self, index: u32) -> Option<TextPart> {
        let text = self.echo(index).filter(|_| self.n_top.is_none())?.text.clone();
        Some(TextPart { index, text, logprobs: None, finish_reason: None })
    }

    fn prompt(&mut self, index: u32, scores: &[TokenScore]) -> Option<TextPart> {
        let mut offset = Offset::default();
        let (n_top, echo) = (self.n_top?, self.echo(index)?);
        let (text, logprobs) = (echo.text.clone(), Some(echo.logprobs(scores, n_top, &mut offset)));
        self.offsets[index as usize] = offset;
        Some(TextPart { index, text, logprobs, finish_reason: None })
    }

    fn piece(&mut self, index: u32, text: String, scores: &[TokenScore]) -> TextPart {
        let offset = &mut self.offsets[index as usize];
        let logprobs = self.n_top.map(|n_top| {
            let mut logprobs = TextLogprobs::default();
            logprobs.push(scores, n_top, offset);
            logprobs
        });
        TextPart { index, text, logprobs, finish_reason: None }
    }

    fn end(&mut self, index: u32, reason: &'static str) -> TextPart {
        TextPart { index, text: String::new(), logprobs: None, finish_reason: Some(reason) }
    }
}

impl Echo {
    fn logprobs(&self, scores: &[TokenScore], n_top: u8, offset: &mut Offset) -> TextLogprobs {
        let mut logprobs = TextLogprobs::default();
        // The token that every text of a model begins with is no part of the text that was sent.
        let is_sent = self.text.as_bytes().starts_with(&self.first);
        logprobs.push_first(&self.first, is_sent, offset);
        logprobs.push(scores, n_top, offset);
        logprobs
    }
}
