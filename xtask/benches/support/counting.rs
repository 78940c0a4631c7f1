//! An allocator that counts: how many allocations there were, and how much was held at a time. It is the system's besides.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

/// To be the global allocator of a benchmark.
pub struct Counting;

static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);
static HELD: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

/// What was counted.
#[derive(Clone, Copy, Debug)]
pub struct Counted {
    /// How many allocations there were, growing ones included.
    pub allocations: usize,
    /// How many bytes more than at the beginning were held at most.
    pub peak: usize,
}

/// Counts while `act` runs, on all threads.
pub fn count<T>(act: impl FnOnce() -> T) -> (T, Counted) {
    let (before, held) = (ALLOCATIONS.load(Ordering::Relaxed), HELD.load(Ordering::Relaxed));
    PEAK.store(held, Ordering::Relaxed);
    let result = act();
    let allocations = ALLOCATIONS.load(Ordering::Relaxed) - before;
    (result, Counted { allocations, peak: PEAK.load(Ordering::Relaxed).saturating_sub(held) })
}

fn add(bytes: usize) {
    ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
    let held = HELD.fetch_add(bytes, Ordering::Relaxed) + bytes;
    PEAK.fetch_max(held, Ordering::Relaxed);
}

#[expect(unsafe_code, reason = "an allocator cannot be safe; everything goes on to the system's as it came")]
// SAFETY: every call goes on to `System` with the same arguments, and its answer goes back.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        add(layout.size());
        // SAFETY: as the caller promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        add(layout.size());
        // SAFETY: as the caller promises.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, old: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        add(size);
        HELD.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: as the caller promises.
        unsafe { System.realloc(old, layout, size) }
    }

    unsafe fn dealloc(&self, old: *mut u8, layout: Layout) {
        HELD.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(old, layout) }
    }
}
