//! How positions are turned into angles.

use super::architecture::Architecture;
use super::keys::Keys;
use super::sizes::Sizes;
use crate::LoadError;

/// Rotary position embedding.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rope {
    pub theta: f64,
    pub scaling: RopeScaling,
}

/// How positions are stretched beyond those of the training.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum RopeScaling {
    None,
    /// Every position is divided by `factor`.
    Linear {
        factor: f64,
    },
    /// Beyond `max_position_embeddings` the angles would depend on the length of the whole text, and each longer text
    /// would need its cached keys turned anew. Up to there nothing is stretched, and further no text may go.
    Dynamic,
    Llama3(Llama3),
    Yarn(Yarn),
}

/// Slow pairs are divided by `factor`, fast ones are left alone, and between the two there is a slope.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Llama3 {
    pub factor: f64,
    /// Turns within the original length up to which a pair is slow, and from which on it is fast.
    pub low_freq_factor: f64,
    pub high_freq_factor: f64,
    pub original_positions: f64,
}

/// The same idea with a slope over the pairs of a head, and larger queries and keys.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Yarn {
    pub factor: f64,
    /// Turns within the original length from which on a pair is fast, and up to which it is slow.
    pub beta_fast: f64,
    pub beta_slow: f64,
    /// Whether the slope begins and ends at whole pairs.
    pub truncate: bool,
    pub original_positions: f64,
    /// What the turned values are multiplied with.
    pub attention_factor: f64,
}

impl Yarn {
    pub fn stretched_positions(&self) -> i64 {
        (self.original_positions * self.factor) as i64
    }
}

/// The rotation of all layers, or of those that look at everything where the others have their own.
pub fn read(architecture: Architecture, keys: &Keys, sizes: &Sizes) -> Result<Rope, LoadError> {
    if architecture == Architecture::Gemma3 {
        return of_kind_of_layer(keys, &GLOBAL, sizes);
    }
    refuse_partial(keys)?;
    let parameters = match keys.below("rope_scaling")? {
        Some(scaling) if scaling.names().next().is_some() => Some(scaling),
        _ => keys.below("rope_parameters")?,
    };
    let theta = keys.number("rope_theta", 10_000.0)?;
    Parameters::read(keys, parameters, theta, sizes)
}

/// The rotation of layers that look through a window, where it is their own.
pub fn read_local(architecture: Architecture, keys: &Keys, sizes: &Sizes) -> Result<Option<Rope>, LoadError> {
    match architecture {
        Architecture::Gemma3 => of_kind_of_layer(keys, &LOCAL, sizes).map(Some),
        _ => Ok(None),
    }
}

/// Where the parameters of one kind of layers stand.
struct KindOfLayer {
    /// Among the `rope_parameters` of new files.
    name: &'static str,
    /// In old files.
    theta_key: &'static str,
    scaling_key: Option<&'static str>,
    theta: f64,
}

const GLOBAL: KindOfLayer = KindOfLayer {
    name: "full_attention",
    theta_key: "rope_theta",
    scaling_key: Some("rope_scaling"),
    theta: 1_000_000.0,
};

const LOCAL: KindOfLayer =
    KindOfLayer { name: "sliding_attention", theta_key: "rope_local_base_freq", scaling_key: None, theta: 10_000.0 };

fn of_kind_of_layer(keys: &Keys, kind: &KindOfLayer, sizes: &Sizes) -> Result<Rope, LoadError> {
    refuse_partial(keys)?;
    let by_kind = keys.below("rope_parameters")?;
    let parameters = match &by_kind {
        Some(by_kind) => {
            refuse_unknown(by_kind, &[GLOBAL.name, LOCAL.name])?;
            by_kind.below(kind.name)?
        }
        None => None,
    };
    let scaling = match kind.scaling_key {
        Some(key) => keys.below(key)?,
        None => None,
    };
    refuse_overruled(parameters.as_ref(), scaling.as_ref())?;
    let theta = keys.number(kind.theta_key, kind.theta)?;
    Parameters::read(keys, parameters.or(scaling), theta, sizes)
}

/// The architecture's own code would mix what stands in both places, and pass over the older word for the type.
fn refuse_overruled(parameters: Option<&Keys>, scaling: Option<&Keys>) -> Result<(), LoadError> {
    let Some(scaling) = scaling else { return Ok(()) };
    if parameters.is_some() {
        return Err(scaling.absurd("there are both rope_scaling and rope_parameters"));
    }
    match scaling.get("type") {
        Some(kind) if scaling.get("rope_type").is_none() => Err(scaling.unsupported("type", &kind.to_string())),
        _ => Ok(()),
    }
}

fn refuse_partial(keys: &Keys) -> Result<(), LoadError> {
    const KEY: &str = "partial_rotary_factor";
    match keys.number_or_null(KEY, None)? {
        Some(part) if part != 1.0 => Err(keys.unsupported(KEY, &part.to_string())),
        _ => Ok(()),
    }
}

fn refuse_unknown(keys: &Keys, known: &[&str]) -> Result<(), LoadError> {
    match keys.names().find(|key| !known.contains(key)) {
        Some(key) => Err(keys.unsupported(key, &keys.get(key).expect("names have values").to_string())),
        None => Ok(()),
    }
}

