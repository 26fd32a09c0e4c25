//! Pictures of few rows are shared among threads by columns: the same bits as on one thread.

mod common;

use common::Numbers;
use common::layouts::{Laid, Layout};
use ndarray::{Array1, Array3, Array4, Axis};
use rayon::{ThreadPool, ThreadPoolBuilder};
use tapwise::{Activation, Border, Conv2d, Shape, Strategy};

tapwise::specialize! {
    { kernel: [1, 5], c_in: 16, c_out: 24 }
    { kernel: [3, 5], c_in: 3, c_out: 4 }
}

/// Work that is worth splitting, on pictures whose rows do not go round.
const SHAPES: [(&str, Strategy); 9] = [
    ("h1w997 c16x24 k1x5", Strategy::Specialized),
    ("h1w1200 c16x24 k1x5 p0,0,9,3", Strategy::Direct),
    ("h1w2400 c16x20 k3x3 s1x2 d1x3", Strategy::Direct),
    ("h4w1700 c3x4 k3x5", Strategy::Specialized),
    ("h1w1203 c24x40 k1x1", Strategy::Direct),
    ("h2w800 c64x64 k3x3 g64", Strategy::Direct),
    ("h1w700 c16x20 k3x3 replicate", Strategy::Direct),
    ("h2w350 c16x24 k3x5 s1x1 d1x9 reflect", Strategy::Direct),
    ("h1w777 c64x64 k1x3 d1x2", Strategy::Winograd),
];

/// The answers of all kinds of calls of a layer.
fn answers(
    layer: &Conv2d,
    picture: &Array3<f32>,
    residual: &Array3<f32>,
    layout: Layout,
) -> Vec<Array3<f32>> {
    let input = Laid::of(layout, picture.view());
    let mut output = Laid::new(layout, residual.dim().into());
    layer.forward_into(input.view(), output.view_mut()).unwrap();
    assert!(output.surroundings_are_untouched(), "{layout:?}");
    let added = Laid::of(layout, residual.view());
    let mut more = Laid::new(layout, residual.dim().into());
    layer.forward_add_into(input.view(), added.view(), more.view_mut()).unwrap();
    let batch = layer.forward_batch(picture.view().insert_axis(Axis(0))).unwrap();
    vec![output.view().to_owned(), more.view().to_owned(), batch.index_axis_move(Axis(0), 0)]
}

fn pool(threads: usize) -> ThreadPool {
    ThreadPoolBuilder::new().num_threads(threads).build().unwrap()
}

#[test]
fn columns_on_many_threads_are_the_same_bits_as_on_one() {
    for (shape, strategy) in SHAPES {
        let shape: Shape = shape.parse().unwrap();
        let spec = &shape.spec;
        let mut numbers = Numbers::new(17);
        let filter: Array4<f32> =
            numbers.array((spec.kernel[0], spec.kernel[1], spec.c_in_group(), spec.c_out));
        let bias: Array1<f32> = numbers.array(spec.c_out);
        let picture: Array3<f32> = numbers.array((shape.input[0], shape.input[1], spec.c_in));
        let [height, width] = shape.output().unwrap();
        let residual: Array3<f32> = numbers.array((height, width, spec.c_out));
        for isa in common::instruction_sets() {
            let builder = Conv2d::builder(filter.view())
                .spec(spec)
                .bias(bias.view())
                .activation(Activation::Relu)
                .strategy(strategy)
                .isa(isa);
            // Which tile is the fastest depends on the threads.
            let builder = if strategy == Strategy::Winograd { builder.tile([1, 4]) } else { builder };
            let layer = builder.build().unwrap();
            let run = |threads: usize, layout| {
                pool(threads).install(|| {
                    let plan = layer.explain(shape.input);
                    assert_eq!(plan.parts > 1, threads > 1, "{plan}");
                    assert!(plan.parts <= 1 || plan.bands == 1, "{plan}");
                    assert!(threads == 1 || plan.to_string().contains("columns"), "{plan}");
                    answers(&layer, &picture, &residual, layout)
                })
            };
            let one = run(1, Layout::Hwc);
            for (threads, layout) in [(3, Layout::Hwc), (3, Layout::Planar), (8, Layout::Reversed)] {
                let many = run(threads, layout);
                let bits = |answers: &[Array3<f32>]| -> Vec<u32> {
                    answers.iter().flatten().map(|value| value.to_bits()).collect()
                };
                assert!(bits(&one) == bits(&many), "{shape} {isa} {threads} threads, {layout:?}");
            }
        }
    }
}

#[test]
fn a_border_that_goes_round_keeps_its_columns_together() {
    let filter = Array4::<f32>::ones((1, 5, 16, 24));
    let layer = Conv2d::builder(filter.view()).border(Border::Circular).build().unwrap();
    pool(3).install(|| {
        let plan = layer.explain([1, 4000]);
        assert_eq!([plan.bands, plan.parts], [1, 1], "{plan}");
        assert_ne!(plan.strategy(), Strategy::Auto);
    });
}
