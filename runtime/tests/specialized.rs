//! Generated kernels of many shapes against the exact sum, at every width around their tiles.

mod common;

use std::collections::BTreeSet;

use common::layouts::{Laid, Layout};
use common::{Numbers, oracle};
use ndarray::{Array1, Array3, Array4};
use tapwise::{Activation, Border, Conv2d, ConvSpec, Family, Geometry, Padding, Strategy, registry};

/// Grouped and ragged: every group ends in a vector of one channel.
#[tapwise::conv2d(kernel = [3, 2], stride = [1, 2], dilation = [2, 1], groups = 2, c_in = 6, c_out = 34)]
struct Ragged;

tapwise::specialize! {
    // Small enough to be unrolled.
    { delta: 1, c_in: 3, c_out: [5, 16, 17, 28] }
    { kernel: [3, 3], stride: 2, c_in: 3, c_out: [17, 32] }
    { delta: 1, dilation: 2, c_in: 4, c_out: 20 }
    { kernel: [[1, 3], [3, 1], [2, 2]], c_in: 5, c_out: 9 }
    { delta: 1, groups: 8, c_in: 8, c_out: [8, 24] }
    // Loops around an unrolled tile.
    { delta: 1, c_in: [16, 24], c_out: [24, 40] }
    { delta: 1, c_in: 64, c_out: 64 }
    { delta: 2, c_in: 24, c_out: 24 }
    { delta: 0, c_in: [16, 33], c_out: [40, 80] }
    { kernel: [7, 7], stride: 2, c_in: 3, c_out: 64 }
    { kernel: [4, 6], stride: [2, 1], dilation: [1, 3], c_in: 7, c_out: 13 }
    { kernel: [1, 11], stride: [1, 3], groups: 3, c_in: 12, c_out: 51 }
    // Depthwise: whole vectors, a last one that overlaps, fewer channels than lanes; large filters are
    // looped over, and wide ones taken some taps at a time.
    { delta: 1, groups: 3, c_in: 3, c_out: 3 }
    { delta: [1, 2], groups: 16, c_in: 16, c_out: 16 }
    { delta: 1, groups: 17, c_in: 17, c_out: 17 }
    { delta: [1, 3], stride: 2, groups: 40, c_in: 40, c_out: 40 }
    { kernel: [2, 3], dilation: [2, 3], groups: 33, c_in: 33, c_out: 33 }
    { kernel: [3, 22], stride: [1, 2], groups: 24, c_in: 24, c_out: 24 }
    // Pixels so far apart that two rows are computed at once, but for three columns; strides 1 and 2.
    { kernel: [[3, 2], [3, 3]], groups: 512, c_in: 512, c_out: 512 }
    { kernel: [[3, 3], [3, 4]], stride: 2, groups: 256, c_in: 256, c_out: 256 }
    // Several outputs of a channel.
    { delta: 1, groups: 20, c_in: 20, c_out: [40, 60] }
    { kernel: [2, 5], stride: 2, groups: 9, c_in: 9, c_out: 45 }
    // Groups that share a vector: two, four and eight channels each.
    { kernel: [3, 4], stride: [1, 2], groups: 17, c_in: 34, c_out: 34 }
    { delta: 1, dilation: [1, 2], groups: 8, c_in: 32, c_out: 32 }
    { delta: 1, groups: 3, c_in: 24, c_out: 24 }
    // Few output channels, lanes along the row: one, even panels, ragged panels, groups, large filters,
    // dilation, stride down the picture.
    { delta: [1, 7], c_in: 1, c_out: 1 }
    { delta: 1, c_in: 1, c_out: 8 }
    { delta: 1, c_in: [3, 8], c_out: 4 }
    { kernel: [5, 3], dilation: [2, 3], groups: 2, c_in: 4, c_out: 22 }
    { kernel: [2, 7], stride: [2, 1], c_in: 2, c_out: 3 }
    // Pixels read as they lie in memory, lanes along their channels in turn.
    { kernel: [2, 5], stride: [2, 1], dilation: [1, 2], groups: 5, c_in: 5, c_out: 5 }
    { kernel: [7, 2], dilation: [2, 1], groups: 2, c_in: 2, c_out: 2 }
    // Sections of six, six and five filter rows.
    { kernel: [17, 2], stride: [2, 1], dilation: [2, 1], groups: 2, c_in: 4, c_out: 6 }
}

/// Shapes compiled above.
const SHAPES: usize = 54;

fn geometries() -> BTreeSet<Geometry> {
    registry::kernels().filter_map(|kernel| kernel.geometry().copied()).collect()
}

