//! Work on what came with a model and is not trusted: it may panic, recurse without end or take for ever.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// Does the work; a panic becomes what it said.
///
/// The caller sees to it that nothing the work left half done is used afterwards.
pub fn caught<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|panic| message(&*panic).to_owned())
}

/// Does the work where deep recursion finds room: an overflow of the stack cannot be caught, it ends the whole program.
pub fn on_deep_stack<T: Send>(work: impl FnOnce() -> T + Send) -> Result<T, String> {
    thread::scope(|scope| {
        let thread = thread::Builder::new().name("deep stack".into()).stack_size(DEEP_STACK_BYTES);
        let thread = thread.spawn_scoped(scope, work).map_err(|err| err.to_string())?;
        thread.join().map_err(|panic| message(&*panic).to_owned())
    })
}

/// Only what is used of it becomes memory.
const DEEP_STACK_BYTES: usize = 256 << 20;

/// Does the work on a thread of its own and gives up on it when it panics or takes too long.
///
/// A thread cannot be ended from outside: one that takes too long is left to itself.
pub fn within<T: Send + 'static>(time_max: Duration, work: impl FnOnce() -> T + Send + 'static) -> Result<T, String> {
    let (sender, result) = mpsc::sync_channel(1);
    // Nobody listens any more when it took too long.
    let work = move || drop(sender.send(caught(work)));
    thread::Builder::new().name("time limit".into()).spawn(work).map_err(|err| err.to_string())?;
    let timed_out = |_| format!("it took longer than {time_max:?}");
    result.recv_timeout(time_max).map_err(timed_out)?
}

fn message(panic: &(dyn Any + Send)) -> &str {
    let message = panic.downcast_ref::<String>().map(String::as_str);
    message.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("a panic without a message")
}

#[cfg(test)]
mod tests;
