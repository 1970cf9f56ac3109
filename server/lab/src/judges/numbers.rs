//! The numbers "0" to "100" as a model writes them, and how probable each is as its whole reply.
//!
//! Some tokenizers have a token for every number, some write digit by digit, and some put a space before. So the numbers
//! are paths of tokens in a tree. The probability of a number is the product along its path, times, where other numbers go
//! on from there, the probability that no digit follows: that `8` is the reply is what is left at `8` when neither `80`
//! nor any other digit comes next.
//!
//! Pure: what the model finds probable is brought here as [`Seen`], as far as the tree [wants](Numbers::wanted) to know it.

use super::numeric::Numeric;
use std::collections::HashMap;

/// The tree of the numbers.
#[derive(Clone, Debug)]
pub struct Numbers {
    /// The root, where the reply begins, is first; every node comes before those behind it.
    nodes: Vec<Node>,
}

#[derive(Clone, Debug, Default)]
struct Node {
    path: Vec<u32>,
    /// The number that is written once one is here.
    number: Option<u8>,
    /// By which tokens it goes on, and where that leads.
    children: Vec<(u32, usize)>,
}

/// What is known of the tokens that come next, by the path that leads there.
#[derive(Clone, Debug, Default)]
pub struct Seen(HashMap<Vec<u32>, Next>);

#[derive(Clone, Debug, Default)]
struct Next {
    probabilities: HashMap<u32, f64>,
    /// Of the tokens among these that go on with a digit.
    digits: HashMap<u32, f64>,
    /// No token that is not among them is more probable.
    others_max: f64,
}

/// A token in its place, with its probability from 0 to 1.
#[derive(Clone, Copy, Debug)]
pub struct Likely<'a> {
    pub token: u32,
    /// What it writes.
    pub bytes: &'a [u8],
    pub probability: f64,
}

/// What is less probable than this is not asked for: left out, it moves a score by less than 0.1.
const PROBABILITY_MIN: f64 = 1e-3;

/// With so many places where a number goes on, all of them are asked about at once. More questions behind one prompt cost
/// little as long as it is still cached, and asking twice may mean that it is fed twice.
const N_AT_ONCE_MAX: usize = 16;

impl Numbers {
    /// Of numbers with the tokens that write them, at least one each. A number may be written in several ways.
    pub fn new(spellings: impl IntoIterator<Item = (u8, Vec<u32>)>) -> Self {
        let mut nodes = vec![Node::default()];
        for (number, tokens) in spellings {
            let end = tokens.into_iter().fold(0, |at, token| step(&mut nodes, at, token));
            nodes[end].number = Some(number);
        }
        Self { nodes }
    }

    /// The paths to be scored before [`numeric`](Self::numeric) can be told: each token, with the likeliest in its place.
    /// Empty once all is known that counts.
    pub fn wanted(&self, seen: &Seen) -> Vec<Vec<u32>> {
        let mut unseen: Vec<&Node> = Vec::new();
        let mut wanted = Vec::new();
        for (node, reach) in self.nodes.iter().zip(self.reach(seen)) {
            if !node.is_inner() || reach < PROBABILITY_MIN {
                continue;
            }
            match seen.0.get(&node.path) {
                None if self.is_small() || seen.has_parent(node) => unseen.push(node),
                None => {}
                Some(next) => wanted.extend(self.unlisted(node, next, reach)),
            }
        }
        // Whoever goes further tells of the places on its way as well.
        let goes_by = |node: &Node, it: &&Node| it.path.len() > node.path.len() && it.path.starts_with(&node.path);
        let last = unseen.iter().filter(|node| !unseen.iter().any(|it| goes_by(node, it)));
        wanted.extend(last.map(|node| node.then(node.children[0].0)));
        wanted
    }

    /// How probable each number is, as far as it was seen.
    pub fn numeric(&self, seen: &Seen) -> Numeric {
        let mut numeric = Numeric::default();
        let mut probabilities = vec![1.0; self.nodes.len()];
        for (idx, node) in self.nodes.iter().enumerate() {
            let next = seen.0.get(&node.path).filter(|_| node.is_inner());
            for &(token, to) in &node.children {
                let follows = next.and_then(|it| it.probabilities.get(&token)).copied();
                probabilities[to] = probabilities[idx] * follows.unwrap_or(0.0);
            }
            if let Some(number) = node.number {
                numeric.add(number, probabilities[idx] * next.map_or(1.0, Next::ends));
            }
        }
        numeric
    }

    /// How probable each node is at most.
    fn reach(&self, seen: &Seen) -> Vec<f64> {
        let mut reach = vec![1.0; self.nodes.len()];
        for (idx, node) in self.nodes.iter().enumerate() {
            for &(token, to) in &node.children {
                reach[to] = reach[idx] * seen.0.get(&node.path).map_or(1.0, |next| next.at_most(token));
            }
        }
        reach
    }

    /// Numbers that end behind this node, are not among the likeliest there, and may count all the same.
    fn unlisted(&self, node: &Node, next: &Next, reach: f64) -> impl Iterator<Item = Vec<u32>> {
        let counts = |(token, to): &&(u32, usize)| {
            let is_known = next.probabilities.contains_key(token);
            !is_known && !self.nodes[*to].is_inner() && reach * next.others_max >= PROBABILITY_MIN
        };
        node.children.iter().filter(counts).map(|(token, _)| node.then(*token)).collect::<Vec<_>>().into_iter()
    }

    fn is_small(&self) -> bool {
        self.nodes.iter().filter(|it| it.is_inner()).count() <= N_AT_ONCE_MAX
    }
}

impl Node {
    /// Whether a number goes on from here.
    fn is_inner(&self) -> bool {
        !self.children.is_empty()
    }

    fn then(&self, token: u32) -> Vec<u32> {
        [self.path.as_slice(), &[token]].concat()
    }
}

/// The node that `token` leads to.
fn step(nodes: &mut Vec<Node>, at: usize, token: u32) -> usize {
    if let Some((_, to)) = nodes[at].children.iter().find(|(it, _)| *it == token) {
        return *to;
    }
    let path = nodes[at].then(token);
    nodes.push(Node { path, ..Node::default() });
    let to = nodes.len() - 1;
    nodes[at].children.push((token, to));
    to
}

impl Seen {
    /// Learns what comes behind `path`: a token that was asked about, and the likeliest in its place, likeliest first.
    pub fn learn(&mut self, path: &[u32], asked: Likely, top: &[Likely]) {
        let next = self.0.entry(path.to_vec()).or_default();
        let listed: f64 = top.iter().map(|it| it.probability).sum();
        let last = top.last().map_or(1.0, |it| it.probability);
        next.others_max = if last < 1.0 - listed { last } else { (1.0 - listed).max(0.0) };
        for it in top.iter().chain([&asked]) {
            next.probabilities.insert(it.token, it.probability);
            if it.bytes.first().is_some_and(u8::is_ascii_digit) {
                next.digits.insert(it.token, it.probability);
            }
        }
    }

    fn has_parent(&self, node: &Node) -> bool {
        node.path.split_last().is_none_or(|(_, parent)| self.0.contains_key(parent))
    }
}

impl Next {
    /// That no digit comes next.
    fn ends(&self) -> f64 {
        let left = 1.0 - self.digits.values().sum::<f64>();
        // Sums of rounded numbers; a NaN stays one.
        if left < 0.0 { 0.0 } else { left }
    }

    fn at_most(&self, token: u32) -> f64 {
        self.probabilities.get(&token).copied().unwrap_or(self.others_max)
    }
}

#[cfg(test)]
mod tests;
