//! How a kernel is laid over one size of picture: parts of a row and the tiles that cover them, how
//! many rows make a call. All of it is data. Cycles here weigh layouts of one kernel against each
//! other; what a layout costs beside other strategies is for [`crate::cost`] to say.

use crate::cover::{cost, cover};
use crate::edges::{Edges, Part, Reads};
use crate::frame::{Frame, Traffic};
use crate::joined::Joined;
use crate::kernel::{Description, Family, MOST_KINDS, Tiling};
use crate::rows;
use crate::tiled::times;

/// Cycles of a call, and of one part of a row more in it.
const CALL: f64 = 150.0;
const ROW: f64 = 15.0;

/// Cycles of staging a row, and numbers copied in one of them.
const STAGING: f64 = 25.0;
const COPIED: f64 = 8.0;

/// Numbers written in a cycle where each is written several times.
const REPEATED: f64 = 4.0;

/// Cycles of work that a call should have.
const WORTH: f64 = 16_000.0;

/// Bytes of weights that arrive in a cycle from beyond the second-level cache.
const BEYOND: f64 = 16.0;

/// Bytes of weights that arrive in a cycle from the second-level cache, and the share of a call's cycles
/// that reading them may take where it is called little.
const WEIGHTS: f64 = 40.0;
const LITTLE: f64 = 0.02;

/// What is decided for one size of picture.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Fit {
    /// The parts of a row of a picture that can be read in place.
    pub(crate) in_place: Vec<Piece>,
    /// The same, whole, for any other picture.
    pub(crate) gathered: Vec<Piece>,
    /// Output rows for which a kernel is called at once.
    pub(crate) rows: usize,
    /// Where the rows of a picture in one piece are joined to one.
    pub(crate) joined: Option<Joined>,
    /// How picture and output are moved.
    pub(crate) traffic: Traffic,
}

/// A part of a row, covered.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Piece {
    pub(crate) part: Part,
    pub(crate) tiling: Tiling,
}

impl Fit {
    /// Lays a kernel over the rows of a picture: `counts` panels of each kind in each group, the
    /// second-level cache in bytes.
    pub(crate) fn of(
        description: &Description,
        counts: &[usize; MOST_KINDS],
        frame: &Frame,
        cache: usize,
    ) -> Self {
        let spec = &frame.spec;
        let width = frame.output[1];
        // How often a call reads its rows, and how many sums a tile's cycles are of.
        let panels: usize = counts.iter().sum();
        let (passes, taps) = match description.family {
            Family::ChannelsOut | Family::AlongRow => (panels * spec.groups, spec.taps() * spec.groups),
            Family::Depthwise if description.geometry.is_some() => (1, spec.taps()),
            Family::Depthwise => (panels, spec.taps()),
        };
        // Rows that a tile of the depthwise family computes at once, where there are as many.
        let tile = match (description.family, description.panels.first().and_then(|kind| kind.tiles.first()))
        {
            (Family::Depthwise, Some(tile)) if tile.rows <= frame.output[0] => tile.rows,
            _ => 1,
        };
        // What is staged, and what is written again with each channel several times.
        let read = spec.stride[0].min(spec.extent()[0]) as f64;
        let repeated = |pixels: usize| match times(description.family, spec) {
            1 => 0.0,
            times => read * (STAGING + (pixels * spec.stride[1] * spec.c_in * times) as f64 / REPEATED),
        };
        let tiles = |pixels: usize| {
            cost(pixels, description.panels, counts) * taps as f64 / tile as f64 + repeated(pixels)
        };
        let staging = |columns: usize| read * (STAGING + (columns * spec.c_in) as f64 / COPIED);

        let alone = tiles(width);
        let rows = rows_at_once(frame, passes, alone, cache).next_multiple_of(tile).min(frame.output[0]);
        // A call more for each block of rows reads the weights again.
        let weights = size_of::<f32>() * spec.taps() * spec.c_out;
        let streamed = if weights > cache / 2 { weights as f64 / BEYOND } else { 0.0 };
        let call = (CALL + streamed) / rows as f64 + ROW * passes as f64;
        let staged = |pixels: usize| {
            let part = Part::of(frame, 0..pixels, true);
            call + tiles(pixels) + staging(part.columns.len())
        };
        let widest = description.panels.iter().flat_map(|panels| panels.tiles).map(|tile| tile.pixels).max();

        let whole = |staged: bool| vec![Part::whole(frame, staged)];
        let parts = if description.beside && frame.pads_one_column() && times(description.family, spec) == 1 {
            vec![Part::beside(frame)]
        } else if frame.pads_columns() {
            let whole_row = alone + staging(frame.reach());
            match Edges::cheapest(frame, widest.unwrap_or(1), tiles, staged) {
                Some((edges, cycles)) if cycles < whole_row => edges.parts(frame),
                _ => whole(true),
            }
        } else {
            whole(false)
        };
        Fit {
            traffic: Traffic::default(),
            in_place: covered(description, parts),
            gathered: covered(description, whole(true)),
            rows,
            joined: None,
        }
    }

