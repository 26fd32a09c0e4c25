//! Layers of many weights and few pixels are shared among threads by output channels: the same bits as on one
//! thread.

mod common;

use common::Numbers;
use common::layouts::{Laid, Layout};
use ndarray::{Array1, Array3, Array4, Axis};
use rayon::ThreadPoolBuilder;
use tapwise::{Activation, Conv2d, Shape, Strategy};

tapwise::specialize! {
    { kernel: [3, 3], c_in: 256, c_out: 256 }
}

/// Many weights, on pictures whose rows do not go round.
const SHAPES: [(&str, Strategy); 6] = [
    ("h3w3 c256x256 k3x3", Strategy::Direct),
    ("h3w5 c256x256 k3x3", Strategy::Specialized),
    ("h3w5 c256x250 k3x3 reflect", Strategy::Direct),
    ("h3w5 c1024x640 k1x1", Strategy::Direct),
    ("h3w19 c128x600 k3x3 d1x2", Strategy::Direct),
    ("h5w5 c256x256 k3x3 s2x2", Strategy::Direct),
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

/// A layer with a slope for each channel, and a picture for it.
fn made(shape: &Shape, strategy: Strategy, isa: tapwise::Isa) -> (Conv2d, Array3<f32>) {
    let spec = &shape.spec;
    let mut numbers = Numbers::new(23);
    let filter: Array4<f32> = numbers.array((spec.kernel[0], spec.kernel[1], spec.c_in, spec.c_out));
    let bias: Array1<f32> = numbers.array(spec.c_out);
    let slopes: Array1<f32> = numbers.array(spec.c_out);
    let builder = Conv2d::builder(filter.view()).spec(spec).bias(bias.view());
    let layer = builder.activation(Activation::Prelu(slopes)).strategy(strategy).isa(isa).build().unwrap();
    (layer, numbers.array((shape.input[0], shape.input[1], spec.c_in)))
}

#[test]
fn channels_on_many_threads_are_the_same_bits_as_on_one() {
    for (shape, strategy) in SHAPES {
        let shape: Shape = shape.parse().unwrap();
        let [height, width] = shape.output().unwrap();
        let residual: Array3<f32> = Numbers::new(5).array((height, width, shape.spec.c_out));
        for isa in common::instruction_sets() {
            let (layer, picture) = made(&shape, strategy, isa);
            let run = |threads: usize, layout| {
                let pool = ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                pool.install(|| {
                    let plan = layer.explain(shape.input);
                    // A machine with a larger cache keeps all weights.
                    let many = 4 * shape.spec.taps() * shape.spec.c_out > plan.machine.l2 / 2;
                    if many && threads == 2 {
                        assert_eq!([plan.bands, plan.parts, plan.shares], [1, 1, 2], "{plan}");
                        assert!(plan.to_string().contains("channels\n"), "{plan}");
                    }
                    assert!(threads > 1 || plan.shares == 1, "{plan}");
                    answers(&layer, &picture, &residual, layout)
                })
            };
            let one = run(1, Layout::Hwc);
            for (threads, layout) in
                [(2, Layout::Hwc), (2, Layout::Planar), (5, Layout::Hwc), (5, Layout::Reversed)]
            {
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
fn a_layer_that_doubles_its_channels_shares_its_rows() {
    let filter = Array4::<f32>::ones((3, 3, 256, 256));
    let layer = Conv2d::builder(filter.view())
        .padding(tapwise::Padding::Same)
        .strategy(Strategy::Direct)
        .activation(Activation::Crelu)
        .build()
        .unwrap();
    ThreadPoolBuilder::new().num_threads(2).build().unwrap().install(|| {
        let plan = layer.explain([3, 3]);
        assert_eq!([plan.bands, plan.shares], [2, 1], "{plan}");
        let answer = layer.forward(Array3::ones((3, 3, 256)).view()).unwrap();
        assert_eq!([answer[[1, 1, 7]], answer[[1, 1, 300]]], [9.0 * 256.0, 0.0]);
    });
}