#[test]
fn every_shape_is_registered_for_every_instruction_set() {
    assert_eq!(geometries().len(), SHAPES);
    for isa in common::instruction_sets() {
        let kernels = || registry::kernels().filter(|kernel| kernel.isa() == isa);
        let shapes: BTreeSet<_> = kernels().filter_map(|kernel| kernel.geometry()).collect();
        assert_eq!(shapes.len(), SHAPES, "{isa}");
        // Some shapes have a second kernel, along the row.
        let along = kernels().filter(|kernel| kernel.family() == Family::AlongRow).count();
        assert_eq!(kernels().count() - along, SHAPES, "{isa}");
        assert!(along >= 7, "{isa}: {along}");
    }
    let reasons = |part: &str| registry::kernels().filter(|kernel| kernel.reason().contains(part)).count();
    assert!(reasons("fully unrolled") > 0 && reasons("constant loops") > 0 && reasons("lanes idle") > 0);
    assert!(reasons("loaded and not broadcast") > 0 && reasons("channels again") > 0);
}

fn check(geometry: &Geometry, most_work: usize) {
    let mut spec = ConvSpec::new(geometry.kernel, geometry.c_in, geometry.c_out);
    (spec.stride, spec.dilation, spec.groups) = (geometry.stride, geometry.dilation, geometry.groups);
    let mut numbers = Numbers::new((geometry.c_in * 1000 + geometry.c_out) as u64);
    let [rows, columns] = geometry.kernel;
    let filter: Array4<f32> = numbers.array((rows, columns, spec.c_in_group(), spec.c_out));
    let bias: Array1<f32> = numbers.array(spec.c_out);
    for width in 1..=70 {
        // All widths; heights and everything else take turns.
        let work = width * spec.c_out * spec.taps();
        // Beyond the widest tile, large shapes are run at some widths only.
        if work > 2 * most_work && width > 17 && width % 5 != 0 {
            continue;
        }
        let height = (1 + width * 5 % 6).min((most_work / work).max(1));
        spec.padding = match width % 3 {
            0 => Padding::Same,
            1 => Padding::Explicit { top: rows / 2, bottom: rows, left: columns - 1, right: columns / 2 },
            _ => Padding::Valid,
        };
        spec.border = Border::ALL[width / 3 % 4];
        let input = match spec.padding {
            Padding::Valid => {
                let extent = spec.extent();
                [(height - 1) * spec.stride[0] + extent[0], (width - 1) * spec.stride[1] + extent[1]]
            }
            _ => [height, width],
        };
        let Ok([out_rows, out_columns]) = spec.output(input) else { continue };
        let activation = match width % 7 {
            0 => Activation::Identity,
            1 => Activation::Relu,
            2 => Activation::Relu6,
            3 => Activation::Clamp { low: -0.5, high: 0.25 },
            4 => Activation::LeakyRelu { slope: 0.125 },
            5 => Activation::Prelu(numbers.array(spec.c_out)),
            _ => Activation::Crelu,
        };
        let layout = Layout::ALL[if width % 4 == 0 { width / 4 % Layout::ALL.len() } else { 0 }];
        let picture: Array3<f32> = numbers.array((input[0], input[1], spec.c_in));
        let answer =
            oracle::answer(&spec, filter.view(), Some(bias.view()), &activation, picture.view()).unwrap();
        let picture = Laid::of(layout, picture.view());
        let kernels = registry::kernels().filter(|kernel| kernel.geometry() == Some(geometry));
        for (isa, family) in kernels.map(|kernel| (kernel.isa(), kernel.family())) {
            if !isa.is_available() {
                continue;
            }
            let layer = Conv2d::builder(filter.view())
                .spec(&spec)
                .family(family)
                .bias(bias.view())
                .activation(activation.clone())
                .strategy(Strategy::Specialized)
                .isa(isa)
                .build()
                .unwrap();
            let mut output = Laid::new(layout, [out_rows, out_columns, layer.channels()]);
            layer.forward_into(picture.view(), output.view_mut()).unwrap();
            assert!(output.surroundings_are_untouched(), "{spec} {isa} {family}: {input:?} {layout:?}");
            if let Err(problem) = oracle::judge(output.view(), &answer, oracle::bound(spec.taps())) {
                panic!("{spec} {isa} {family}, {input:?} {layout:?}: {problem}");
            }
        }
    }
}

