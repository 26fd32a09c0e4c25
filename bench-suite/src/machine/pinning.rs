//! Threads that stay on their core.

use std::sync::OnceLock;

use core_affinity::CoreId;
use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::Error;

/// The cores that `threads` threads are pinned to; none where there are fewer cores.
#[must_use]
pub fn cores(threads: usize) -> Vec<usize> {
    // Looked up once, before the first pool pins its threads: a pinned one sees nothing but its own core.
    static CORES: OnceLock<Vec<CoreId>> = OnceLock::new();
    let cores = CORES.get_or_init(|| core_affinity::get_core_ids().unwrap_or_default());
    if threads > cores.len() {
        return Vec::new();
    }
    cores.iter().rev().take(threads).map(|core| core.id).collect()
}

/// A pool of `threads` threads, each pinned to a core of its own where there are as many and the
/// system allows it. The last cores are taken first: interrupts like the first one.
///
/// # Errors
/// [`Error::Threads`] when the system starts no more threads.
pub fn pool(threads: usize) -> Result<ThreadPool, Error> {
    let cores = cores(threads);
    ThreadPoolBuilder::new()
        .num_threads(threads)
        .start_handler(move |index| {
            if let Some(&id) = cores.get(index) {
                core_affinity::set_for_current(CoreId { id });
            }
        })
        .build()
        .map_err(|source| Error::Threads { threads, source })
}

/// Makes the calling thread do all the work of layers by itself, pinned to a core: rayon's global
/// pool gets one thread. Once in the life of a process, before rayon is used.
///
/// # Errors
/// [`Error::Threads`] when rayon's global pool is there already.
pub fn alone() -> Result<(), Error> {
    if let Some(core) = core_affinity::get_core_ids().unwrap_or_default().last() {
        core_affinity::set_for_current(*core);
    }
    let global = ThreadPoolBuilder::new().num_threads(1).build_global();
    global.map_err(|source| Error::Threads { threads: 1, source })
}
