//! One picture in every memory order that a view can have.

use ndarray::{Array3, ArrayBase, ArrayView3, ArrayViewMut3, Axis, Ix3, RawData, Slice, s};

/// How a picture lies in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// `[H, W, C]`.
    Hwc,
    /// `[C, H, W]`.
    Planar,
    /// `[W, H, C]`.
    Transposed,
    /// `[H, C, W]`.
    RowPlanar,
    /// Every second row of a taller picture.
    RowsApart,
    /// A window of a wider picture, at its right edge.
    Window,
    /// Every third number of everything.
    Sparse,
    /// Rows from the last to the first.
    UpsideDown,
    /// Every axis backwards.
    Reversed,
    /// Planar, with columns backwards and planes apart.
    PlanarReversed,
}

impl Layout {
    pub const ALL: [Layout; 10] = [
        Layout::Hwc,
        Layout::Planar,
        Layout::Transposed,
        Layout::RowPlanar,
        Layout::RowsApart,
        Layout::Window,
        Layout::Sparse,
        Layout::UpsideDown,
        Layout::Reversed,
        Layout::PlanarReversed,
    ];

    /// The part of the memory that is the picture, as `[H, W, C]`.
    fn of<S: RawData>(self, mut view: ArrayBase<S, Ix3>) -> ArrayBase<S, Ix3> {
        match self {
            Layout::Hwc => view,
            Layout::Planar => view.permuted_axes([1, 2, 0]),
            Layout::Transposed => view.permuted_axes([1, 0, 2]),
            Layout::RowPlanar => view.permuted_axes([0, 2, 1]),
            Layout::RowsApart => view.slice_move(s![..;2, .., ..]),
            Layout::Window => view.slice_move(s![1.., 2.., 3..]),
            Layout::Sparse => view.slice_move(s![..;3, ..;3, ..;3]),
            Layout::UpsideDown => view.slice_move(s![..;-1, .., ..]),
            Layout::Reversed => view.slice_move(s![..;-1, ..;-1, ..;-1]),
            Layout::PlanarReversed => {
                view.slice_axis_inplace(Axis(0), Slice::new(0, None, 2));
                view.invert_axis(Axis(2));
                view.permuted_axes([1, 2, 0])
            }
        }
    }
}

/// Memory around a picture of some layout; what is not the picture holds a mark.
pub struct Laid {
    memory: Array3<f32>,
    layout: Layout,
}

const MARK: f32 = 1.234_567e30;

impl Laid {
    /// Memory for a picture of `shape`.
    pub fn new(layout: Layout, [h, w, c]: [usize; 3]) -> Self {
        let shape = match layout {
            Layout::Hwc | Layout::UpsideDown | Layout::Reversed => [h, w, c],
            Layout::Planar => [c, h, w],
            Layout::Transposed => [w, h, c],
            Layout::RowPlanar => [h, c, w],
            Layout::RowsApart => [2 * h, w, c],
            Layout::Window => [h + 1, w + 2, c + 3],
            Layout::Sparse => [3 * h, 3 * w, 3 * c],
            Layout::PlanarReversed => [2 * c, h, w],
        };
        Laid { memory: Array3::from_elem(shape, MARK), layout }
    }

    /// A copy of a picture.
    pub fn of(layout: Layout, picture: ArrayView3<'_, f32>) -> Self {
        let (h, w, c) = picture.dim();
        let mut laid = Laid::new(layout, [h, w, c]);
        laid.view_mut().assign(&picture);
        laid
    }

    /// The picture, `[H, W, C]`.
    pub fn view(&self) -> ArrayView3<'_, f32> {
        self.layout.of(self.memory.view())
    }

    /// The picture, `[H, W, C]`, to be written.
    pub fn view_mut(&mut self) -> ArrayViewMut3<'_, f32> {
        self.layout.of(self.memory.view_mut())
    }

    /// Whether the memory around the picture was left alone.
    pub fn surroundings_are_untouched(&self) -> bool {
        let marks = self.memory.iter().filter(|number| **number == MARK).count();
        let inside = self.view().iter().filter(|number| **number == MARK).count();
        inside == 0 && marks == self.memory.len() - self.view().len()
    }
}
