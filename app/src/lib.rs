//! What people see: pages, their parts, and the endpoints they call.
//!
//! Compiled twice: natively for the first paint (`ssr`) and to wasm for the browser (`hydrate`). Names no HTTP server, no
//! database and no model; everything it needs of them is in [`Backend`].

mod api;
mod backend;

pub use backend::{ApiError, Backend, BackendHandle, GoOn};