    /// Whether rows are read in place with what the border shows beside them.
    pub(crate) fn beside(&self) -> bool {
        self.in_place.iter().any(|piece| piece.part.reads == Reads::Beside)
    }

    /// The pixels left and right that are computed from padded copies, where a row is cut.
    pub(crate) fn edges(&self) -> Option<Edges> {
        let interior = self.in_place.iter().find(|piece| piece.part.reads == Reads::InPlace)?;
        let (inside, all) = (&interior.part.outputs, self.gathered.first()?.part.outputs.end);
        (inside.len() < all).then(|| Edges { left: inside.start, right: all - inside.end })
    }
}

/// Covers parts of a row with the tiles of a kernel.
fn covered(description: &Description, parts: Vec<Part>) -> Vec<Piece> {
    let pieces = parts.into_iter().map(|part| {
        let mut tiling = Tiling::default();
        for (covering, panels) in tiling.iter_mut().zip(description.panels) {
            *covering = cover(part.outputs.len(), panels.tiles);
        }
        Piece { part, tiling }
    });
    pieces.collect()
}

/// Output rows for which a kernel is called at once, where `row` cycles make one.
fn rows_at_once(frame: &Frame, passes: usize, row: f64, cache: usize) -> usize {
    let spec = &frame.spec;
    let bytes = rows::pitch(frame.reach() * spec.c_in) * size_of::<f32>() * spec.stride[0];
    let rows = if passes > 1 {
        // The rows of a call are read once for each panel: they should stay in the second-level
        // cache, and the panel as well; more rows than that make the weights stream less often.
        let beside = (cache / 4 / bytes).max(4).saturating_sub(spec.extent()[0] - 1).max(4);
        // Each panel writes its part of the same cache lines' neighbours: where weights cost little to
        // read again, what one call writes should stay there too, until all of it is written.
        let written = size_of::<f32>() * frame.output[1] * spec.c_out;
        let weights = (size_of::<f32>() * spec.taps() * spec.c_out) as f64 / WEIGHTS;
        let together = (cache / 2 / written).max(1);
        if weights < LITTLE * row * together as f64 { beside.min(together) } else { beside }
    } else {
        // Read once, rows are best used as soon as they are there.
        (WORTH / row) as usize
    };
    rows.clamp(1, frame.output[0])
}

#[cfg(test)]
mod tests {
    use ndarray::{Array3, Array4};

    use super::*;
    use crate::epilogue::Epilogue;
    use crate::isa::Isa;
    use crate::strategy::{Band, direct};
    use crate::tiled::Tiled;
    use crate::workspace::Scratch;
    use crate::{Border, ConvSpec, Padding};

    /// Numbers that no two places share.
    fn numbers(index: usize) -> f32 {
        (index as f32 * 0.7).sin()
    }