/// One object of parameters, of whichever type.
struct Parameters<'a> {
    keys: Keys<'a>,
    /// What stands for the length of the training where the parameters do not say.
    original_positions: i64,
    /// What stands for it even if they do.
    original_positions_outside: Option<i64>,
}

/// Keys of every type of rotation.
const COMMON: [&str; 4] = ["rope_theta", "rope_type", "type", "partial_rotary_factor"];

impl Parameters<'_> {
    /// `theta` is what stands for that outside.
    fn read(outside: &Keys, parameters: Option<Keys>, theta: f64, sizes: &Sizes) -> Result<Rope, LoadError> {
        let Some(keys) = parameters else {
            return Ok(Rope { theta: outside.positive("rope_theta", theta)?, scaling: RopeScaling::None });
        };
        refuse_partial(&keys)?;
        let theta = keys.number("rope_theta", theta)?;
        let theta = keys.positive("rope_theta", theta)?;
        let parameters = Parameters {
            keys,
            original_positions: sizes.max_position_embeddings,
            original_positions_outside: outside.integer_or_null(ORIGINAL_POSITIONS, None)?,
        };
        Ok(Rope { theta, scaling: parameters.scaling()? })
    }

    fn scaling(&self) -> Result<RopeScaling, LoadError> {
        match self.kind()? {
            "default" => self.only(&[]).map(|()| RopeScaling::None),
            "linear" => {
                self.only(&["factor"]).and_then(|()| Ok(RopeScaling::Linear { factor: self.needed("factor")? }))
            }
            "dynamic" => self.only(&["factor"]).and_then(|()| self.needed("factor")).map(|_| RopeScaling::Dynamic),
            "llama3" => self.llama3().map(RopeScaling::Llama3),
            "yarn" => self.yarn().map(RopeScaling::Yarn),
            other => Err(self.keys.unsupported("rope_type", other)),
        }
    }

    fn kind(&self) -> Result<&str, LoadError> {
        self.keys.word("rope_type", self.keys.word("type", "default")?)
    }

    fn llama3(&self) -> Result<Llama3, LoadError> {
        self.only(&["factor", "low_freq_factor", "high_freq_factor", ORIGINAL_POSITIONS])?;
        let llama3 = Llama3 {
            factor: self.needed("factor")?,
            low_freq_factor: self.needed("low_freq_factor")?,
            high_freq_factor: self.needed("high_freq_factor")?,
            original_positions: self.original_positions()?,
        };
        if llama3.high_freq_factor <= llama3.low_freq_factor {
            return Err(self.keys.absurd("high_freq_factor is not above low_freq_factor"));
        }
        Ok(llama3)
    }

    fn yarn(&self) -> Result<Yarn, LoadError> {
        const SLOPE: [&str; 3] = ["beta_fast", "beta_slow", "truncate"];
        const SIZE: [&str; 3] = ["attention_factor", "mscale", "mscale_all_dim"];
        self.only(&[&["factor", ORIGINAL_POSITIONS][..], &SLOPE, &SIZE].concat())?;
        let factor = self.needed("factor")?;
        Ok(Yarn {
            factor,
            beta_fast: self.optional("beta_fast")?.unwrap_or(32.0),
            beta_slow: self.optional("beta_slow")?.unwrap_or(1.0),
            truncate: self.keys.flag("truncate", true)?,
            original_positions: self.original_positions()?,
            attention_factor: self.attention_factor(factor)?,
        })
    }

    fn attention_factor(&self, factor: f64) -> Result<f64, LoadError> {
        let growth = |scale: f64| if factor > 1.0 { 0.1 * scale * factor.ln() + 1.0 } else { 1.0 };
        let scales = (self.optional("mscale")?, self.optional("mscale_all_dim")?);
        match (self.optional("attention_factor")?, scales) {
            (Some(attention_factor), _) => Ok(attention_factor),
            (None, (Some(scale), Some(scale_all))) => Ok(growth(scale) / growth(scale_all)),
            (None, _) => Ok(growth(1.0)),
        }
    }

    fn original_positions(&self) -> Result<f64, LoadError> {
        let inside = self.keys.integer(ORIGINAL_POSITIONS, self.original_positions)?;
        let original_positions = self.original_positions_outside.unwrap_or(inside);
        Ok(self.keys.within(ORIGINAL_POSITIONS, original_positions, 1 << 24)? as f64)
    }

    fn only(&self, own: &[&str]) -> Result<(), LoadError> {
        refuse_unknown(&self.keys, &[&COMMON[..], own].concat())
    }

    fn needed(&self, key: &str) -> Result<f64, LoadError> {
        let kind = self.kind()?;
        let missing = || self.keys.absurd(&format!("the rope_type {kind} comes without a {key}"));
        self.optional(key)?.ok_or_else(missing)
    }

    fn optional(&self, key: &str) -> Result<Option<f64>, LoadError> {
        self.keys.number_or_null(key, None)?.map(|value| self.keys.positive(key, value)).transpose()
    }
}

const ORIGINAL_POSITIONS: &str = "original_max_position_embeddings";