#[test]
fn every_kernel_is_exact_at_every_width() {
    let geometries = geometries();
    assert!(!geometries.is_empty());
    for geometry in &geometries {
        check(geometry, 100_000);
    }
}

/// Rows that are read in place, with one column of border looked up beside them, and padded copies of
/// them: a planar picture has no rows of pixels, so that its are copied.
#[test]
fn what_is_beside_a_row_is_what_padding_would_put_there() {
    for (channels, stride) in [(40, [2, 2]), (17, [1, 1]), (512, [1, 1]), (256, [2, 2])] {
        let mut spec = ConvSpec::new([3, 3], channels, channels);
        (spec.stride, spec.groups) = (stride, channels);
        let mut numbers = Numbers::new(channels as u64);
        let filter: Array4<f32> = numbers.array((3, 3, 1, channels));
        for (border, width) in
            Border::ALL.into_iter().flat_map(|border| (2..18).map(move |width| (border, width)))
        {
            spec.border = border;
            spec.padding = match width % 4 {
                0 => Padding::Explicit { top: 1, bottom: 0, left: 0, right: 1 },
                1 => Padding::Explicit { top: 0, bottom: 1, left: 1, right: 0 },
                _ => Padding::Same,
            };
            let picture: Array3<f32> = numbers.array((5, width, channels));
            for isa in common::instruction_sets() {
                let layer = Conv2d::builder(filter.view())
                    .spec(&spec)
                    .strategy(Strategy::Specialized)
                    .isa(isa)
                    .build()
                    .unwrap();
                let Ok([rows, columns]) = spec.output([5, width]) else { continue };
                let run = |layout: Layout| {
                    let mut output = Laid::new(layout, [rows, columns, channels]);
                    layer.forward_into(Laid::of(layout, picture.view()).view(), output.view_mut()).unwrap();
                    output.view().mapv(f32::to_bits)
                };
                let (beside, padded) = (run(Layout::Hwc), run(Layout::Planar));
                assert_eq!(beside, padded, "{spec} {isa} {width}");
            }
        }
    }
}

#[test]
fn rows_of_filters_three_columns_wide_are_read_in_place() {
    let filter = Array4::<f32>::ones((3, 3, 1, 512));
    for isa in common::instruction_sets() {
        let layer = Conv2d::builder(filter.view()).groups(512).padding(Padding::Same);
        let layer = layer.strategy(Strategy::Specialized).isa(isa).build().unwrap();
        let plan = common::cases::pool(1).install(|| layer.explain([14, 14]));
        assert_eq!(plan.chosen().unwrap().borders, tapwise::Borders::InPlace, "{plan}");
        // A row of zeros for what is above and below the picture, and no row of the picture.
        let scratch = plan.chosen().unwrap().workspace_bytes.scratch;
        assert!((14 * 512 * 4..2 * 14 * 512 * 4).contains(&scratch), "{scratch}");
    }
}

#[test]
fn a_layer_finds_the_kernel_of_its_shape_by_itself() {
    for geometry in geometries() {
        let channels = geometry.c_in / geometry.groups;
        let filter = Array4::<f32>::ones((geometry.kernel[0], geometry.kernel[1], channels, geometry.c_out));
        for isa in common::instruction_sets() {
            let layer = Conv2d::builder(filter.view())
                .stride(geometry.stride)
                .dilation(geometry.dilation)
                .groups(geometry.groups)
                .strategy(Strategy::Specialized)
                .isa(isa)
                .build()
                .unwrap();
            let plan = layer.explain([30, 30]);
            let chosen = plan.chosen().unwrap().kernel.as_str();
            let kernel = registry::kernels().find(|kernel| kernel.name() == chosen).unwrap();
            assert_eq!((kernel.geometry(), kernel.isa()), (Some(&geometry), isa));
        }
    }
}

#[test]
fn an_annotated_layer_is_bound_to_its_shape() {
    let filter: Array4<f32> = Numbers::new(3).array((3, 2, 3, 34));
    let layer = Ragged::layer(filter.view()).strategy(Strategy::Specialized).build().unwrap();
    assert_eq!(layer.spec().stride, [1, 2]);
    assert_eq!(layer.spec().dilation, [2, 1]);
    assert_eq!(layer.spec().groups, 2);
    let picture: Array3<f32> = Numbers::new(4).array((9, 23, 6));
    let answer =
        oracle::answer(layer.spec(), filter.view(), None, &Activation::Identity, picture.view()).unwrap();
    let found = layer.forward(picture.view()).unwrap();
    oracle::judge(found.view(), &answer, oracle::bound(18)).unwrap();
}
