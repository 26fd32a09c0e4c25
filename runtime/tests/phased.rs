//! Layers of few channels with one filter each: pixels read as they lie in memory give the bits that planes do,
//! with everything that comes after the sums, whatever the rows are shared out to.

mod common;

use common::Numbers;
use common::cases::pool;
use ndarray::{Array1, Array3, Array4, s};
use tapwise::{Activation, Border, Conv2d, ConvSpec, Family, Padding, Strategy};

tapwise::specialize! {
    { delta: 1, groups: 3, c_in: 3, c_out: 3 }
    { kernel: [4, 5], stride: [2, 1], dilation: [1, 2], groups: 2, c_in: 2, c_out: 2 }
    { delta: 2, groups: 7, c_in: 7, c_out: 7 }
}

fn specs() -> [ConvSpec; 3] {
    [
        ConvSpec { groups: 3, ..ConvSpec::new([3, 3], 3, 3) },
        ConvSpec { groups: 2, stride: [2, 1], dilation: [1, 2], ..ConvSpec::new([4, 5], 2, 2) },
        ConvSpec { groups: 7, ..ConvSpec::new([5, 5], 7, 7) },
    ]
}

fn layer(spec: &ConvSpec, activation: Activation, isa: tapwise::Isa) -> Option<Conv2d> {
    let mut numbers = Numbers::new(3);
    let filter: Array4<f32> = numbers.array((spec.kernel[0], spec.kernel[1], 1, spec.c_out));
    let bias: Array1<f32> = numbers.array(spec.c_out);
    let builder = Conv2d::builder(filter.view()).spec(spec).bias(bias.view()).activation(activation).isa(isa);
    // Some sets have no such kernel for all of these.
    builder.strategy(Strategy::Specialized).family(Family::AlongRow).build().ok()
}

#[test]
fn pixels_and_planes_give_the_same_bits() {
    let mut layers = 0;
    for (spec, isa) in
        specs().iter().flat_map(|spec| common::instruction_sets().into_iter().map(move |isa| (spec, isa)))
    {
        let mut numbers = Numbers::new(11);
        for width in [1, 5, 6, 9, 16, 23, 40, 67] {
            let padding = [Padding::Same, Padding::Valid][width % 2];
            let border = [Border::Zero, Border::Reflect, Border::Replicate][width % 3];
            let spec = ConvSpec { padding, border, ..*spec };
            let prelu = Activation::Prelu(numbers.array(spec.c_out));
            let activation =
                [Activation::Identity, Activation::Relu6, prelu, Activation::Crelu][width % 4].clone();
            let Some(layer) = layer(&spec, activation, isa) else { continue };
            let input = [13, width + (spec.kernel[1] - 1) * spec.dilation[1]];
            let picture: Array3<f32> = numbers.array((input[0], input[1], spec.c_in));
            let [rows, columns] = spec.output(input).unwrap();
            let residual: Array3<f32> = numbers.array((rows, columns, spec.c_out));
            let planes = common::planar(picture.view());
            let one = layer.forward_add(picture.view(), residual.view()).unwrap();
            assert_eq!(one, layer.forward_add(planes.view(), residual.view()).unwrap(), "{spec:?} {isa}");
            let three = pool(3).install(|| layer.forward_add(picture.view(), residual.view()).unwrap());
            assert_eq!(one, three, "{spec:?} {isa}");
            // A window of a larger picture: rows lie further apart.
            let mut larger: Array3<f32> = numbers.array((input[0] + 3, input[1] + 2, spec.c_in));
            larger.slice_mut(s![2..2 + input[0], 1..1 + input[1], ..]).assign(&picture);
            let window = larger.slice(s![2..2 + input[0], 1..1 + input[1], ..]);
            assert_eq!(one, layer.forward_add(window, residual.view()).unwrap(), "{spec:?} {isa}");
            layers += 1;
        }
    }
    assert!(layers >= 24, "{layers}");
}

#[test]
fn nothing_is_staged_but_the_ends_of_rows() {
    let spec = &specs()[0];
    for isa in common::instruction_sets() {
        let Some(layer) = layer(spec, Activation::Identity, isa) else { continue };
        let plan = layer.explain([64, 640]);
        let chosen = plan.chosen().unwrap();
        assert!(matches!(chosen.borders, tapwise::Borders::Cut { .. }), "{isa}: {:?}", chosen.borders);
        // Windows at the ends of some rows, and a row of zeros: planes would be ten times as much.
        assert!(chosen.workspace_bytes.scratch < 64 << 10, "{isa}: {:?}", chosen.workspace_bytes);
    }
}
