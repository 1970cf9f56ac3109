//! The ids that people give: they stand in URLs, files and tables as they are.

pub(crate) const SLUG: &str = "1 to 80 letters, digits, hyphens or underscores";

pub(crate) fn is_slug(id: &str) -> bool {
    (1..=80).contains(&id.len()) && id.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'-' || it == b'_')
}
