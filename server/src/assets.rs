//! The site, built into the program so that it runs from any folder.

use rust_embed::RustEmbed;
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use web::Assets;

/// What `make site` has made.
#[derive(RustEmbed)]
#[folder = "../target/site"]
struct Site;

pub fn assets() -> Assets {
    Assets::new(|path| Site::get(path).map(|file| file.data), version())
}

/// Changes whenever a file does.
fn version() -> String {
    let mut digest = Sha256::new();
    for path in Site::iter() {
        digest.update(path.as_bytes());
        digest.update(Site::get(&path).map(|file| file.metadata.sha256_hash()).unwrap_or_default());
    }
    digest.finalize().iter().take(8).fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("strings can be written to");
        text
    })
}
