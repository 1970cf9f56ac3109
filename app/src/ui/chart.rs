//! Charts: from numbers to shapes, and from shapes to what the page shows and what a person takes away.
//!
//! What is drawn, and where, is pure. The page and the downloaded file are two ways to write the same shapes.

mod bars;
mod csv;
mod drawing;
mod forest;
mod histogram;
mod scale;
pub mod scatter;
mod standalone;

pub mod download;

pub use bars::{Bar, BarGroup, bars};
pub use csv::{Cell, Sheet};
pub use drawing::{Drawing, DrawingView, Shape, shape_view};
pub use forest::{ForestRow, Reach, forest};
pub use histogram::{HistogramRow, histograms};
pub use standalone::standalone;