    fn layers() -> Vec<ConvSpec> {
        let same =
            |kernel, c_in, c_out| ConvSpec { padding: Padding::Same, ..ConvSpec::new(kernel, c_in, c_out) };
        let mut layers = vec![
            ConvSpec { stride: [2, 2], ..same([5, 5], 2, 5) },
            ConvSpec { stride: [3, 3], ..same([1, 2], 4, 3) },
            ConvSpec { dilation: [2, 3], groups: 2, ..same([3, 3], 4, 6) },
            ConvSpec { groups: 24, ..same([3, 3], 24, 24) },
        ];
        for border in [Border::Zero, Border::Replicate, Border::Reflect, Border::Circular] {
            layers.push(ConvSpec { border, ..same([3, 5], 3, 17) });
        }
        layers
    }

    #[test]
    fn cut_rows_are_computed_as_whole_ones_to_the_bit() {
        for spec in layers() {
            let frame = Frame::new(spec, [9, 21]).unwrap();
            let input = Array3::from_shape_fn((9, 21, spec.c_in), |(i, j, c)| numbers((i * 40 + j) * 40 + c));
            let shape = (spec.kernel[0], spec.kernel[1], spec.c_in_group(), spec.c_out);
            let filter =
                Array4::from_shape_fn(shape, |(a, b, c, d)| numbers(((a * 9 + b) * 40 + c) * 40 + d));
            let epilogue = Epilogue::linear(spec.c_out);
            for isa in Isa::available() {
                let kernel = direct::kernel(isa, &spec).unwrap();
                let layer = Tiled::new(kernel.ready().unwrap(), &spec, filter.view(), &epilogue);
                let run = |in_place: Vec<Part>, rows: usize| {
                    let in_place = covered(kernel.description(), in_place);
                    let fit = Fit { in_place, rows, ..layer.fit(&frame, 1 << 20, 1) };
                    let mut output =
                        Array3::from_elem((frame.output[0], frame.output[1], spec.c_out), f32::NAN);
                    let (input, written) = (input.view(), output.view_mut());
                    let band = Band {
                        frame: &frame,
                        epilogue: &epilogue,
                        input,
                        output: written,
                        residual: None,
                        first: 0,
                    };
                    layer.band(band, &fit, &mut Scratch::new());
                    output
                };
                let whole = run(vec![Part::whole(&frame, true)], 100);
                assert!(whole.iter().all(|value| value.is_finite()), "{spec} {isa}");
                let least = Edges::least(&frame).unwrap();
                for (left, right, rows) in [(0, 0, 1), (1, 0, 2), (0, 3, 3), (2, 1, 100)] {
                    let edges = Edges { left: least.left + left, right: least.right + right };
                    assert_eq!(run(edges.parts(&frame), rows), whole, "{spec} {isa} {edges:?}, {rows} rows");
                }
            }
        }
    }

    #[test]
    fn rows_are_cut_where_copying_them_is_dear() {
        let fit = |side: usize, spec: ConvSpec| {
            let frame = Frame::new(ConvSpec { padding: Padding::Same, ..spec }, [side; 2]).unwrap();
            let kernel = direct::kernel(Isa::Portable, &spec).unwrap();
            crate::tiled::fit(kernel, &frame, 1 << 20)
        };
        let depthwise = ConvSpec { groups: 64, ..ConvSpec::new([3, 3], 64, 64) };
        let cut = fit(112, depthwise);
        let edges = cut.edges().expect("a row of 7168 numbers costs more than two ends of it");
        assert!(edges.left >= 1 && edges.right >= 1 && edges.left + edges.right < 112, "{edges:?}");
        assert_eq!(cut.gathered.len(), 1);
        // The two ends would be as much as the whole.
        assert_eq!(fit(3, depthwise).edges(), None);
        assert_eq!(fit(3, depthwise).in_place, fit(3, depthwise).gathered);
    }
}
