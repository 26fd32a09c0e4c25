//! Memory that a layer keeps between calls, so that a call of a known size allocates nothing.

use std::sync::{Mutex, PoisonError};

use aligned_vec::AVec;

/// Scratch of one band: it grows to what the largest call needed.
#[derive(Debug)]
pub(crate) struct Scratch {
    floats: AVec<f32>,
    inputs: Vec<&'static [f32]>,
    outputs: Vec<&'static mut [f32]>,
    bytes: Vec<&'static [u8]>,
    held: Vec<usize>,
    places: Vec<usize>,
    residuals: Vec<&'static [f32]>,
}

/// The tables of rows that a kernel reads and writes by, empty at first.
pub(crate) struct Tables<'x, 'y> {
    pub(crate) inputs: Vec<&'x [f32]>,
    pub(crate) outputs: Vec<&'y mut [f32]>,
    /// What rings of staged rows hold.
    pub(crate) held: Vec<usize>,
    pub(crate) residuals: Vec<&'x [f32]>,
}

impl Scratch {
    pub(crate) fn new() -> Self {
        Scratch {
            floats: AVec::new(64),
            inputs: Vec::new(),
            outputs: Vec::new(),
            bytes: Vec::new(),
            residuals: Vec::new(),
            held: Vec::new(),
            places: Vec::new(),
        }
    }

    /// `length` floats that start on a cache line. Their values are left over from earlier calls.
    pub(crate) fn floats(&mut self, length: usize) -> &mut [f32] {
        if self.floats.len() < length {
            self.floats.resize(length, 0.0);
        }
        &mut self.floats[..length]
    }

    /// As [`Scratch::floats`], in pieces of these lengths one after another.
    pub(crate) fn parts<const N: usize>(&mut self, lengths: [usize; N]) -> [&mut [f32]; N] {
        let mut rest = self.floats(lengths.iter().sum());
        lengths.map(|length| {
            let (part, more) = std::mem::take(&mut rest).split_at_mut(length);
            rest = more;
            part
        })
    }

    /// Takes the memory of the tables out of the scratch; give it back with [`Scratch::keep`].
    pub(crate) fn tables<'x, 'y>(&mut self) -> Tables<'x, 'y> {
        Tables {
            inputs: recycle(std::mem::take(&mut self.inputs)),
            outputs: recycle(std::mem::take(&mut self.outputs)),
            held: std::mem::take(&mut self.held),
            residuals: recycle(std::mem::take(&mut self.residuals)),
        }
    }

    /// Takes the memory of a table of rows of bytes out of the scratch; give it back with
    /// [`Scratch::keep_bytes`].
    pub(crate) fn bytes<'x>(&mut self) -> Vec<&'x [u8]> {
        recycle(std::mem::take(&mut self.bytes))
    }

    /// Takes the memory of that table back.
    pub(crate) fn keep_bytes(&mut self, table: Vec<&[u8]>) {
        self.bytes = recycle(table);
    }

    /// Takes the memory of a table of places in a row out of the scratch; give it back with
    /// [`Scratch::keep_places`].
    pub(crate) fn places(&mut self) -> Vec<usize> {
        std::mem::take(&mut self.places)
    }

    /// Takes the memory of that table back.
    pub(crate) fn keep_places(&mut self, table: Vec<usize>) {
        self.places = table;
    }

    /// Takes the memory of the tables back.
    pub(crate) fn keep(&mut self, tables: Tables<'_, '_>) {
        self.inputs = recycle(tables.inputs);
        self.outputs = recycle(tables.outputs);
        self.held = tables.held;
        self.residuals = recycle(tables.residuals);
    }
}

/// An empty table that keeps the memory of another, whose rows live for another time: collecting
/// in place reuses the allocation (a test counts that it does).
pub(crate) fn recycle<A, B>(mut table: Vec<A>) -> Vec<B> {
    table.clear();
    table.into_iter().filter_map(|_| None).collect()
}

/// The scratch of every band of one call.
pub(crate) type Workspace = Vec<Scratch>;

/// The workspaces of a layer: as many as calls ran at the same time.
#[derive(Debug, Default)]
pub(crate) struct Pool {
    idle: Mutex<Vec<Workspace>>,
}

impl Pool {
    /// No workspaces yet.
    pub(crate) const fn new() -> Self {
        Pool { idle: Mutex::new(Vec::new()) }
    }

    /// Runs `work` on a workspace of `bands` scratches.
    pub(crate) fn with<R>(&self, bands: usize, work: impl FnOnce(&mut [Scratch]) -> R) -> R {
        let mut workspace =
            self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default();
        while workspace.len() < bands {
            workspace.push(Scratch::new());
        }
        let result = work(&mut workspace[..bands]);
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(workspace);
        result
    }

    /// Bytes of the numbers in all workspaces.
    #[cfg(test)]
    pub(crate) fn bytes(&self) -> usize {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.iter().flatten().map(|scratch| size_of::<f32>() * scratch.floats.len()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_keep_their_memory() {
        let mut scratch = Scratch::new();
        let row = vec![0.0; 4];
        let mut tables = scratch.tables();
        tables.inputs.extend([row.as_slice(); 9]);
        let memory = tables.inputs.as_ptr().cast::<u8>();
        scratch.keep(tables);
        let tables = scratch.tables();
        assert!(tables.inputs.is_empty());
        assert_eq!(tables.inputs.as_ptr().cast::<u8>(), memory);
        assert!(tables.inputs.capacity() >= 9);
    }
}
